"""Inputs for any loss, drawn from the domains and axes it declares: a new loss comes under every law by itself."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import wraps
from inspect import signature
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from losses.contract.domains import Domain
from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss, Loss, Value
from losses.contract.registry import catalogue
from losses.contract.shapes import Axes
from losses.errors import BadOption, DomainViolation
from losses.evaluation.chunks import Dims, align, dims
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation

ITEMS, CLASSES, FEATURES, SPATIAL = 13, 3, 5, (2, 3)
LONG = 3  # frames for each label: enough for all labels, a blank between any two, and some to spare
SPARE = 3  # what may be missing from a length
LEADS_DIFFER_BY = 4  # two lists of items are never of one length by accident
IGNORED_EVERY = 5  # items


@dataclass(frozen=True)
class Subject:
    """A loss under some parameters and some shape, with or without the inputs that it can do without."""

    term: BoundLoss
    optional: bool = False
    classes: int = CLASSES
    spatial: tuple[int, ...] = SPATIAL
    features: int = FEATURES

    def __str__(self) -> str:
        extra = [role for role in self.loss.roles if role not in self.loss.required]
        parts = [str(self.term), f"with {', '.join(extra)}" if self.optional else ""]
        parts += [f"of {self.classes} class" if self.classes == 1 else "", "" if self.spatial else "of flat items"]
        return " ".join(part for part in parts if part)

    @property
    def loss(self) -> Loss:
        return self.term.loss

    @property
    def objective(self) -> Objective:
        return Objective(((1.0, self.term),))

    @property
    def takes_weights(self) -> bool:
        """Whether weights and masks have a meaning: there is one list of items, and they stand alone."""
        return bool(self.loss.elements.names) and self.term.kind != "batch"

    @property
    def counts_elements(self) -> bool:
        """Whether an element can count as several: not where it has one place in an order."""
        batch = self.draw()
        try:
            batch.evaluate(torch.full(batch.shape, 2.0))
        except BadOption:
            return False
        return True

    def axes(self, items: int) -> Axes:
        """Return a length for every axis."""
        patterns = [self.loss.pattern(role) for role in self.loss.roles]
        item_axes = list(dict.fromkeys(pattern.item_axis for pattern in patterns if pattern.item_axis))
        axes: Axes = {"C": (self.classes,), "D": (self.features,)}
        boxes = [
            pattern.names[1]
            for role, pattern in zip(self.loss.roles, patterns, strict=True)
            if self.loss.domains[role].corners
        ]
        axes |= dict.fromkeys(boxes, (4,))
        for name in (name for pattern in patterns for name in pattern.names):
            bare = name.lstrip("*")
            own = (items + LEADS_DIFFER_BY * item_axes.index(bare),) if bare in item_axes else ()
            more = self.spatial[: 1 if own else None] if name.startswith("*") else ()
            length = self.features * (LONG if bare == "T" else 1)
            axes.setdefault(bare, own + more if own or name.startswith("*") else (length,))
        return axes

    def draw(self, seed: int = 0, items: int = ITEMS, *, edges: bool = False) -> "Batch":
        """Return inputs in float64; with `edges`, the ends of the domains among them where the value stays finite."""
        rng = torch.Generator().manual_seed(seed)
        axes = self.axes(items)
        roles = self.loss.roles if self.optional else self.loss.required
        inputs = {
            role: _numbers(self.term.domain(role), self.loss.pattern(role).lengths(axes), axes, rng) for role in roles
        }
        ignored = self.term.params.get("ignore_index")
        for role in roles:
            if isinstance(ignored, int) and self.term.domain(role).whole:
                inputs[role].flatten()[IGNORED_EVERY - 1 :: IGNORED_EVERY] = ignored
        return Batch(self, inputs).edged(rng) if edges else Batch(self, inputs)


@dataclass(frozen=True)
class Batch:
    """Inputs of one subject."""

    subject: Subject
    inputs: dict[str, Tensor]

    def evaluate(
        self,
        weights: Tensor | None = None,
        mask: Tensor | None = None,
        **options: Any,  # noqa: ANN401 - the options as a caller writes them
    ) -> Evaluation:
        """Return what the loss says of these inputs."""
        return evaluate(self.subject.objective, self.inputs, weights=weights, mask=mask, options=Options(**options))

    def map(self, change: Callable[[str, Tensor], Tensor]) -> "Batch":
        """Return the batch with every input changed."""
        return replace(self, inputs={role: change(role, tensor) for role, tensor in self.inputs.items()})

    def to(self, dtype: torch.dtype) -> "Batch":
        """Return the batch with its floats in another dtype."""
        return self.map(lambda _, tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor)

    def dims(self, role: str) -> Dims:
        """Return the axes of one input."""
        return dims(self.subject.loss.pattern(role), self._axes())

    @property
    def elements(self) -> Dims:
        """The axes that weights and masks may have."""
        return dims(self.subject.loss.elements, self._axes())

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes that weights and masks may have."""
        return self.subject.loss.elements.lengths(self._axes())

    def _axes(self) -> Axes:
        return self.subject.loss.shapes.bind(self.inputs, self.subject.loss.roles, {})

    def take(self, index: Tensor, axis: int = 0) -> "Batch":
        """Return the batch of some entries along one axis of the elements."""
        wanted = self.elements[axis]

        def some(role: str, tensor: Tensor) -> Tensor:
            own = self.dims(role)
            return tensor.index_select(own.index(wanted), index) if wanted in own else tensor

        return self.map(some)

    def poisoned(self, mask: Tensor) -> "Batch":
        """Return the batch with NaN, or an id that no class has, wherever the mask is 0."""
        own = self.elements[: mask.ndim]

        def spoil(role: str, tensor: Tensor) -> Tensor:
            if own[0] not in self.dims(role):
                return tensor
            bad = math.nan if tensor.is_floating_point() else 2**40
            return tensor.masked_fill(align(mask, own, self.dims(role)) == 0, bad)

        return self.map(spoil)

    def edged(self, rng: torch.Generator) -> "Batch":
        """Return the batch with the ends of the domains put in, one by one, where the value stays finite."""
        batch = self
        for role in self.inputs:
            domain = self.subject.term.domain(role)
            for edge in _edges(domain):
                tensor = batch.inputs[role].clone()
                place = tuple(int(torch.randint(length, (), generator=rng)) for length in tensor.shape)
                if domain.simplex:
                    tensor.movedim(1, -1)[(place[0], *place[2:])] = 0
                tensor[place] = edge
                candidate = replace(batch, inputs={**batch.inputs, role: tensor})
                batch = candidate if candidate.is_finite() else batch
        return batch

    def is_finite(self) -> bool:
        try:
            return self.evaluate(standard_error=False).value is not None
        except DomainViolation:
            return False


def _edges(domain: Domain) -> list[float]:
    if domain.whole or domain.signs:
        return []
    ends = [domain.low, domain.high, 0.0, -math.inf if domain.minus_infinity else None]
    return list(dict.fromkeys(end for end in ends if end is not None))


def _numbers(domain: Domain, shape: tuple[int, ...], axes: Axes, rng: torch.Generator) -> Tensor:
    """Return numbers well inside a domain."""
    if domain.whole:
        return _whole_numbers(domain, shape, axes, rng)
    spread = torch.randn(shape, generator=rng, dtype=torch.float64)
    if domain.signs:
        return spread.sign()
    if domain.simplex:
        return spread.softmax(1)
    if domain.sizes or domain.corners:
        sizes = 0.2 + spread[:, 2:].abs()
        return torch.cat([spread[:, :2], sizes if domain.sizes else spread[:, :2] + sizes], 1)
    low = domain.above if domain.low is None else domain.low
    high = domain.under if domain.high is None else domain.high
    if low is None and high is None:
        return 2 * spread
    return _between(low, high, torch.rand(shape, generator=rng, dtype=torch.float64))


def _between(low: float | None, high: float | None, parts: Tensor) -> Tensor:
    """Return numbers well inside an interval that has one end or two."""
    if low is not None and high is not None:
        return low + (0.02 + 0.96 * parts) * (high - low)
    return 0.3 + 2 * parts + low if low is not None else (high or 0) - 0.3 - 2 * parts


def _whole_numbers(domain: Domain, shape: tuple[int, ...], axes: Axes, rng: torch.Generator) -> Tensor:
    if domain.up_to:
        most = axes[domain.up_to][0]
        return torch.randint(max(0, most - SPARE), most + 1, shape, generator=rng)
    most = FEATURES if domain.high is None else int(domain.high) + 1
    return torch.randint(axes[domain.below][0] if domain.below else most, shape, generator=rng)


def variants(loss: Loss) -> list[BoundLoss]:
    """Return the loss under its defaults, under each choice it offers, and under the parameters of its worked cases."""
    bound = [loss.bind()]
    for name, info in loss.parameters.model_fields.items():
        words: tuple[Value, ...] = tuple(word for word in get_args(info.annotation) if isinstance(word, str))
        bound += [loss.bind({name: value}) for value in ((True, False) if info.annotation is bool else words)]
    bound += [loss.bind(case.params) for case in loss.cases]
    return [term for position, term in enumerate(bound) if term not in bound[:position]]


def kinds(loss: Loss) -> list[BoundLoss]:
    """Return the loss once in each kind that it has: under its defaults, and under what makes it another."""
    return list({term.kind: term for term in reversed(variants(loss))}.values())[::-1]


def subjects() -> list[Subject]:
    """Return every loss of the catalogue under all its variants, and under its defaults in all its shapes."""
    listed = []
    for loss in catalogue().values():
        listed += [Subject(term) for term in variants(loss)]
        if loss.roles != loss.required:
            listed += [Subject(term, optional=True) for term in kinds(loss)]
        names = {name for pattern in loss.shapes.roles for name in pattern.names}
        if "C" in names:
            listed.append(Subject(loss.bind(), classes=1))
        if any(name.startswith("*") for name in names):
            listed.append(Subject(loss.bind(), spatial=()))
    return listed


def named(case: object) -> str:
    """Return a test's id."""
    return case.id if isinstance(case, Loss) else str(case)


Law = Callable[..., None]


def once_a_loss(subjects: Iterable[Subject]) -> Callable[[Law], Law]:
    """Return a decorator that runs a law once for each loss, on all of its subjects; the law takes one `subject`.

    What fails has the subject in a note. A subject that the law skips leaves the others; where all are, so is the test.
    """
    by_loss: dict[str, list[Subject]] = {}
    for subject in subjects:
        by_loss.setdefault(subject.loss.id, []).append(subject)

    def decorate(law: Law) -> Law:
        @wraps(law)
        def run(subjects: list[Subject], **others: object) -> None:
            reasons = [_reason_to_skip(law, subject, others) for subject in subjects]
            if all(reasons):
                pytest.skip(", ".join(dict.fromkeys(filter(None, reasons))))

        own = signature(law)
        several = [
            parameter.replace(name="subjects") if name == "subject" else parameter
            for name, parameter in own.parameters.items()
        ]
        run.__signature__ = own.replace(parameters=several)  # type: ignore[attr-defined] # pytest reads it
        return pytest.mark.parametrize("subjects", list(by_loss.values()), ids=list(by_loss))(run)

    return decorate


def _reason_to_skip(law: Law, subject: Subject, others: dict[str, object]) -> str | None:
    try:
        law(subject=subject, **others)
    except pytest.skip.Exception as skipped:
        return str(skipped)
    except BaseException as error:
        error.add_note(f"It fails for {subject}.")
        raise
    return None


SUBJECTS = subjects()
KINDS = [Subject(term, optional=loss.roles != loss.required) for loss in catalogue().values() for term in kinds(loss)]
FIRSTS = list({loss.compute.__module__: loss for loss in reversed(catalogue().values())}.values())
every_divisible_kind = once_a_loss(subject for subject in KINDS if subject.term.kind != "batch")
every_kind = once_a_loss(KINDS)
every_weighted_kind = once_a_loss(subject for subject in KINDS if subject.takes_weights)
every_itemwise_kind = once_a_loss(subject for subject in KINDS if subject.term.kind == "item")
every_loss = pytest.mark.parametrize("loss", list(catalogue().values()), ids=named)
every_subject = once_a_loss(SUBJECTS)
every_weighted_subject = once_a_loss(subject for subject in SUBJECTS if subject.takes_weights)
