"""One row, measured: value and gradient of both sides, in float64 and float32, draw by draw."""

import importlib
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from benchmarks.conformance.table import Inputs, Row
from losses.contract.expression import Objective, parse
from losses.errors import Refusal
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import INFINITE

LIMIT = {torch.float64: 1e-9, torch.float32: 1e-5}  # of the sum of absolute terms
SIDE = ("weights", "mask")
Adapter = Callable[[Row, Inputs, list[str]], tuple[Tensor, Inputs, bool]]


@dataclass
class Gap:
    """The largest relative difference over all draws, of the value and of the gradient."""

    value: float = 0.0
    gradient: float = 0.0

    def widen(self, value: float, gradient: float) -> None:
        """Add the differences of one draw; NaN counts as infinite."""
        self.value = max(self.value, value if value == value else torch.inf)  # noqa: PLR0124 - NaN
        self.gradient = max(self.gradient, gradient if gradient == gradient else torch.inf)  # noqa: PLR0124 - NaN

    def within(self, limit: float) -> bool:
        """Return whether both are within a limit."""
        return max(self.value, self.gradient) <= limit


@dataclass
class Measured:
    """The measurement of a row: the gap, the gap after the explanation is applied, and our own rounding, by dtype."""

    row: Row
    losses: list[str]
    plain: dict[torch.dtype, Gap] = field(default_factory=lambda: {dtype: Gap() for dtype in LIMIT})
    left: dict[torch.dtype, Gap] = field(default_factory=lambda: {dtype: Gap() for dtype in LIMIT})
    rounding: Gap = field(default_factory=Gap)
    in_float32: bool = False
    draws: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def limit(self) -> float:
        """The limit in float64; that of float32 for a library that always computes in float32."""
        return LIMIT[torch.float32 if self.in_float32 else torch.float64]

    @property
    def problem(self) -> str:
        """What remains unexplained; an empty text where nothing does."""
        told = self.row.explained
        plain = self.plain[torch.float64]
        beyond = " beyond the explanation" if told else ""
        if self.error:
            return self.error
        if told and plain.within(self.limit):
            return "agrees without the explanation it has"
        if told and told.equal and plain.value > self.limit:
            return "float64 differs in the value too"
        if told and told.by is None:
            return "" if plain.within(told.most or 0) else f"differs by more than the {told.most:g} that is allowed"
        if not self.left[torch.float64].within(self.limit):
            return f"float64 differs{beyond}"
        return "" if self._narrow or self._digits_lost else f"float32 differs{beyond}"

    @property
    def _narrow(self) -> bool:
        return self.left[torch.float32].within(LIMIT[torch.float32])

    @property
    def _digits_lost(self) -> bool:
        return bool(self.row.float32) and self.rounding.within(LIMIT[torch.float32])

    @property
    def verdict(self) -> tuple[str, str]:
        """The verdict and its reason."""
        if self.problem:
            return "UNEXPLAINED", self.problem
        told = self.row.explained
        reasons = [told.reason] if told else []
        if told and told.by is None:
            return "bounded", f"{told.reason} (by no exact map: held to {told.most:g})"
        if not self._narrow:
            reasons.append(f"in float32 {self.row.float32}")
        if reasons:
            return "explained", "; ".join(reasons)
        return "equal", "the library computes in float32 whatever it is sent" if self.in_float32 else ""


class _Evaluated(torch.autograd.Function):
    """Our evaluation as a torch function, whose gradient is the one that we return."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch names no type for it
        objective: Objective,
        reduction: str,
        names: tuple[str, ...],
        *tensors: Tensor,
    ) -> Tensor:
        given = dict(zip(names, (tensor.detach() for tensor in tensors), strict=True))
        inputs = {role: tensor for role, tensor in given.items() if role not in SIDE}
        side = {name: given.get(name) for name in SIDE}
        items = reduction == "none"
        options = Options(reduction="sum" if items else reduction, gradient="full", standard_error=False)
        with torch.enable_grad():
            result = evaluate(objective, inputs, **side, options=options)
        ctx.slopes = [None for _ in names]
        if result.reason is not None and result.reason.startswith(INFINITE):
            return torch.tensor(torch.inf, dtype=torch.float64)
        if result.value is None:
            raise ValueError(result.reason)
        ctx.slopes = [(result.gradients or {}).get(name) for name in names]
        if items:
            options = Options(reduction="none", standard_error=False)
            return evaluate(objective, inputs, **side, options=options).values.to(torch.float64)
        return torch.tensor(result.value, dtype=torch.float64)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401 - torch names no type for it
        at = slope.flatten()[0]  # items are only ever summed, so that all their slopes agree
        return None, None, None, *[None if own is None else own * at.to(own.dtype) for own in ctx.slopes]


def ours(row: Row, inputs: Inputs, roles: list[str], *, explained: bool = False) -> tuple[Tensor, Inputs]:
    """Return our value and its gradients, changed by the row's explanation where `explained`."""
    leaves = {name: tensor.clone().requires_grad_(name in roles) for name, tensor in inputs.items()}
    objective = parse(row.ours)

    def call(**given: Tensor) -> Tensor:
        """Return our value."""
        return _Evaluated.apply(objective, row.reduction, tuple(given), *given.values())

    by = row.explained.by if explained and row.explained else None
    value = by(call, **leaves) if by else call(**leaves)
    return value.detach(), _slopes(value, leaves, roles)


def _slopes(value: Tensor, leaves: Inputs, roles: list[str]) -> Inputs:
    """Return the gradient of a value by each input."""
    if not roles or not value.requires_grad:
        return {role: torch.zeros_like(leaves[role]) for role in roles}
    slopes = torch.autograd.grad(value.sum(), [leaves[role] for role in roles], allow_unused=True)
    return {
        role: torch.zeros_like(leaves[role]) if slope is None else slope
        for role, slope in zip(roles, slopes, strict=True)
    }


def from_torch(row: Row, inputs: Inputs, roles: list[str]) -> tuple[Tensor, Inputs, bool]:
    """Return a torch function's value and gradients, and whether its result has a narrower dtype than its inputs."""
    leaves = {name: tensor.clone().requires_grad_(name in roles) for name, tensor in inputs.items()}
    value = row.theirs(**leaves)
    return value.detach(), _slopes(value, leaves, roles), value.dtype == torch.float32


def from_keras(row: Row, inputs: Inputs, roles: list[str]) -> tuple[Tensor, Inputs, bool]:
    """Return the same for Keras on torch, whose losses compute in its global float type."""
    keras = importlib.import_module("keras")
    wide = any(tensor.dtype == torch.float64 for tensor in inputs.values())
    keras.config.set_floatx("float64" if wide else "float32")
    return from_torch(row, inputs, roles)


def from_jax(row: Row, inputs: Inputs, roles: list[str]) -> tuple[Tensor, Inputs, bool]:
    """Return the same for a jax function."""
    jax, numpy = importlib.import_module("jax"), importlib.import_module("numpy")
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - its signature
    given = {name: jax.numpy.asarray(tensor.numpy()) for name, tensor in inputs.items()}
    moving = {name: given[name] for name in roles}

    def both(moving: Any) -> Any:  # noqa: ANN401 - trees of jax arrays
        """Return the values of the other library, and their gradients with ones for every output."""
        value, pull = jax.vjp(lambda leaves: row.theirs(**{**given, **leaves}), moving)
        return value, pull(jax.numpy.ones_like(value))[0]

    value, slopes = jax.jit(both)(moving)  # one compilation instead of one an operation
    back = {name: torch.from_numpy(numpy.array(slope)) for name, slope in slopes.items()}
    return torch.from_numpy(numpy.array(value)), back, value.dtype == jax.numpy.float32


ADAPTERS: dict[str, Adapter] = {"torch": from_torch, "keras": from_keras, "jax": from_jax}


def _converted(inputs: Inputs, dtype: torch.dtype) -> Inputs:
    """Return the inputs with floating ones in another dtype."""
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in inputs.items()}


def _relative(mine: Tensor, other: Tensor, scale: float) -> float:
    """Return the largest difference relative to a scale."""
    if mine.shape != other.shape:
        raise ValueError(f"shapes {list(mine.shape)} and {list(other.shape)} differ")
    apart = float((mine.double() - other.double()).abs().max()) if mine.numel() else 0.0
    return apart / scale if apart else 0.0


def _terms(row: Row, inputs: Inputs, value: Tensor) -> float:
    """Return the sum of absolute terms in the unit of the value."""
    largest = float(value.abs().max())
    objective = parse(row.ours)
    if row.reduction != "none" and all(term.kind == "item" for _, term in objective.terms):
        given = {role: tensor for role, tensor in inputs.items() if role not in SIDE}
        try:
            options = Options(reduction="none", standard_error=False)
            values = evaluate(objective, given, mask=inputs.get("mask"), options=options).values
        except Refusal:  # a sum whose terms have different items
            values = None
        if values is not None and bool(values.isfinite().all()) and float(values.sum()):
            largest *= float(values.abs().sum() / values.sum().abs())
    return max(largest, row.unit) or 1.0


def measure(row: Row, backend: str) -> Measured:
    """Return the differences between a library and us."""
    started = time.perf_counter()
    objective = parse(row.ours)
    result = Measured(row, list(dict.fromkeys(term.loss.id for _, term in objective.terms)))
    grown = {role for _, term in objective.terms for role in term.loss.differentiable}
    generator = torch.Generator().manual_seed(zlib.crc32(row.name.encode()))
    for drawn in row.draws(generator):
        result.draws += 1
        roles = [role for role in drawn if role in grown and row.gradient]
        for dtype in LIMIT:
            _compare(result, _converted(drawn, dtype), roles, dtype, ADAPTERS[backend])
    result.seconds = time.perf_counter() - started
    return result


def _compare(result: Measured, inputs: Inputs, roles: list[str], dtype: torch.dtype, adapter: Adapter) -> None:
    row = result.row
    value, slopes = ours(row, inputs, roles)
    other, others, narrow = adapter(row, inputs, roles)
    if dtype == torch.float64:
        result.in_float32 |= narrow or row.narrow
    scale = _terms(row, inputs, value if bool(value.isfinite().all()) else other)
    steep = max([float(max(slopes[role].abs().max(), others[role].abs().max())) for role in roles], default=0.0) or 1.0

    def gap(mine: Tensor, own: Inputs, theirs: Tensor, their: Inputs) -> tuple[float, float]:
        return _relative(mine, theirs, scale), max(
            [_relative(own[role], their[role], steep) for role in roles], default=0.0
        )

    result.plain[dtype].widen(*gap(value, slopes, other, others))
    mine = ours(row, inputs, roles, explained=True)
    result.left[dtype].widen(*gap(*mine, other, others))
    if dtype == torch.float32:
        exact = ours(row, _converted(inputs, torch.float64), roles, explained=True)
        result.rounding.widen(*gap(*mine, *exact))
