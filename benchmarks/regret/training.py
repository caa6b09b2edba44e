"""The training that all families share: halves, splits, replicas of losses, rates and seeds, and scores."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from benchmarks.regret.batched import Weigh, initial, train
from benchmarks.regret.cells import HALVES, Cell, Done, Row, seed_of
from benchmarks.regret.protocol import Family
from benchmarks.regret.tables import Array
from losses.contract.expression import parse
from losses.contract.loss import Items
from recommender.profile import Profile

SEEDS = 2
MODELS = {"linear": 0, "network": 16}
Roles = Mapping[str, Tensor]


class Rows(Protocol):
    """A table whose first axis is what is split: rows, or lists of rows."""

    @property
    def name(self) -> str:
        """The name of the table."""
        ...

    @property
    def cluster(self) -> str:
        """The origin of its rows."""
        ...

    @property
    def features(self) -> Array:
        """Shapes: (n, d), or (lists, length, d)."""
        ...

    @property
    def targets(self) -> Array:
        """Shapes: (n), or (lists, length)."""
        ...

    @property
    def taken(self) -> np.ndarray | None:
        """A mask of the places of a list that have an item; None for rows."""
        ...


@dataclass(frozen=True)
class Part:
    """Features (n, d), or (lists, length, d); targets and, of lists, the places that are taken."""

    features: Tensor
    targets: Tensor
    mask: Tensor | None = None

    @property
    def items(self) -> Tensor:
        """The features of items: (n, d)."""
        return self.features.flatten(0, -2)


@dataclass(frozen=True)
class Sample:
    """One cell as it is trained: three parts, and what the recommender measured on the first two."""

    train: Part
    validation: Part
    test: Part
    profile: Profile

    @property
    def classes(self) -> int:
        """How many classes the targets name."""
        return 1 + int(max(part.targets.max() for part in (self.train, self.validation, self.test)))


def first_output(raw: Tensor) -> Roles:
    """Return the first output of each item as the prediction. Shapes: (replicas, n, outputs) -> (replicas * n)."""
    return {"predictions": raw[..., 0].flatten()}


@dataclass(frozen=True)
class Candidate:
    """A loss, and how it reads the outputs of a model.

    Attributes:
        inputs: Converts outputs (replicas, n, outputs) to the loss's inputs besides targets, replicas folded into n.
        predict: Converts outputs (..., n, outputs) to the predictions that are judged.
        of_classes: Inputs that are arrays with one number a class.
    """

    objective: str
    inputs: Callable[[Tensor], Roles] = first_output
    predict: Callable[[Tensor], Tensor] = torch.clone
    of_classes: Roles = field(default_factory=dict)

    @property
    def roles(self) -> tuple[str, ...]:
        """The inputs of the loss."""
        return tuple(parse(self.objective).roles)


class Judged(NamedTuple):
    """Scores by setting and seed on two parts; `variant` names another decision from the same training."""

    metric: str
    tuning: Tensor
    tested: Tensor
    variant: str = ""

    @classmethod
    def by(cls, metric: str, scores: Iterable[Tensor], variant: str = "") -> Self:
        """Return the scores on the validation part and on the test part."""
        tuning, tested = scores
        return cls(metric, tuning, tested, variant)


Seen = tuple[Rows, np.ndarray]  # a table, and the rows of it that may be seen in training


@dataclass(frozen=True)
class Recipe:
    """A family: its protocol, its tables, and how they are trained and judged.

    Attributes:
        strata: Changes to a table before training; each receives the visible rows and returns those that are kept.
        measure: Measures the profile of the visible rows.
        told: By stratum, facts that cannot be measured and that the user states.
        outputs: The number of model outputs for an item.
        judge: Scores a candidate by its outputs (settings, seeds, n, outputs) on the validation and the test part.
    """

    task: str
    protocol: Family
    tables: Callable[[], Iterator[Rows]]
    strata: Mapping[str, Callable[[Rows, np.ndarray, np.random.Generator], Seen]]
    measure: Callable[[Rows, np.ndarray], Profile]
    outputs: Callable[[Sample], int]
    candidates: Callable[[Sample], dict[str, Candidate]]
    judge: Callable[[str, Candidate, tuple[Tensor, Tensor], Sample], Iterator[Judged]]
    told: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of_table(self, family: str, table: Rows) -> list[Done]:
        """Return every cell of one table."""
        torch.set_num_threads(1)
        names = [(stratum, model, half) for stratum in self.strata for model in MODELS for half in HALVES]
        return [self._cell(table, Cell(family, table.name, table.cluster, *name)) for name in names]

    def _cell(self, table: Rows, cell: Cell) -> Done:
        sample = self._sample(table, cell)
        candidates = self.candidates(sample)
        outputs = train(
            sample.train.items,
            [weighed(entry, sample.train) for entry in candidates.values()],
            [sample.validation.items, sample.test.items],
            initial(sample.train.items.shape[1], MODELS[cell.model], SEEDS, torch.zeros(self.outputs(sample))),
            SEEDS,
        )
        better = {metric.name: metric.better for metric in self.protocol.metrics}
        rows = []
        for place, (name, entry) in enumerate(candidates.items()):
            for judged in self.judge(name, entry, (outputs[0][place], outputs[1][place]), sample):
                cost = torch.nan_to_num(-better[judged.metric] * judged.tuning.mean(1), nan=torch.inf)
                scores = judged.tested[int(cost.argmin())]
                told = (judged.variant, "") if judged.variant else (name, str(parse(entry.objective)))
                rows.append(Row(cell, *told, judged.metric, float(scores.mean()), float(scores.std(correction=0))))
        profile = sample.profile.model_dump(mode="json", exclude_none=True)
        return Done(rows, {"task": self.task, "profile": profile})

    def _sample(self, table: Rows, cell: Cell) -> Sample:
        """Return the parts of a cell: each half has test rows of its own, 25 %, the same in every stratum."""
        order = np.random.default_rng(seed_of(table.name, cell.model)).permutation(len(table.targets))
        test = np.split(order[: 2 * (len(order) // 4)], 2)[HALVES.index(cell.half)]
        rng = np.random.default_rng(seed_of(cell.key))
        changed, seen = self.strata[cell.stratum](table, rng.permutation(np.setdiff1d(order, test)), rng)
        learn, check = np.split(seen, [int(0.75 * len(seen))])
        mean, spread = _moments(changed, learn)
        features = torch.from_numpy(np.clip((changed.features - mean) / spread, -10, 10)).float()
        targets = torch.from_numpy(changed.targets).float()
        taken = None if changed.taken is None else torch.from_numpy(changed.taken)

        def part(rows: np.ndarray) -> Part:
            return Part(features[rows], targets[rows], None if taken is None else taken[rows])

        told: dict[str, object] = {
            "model": "flexible" if MODELS[cell.model] else "linear",
            **self.told.get(cell.stratum, {}),
        }
        profile = self.measure(changed, seen).model_copy(update=told)
        return Sample(part(learn), part(check), part(test), profile)


def _moments(table: Rows, rows: np.ndarray) -> tuple[Array, Array]:
    known = table.features[rows]
    known = known.reshape(-1, known.shape[-1]) if table.taken is None else known[table.taken[rows]]
    return known.mean(0), known.std(0) + 1e-9


def weighed(candidate: Candidate, part: Part) -> Weigh:
    """Return a function that computes the loss of each replica from its outputs (replicas, n, outputs) on a part.

    Replicas are folded into the items, except where a loss needs all items at once.
    """
    objective = parse(candidate.objective)
    together = any(term.loss.kind == "batch" for _, term in objective.terms)

    def of(raw: Tensor) -> Tensor:
        if together and len(raw) > 1:
            return torch.cat([of(one[None]) for one in raw])
        replicas, more = len(raw), [1] * (part.targets.ndim - 1)
        roles = {"targets": part.targets.repeat(replicas, *more), **candidate.inputs(raw), **candidate.of_classes}
        mask = None if part.mask is None else part.mask.repeat(replicas, *more)
        total = raw.new_zeros(replicas)
        for coefficient, term in objective.terms:
            taken = {role: roles[role] for role in term.loss.roles if role in roles}
            if "targets" in taken and term.domain("targets").below is not None:
                taken["targets"] = taken["targets"].long()
            out = term(taken, mask)
            items = out if isinstance(out, Items) else Items(out)  # type: ignore[arg-type] # no sums among these losses
            value, counts = (numbers.reshape(replicas, -1).sum(1) for numbers in (items.numerator, items.counts))
            total = total + coefficient * value / counts
        return total

    return of


def unchanged(table: Rows, seen: np.ndarray, _: np.random.Generator) -> Seen:
    """Return a table as it is."""
    return table, seen


def with_targets(table: Rows, targets: Array) -> Rows:
    """Return a table with other targets."""
    changed: Rows = replace(table, targets=targets)  # type: ignore[type-var] # every table is a dataclass
    return changed
