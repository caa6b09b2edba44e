"""The form of a kernel: the objective, the parameters, and the dtypes and axes of inputs that it is compiled for."""

import hashlib
import json
import math
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss, Value
from losses.contract.registry import catalogue

MOST_AXES = 5  # items, classes and a volume
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (torch.float32, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool)
}
FREE = "free"  # what stands for a number that is passed to the kernel
Params = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class TermForm:
    """One term of a form: its loss and its parameters.

    Attributes:
        loss: The id of the loss.
        params: The parameters that are compiled in.
        free: Numeric parameters that are passed to the kernel, each with "float" or "int".
    """

    loss: str
    params: Params
    free: tuple[tuple[str, str], ...]  # with "float" or "int"


@dataclass(frozen=True)
class InputForm:
    """One input of a form: its role and dtype, and which axes have length 1, for which different code is compiled."""

    role: str
    dtype: str
    single: tuple[bool, ...]


@dataclass(frozen=True)
class Form:
    """What a kernel is compiled for: an objective without its coefficients, and its inputs."""

    terms: tuple[TermForm, ...]
    inputs: tuple[InputForm, ...]
    dtype: str

    @cached_property
    def digest(self) -> str:
        """The name of the kernel, which changes with the sources and with the version of torch."""
        text = json.dumps([self.described(), torch.__version__, platform.machine(), sources()])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def described(self) -> dict[str, Any]:
        """Return the form as JSON."""
        return {
            "terms": [[term.loss, list(term.params), list(term.free)] for term in self.terms],
            "inputs": [[entry.role, entry.dtype, list(entry.single)] for entry in self.inputs],
            "dtype": self.dtype,
        }

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Self:
        """Return the form that `described` wrote."""
        terms = [
            TermForm(loss, tuple((name, value) for name, value in params), tuple((name, kind) for name, kind in free))
            for loss, params, free in described["terms"]
        ]
        inputs = [InputForm(role, dtype, tuple(single)) for role, dtype, single in described["inputs"]]
        return cls(tuple(terms), tuple(inputs), described["dtype"])

    def objective(self) -> Objective:
        """Return an objective of this form, with the parameters that are passed to the kernel at their defaults."""
        return Objective(tuple((1.0, catalogue()[term.loss].bind(dict(term.params))) for term in self.terms))


def form_of(objective: Objective, inputs: Mapping[str, Tensor], dtype: torch.dtype) -> Form | None:
    """Return the form of an objective on these inputs; None where no kernel can be compiled."""
    firsts = merged_from(objective)
    sent = [_input(role, inputs[role], firsts.get(role)) for role in objective.roles if role in inputs]
    known = [entry for entry in sent if entry is not None]
    if len(known) < len(sent) or any(why_no_kernel(term) for _, term in objective.terms):
        return None
    terms = tuple(_term(term) for _, term in objective.terms)
    return Form(terms, tuple(known), _name(dtype)) if _name(dtype) in ("float32", "float64") else None


def why_no_kernel(term: BoundLoss) -> str:
    """Return why no kernel is made of a loss under its parameters; empty where one is."""
    if term.kind == "batch":
        return "It needs all items at once: its time goes into matrix products and sorts, which no kernel shortens."
    return term.loss.no_kernel


def merged_from(objective: Objective) -> dict[str, int]:
    """Return the inputs whose last axes a kernel takes as one, each with the first of these axes.

    They are the axes of a starred name, if each position is an item of its own: those of pixels, and all after the
    first of `*n`. So one kernel serves columns, pictures and volumes. Empty where terms disagree, or where a term adds
    up over such axes, since its formula may tell them apart.
    """
    firsts: dict[str, set[int | None]] = {}
    for _, term in objective.terms:
        for role in term.loss.roles:
            *fixed, last = term.loss.pattern(role).names or ("",)
            starred = last.startswith("*")
            if any(name.startswith("*") for name in fixed) or (starred and last not in term.loss.shapes.items.names):
                return {}
            firsts.setdefault(role, set()).add((len(fixed) or 1) if starred else None)
    if any(len(of_role) > 1 for of_role in firsts.values()):
        return {}
    return {role: first for role, (first,) in firsts.items() if first is not None}


def merged_shape(shape: tuple[int, ...], first: int | None) -> tuple[int, ...]:
    """Return a shape with the axes from `first` on as one."""
    return shape if first is None or len(shape) <= first + 1 else (*shape[:first], math.prod(shape[first:]))


def _input(role: str, tensor: Tensor, first: int | None) -> InputForm | None:
    """Return the form of an input whose axes from `first` on are one; None where kernels do not support it."""
    shape = merged_shape(tensor.shape, first)
    single = tuple(length == 1 for length in shape)
    fits = _name(tensor.dtype) in DTYPES and len(shape) <= MOST_AXES and all(shape)
    return InputForm(role, _name(tensor.dtype), single) if fits else None


def _term(term: BoundLoss) -> TermForm:
    """Return the form of a term."""
    fields = term.loss.parameters.model_fields
    free = tuple(
        (name, "int" if isinstance(value, int) else "float")
        for name, value in term.params.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and value != fields[name].default
    )
    named = dict(free)
    return TermForm(
        term.loss.id, tuple((name, value) for name, value in term.params.items() if name not in named), free
    )


def free_numbers(objective: Objective, form: Form) -> Iterator[float]:
    """Yield the values of the parameters that are passed to the kernel, in the order of the form."""
    for (_, term), own in zip(objective.terms, form.terms, strict=True):
        for name, _ in own.free:
            yield float(term.params[name] or 0)


def _name(dtype: torch.dtype) -> str:
    """Return the name of a dtype."""
    return str(dtype).removeprefix("torch.")


@cache
def sources() -> str:
    """Return a digest of the code of the losses, of which kernels are made."""
    folder = Path(__file__).parents[2]
    texts = [path.read_bytes() for path in sorted(folder.rglob("*.py"))]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()
