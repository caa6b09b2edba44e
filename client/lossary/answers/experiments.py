# Generated from the OpenAPI document by make docs-tables: do not edit.
"""The answers of the operations with the tag experiments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lossary import result


class BookRegret(result.Result):
    """The recommendation of a rule book, and its regret on these data."""

    __slots__ = ()

    objective: str
    regret: float | None


class ExperimentLinks(result.Result):
    """Where the rest is."""

    __slots__ = ()

    self: str
    events: str
    cancel: str
    report: str


class ExperimentList(result.Result):
    """Experiments of the key that asks, the newest first."""

    __slots__ = ()

    experiments: list[ExperimentState]
    next: float | None


class ExperimentState(result.Result):
    """An experiment: how far it is, and what it found so far."""

    __slots__ = ()

    id: str
    status: str
    created: str
    expires: str
    progress: Progress
    links: ExperimentLinks
    question: Mapping[str, Any]
    problem: Mapping[str, Any] | None
    task: str | None
    metric: str | None
    metric_title: str | None
    larger_is_better: bool | None
    rows: int | None
    target: str | None
    standings: list[Standing]
    verdict: Verdict | None
    verdicts: list[Verdict]
    extreme_rows: list[ExtremeRow]
    curves: list[LearningCurve]
    warnings: list[str]
    snippets: Mapping[str, str | None] | None
    versions: Versions | None


class ExtremeRow(result.Result):
    """A row far from what the candidates predict for it: either a mistake or something to be learnt."""

    __slots__ = ()

    row: int
    target: float
    predicted: float
    sigmas: float


class LearningCurve(result.Result):
    """The metric of the choice during the training of one candidate, at its best learning rate."""

    __slots__ = ()

    objective: str
    model: Literal["linear", "mlp"]
    epochs: list[float]
    # ["values"] is a member by its key alone


class OtherVerdict(result.Result):
    """What would be chosen under the other interpretation of outliers, errors or signal."""

    __slots__ = ()

    objective: str
    agrees: bool


class Progress(result.Result):
    """How much is done, in models (learning rates apart) or pieces of files, and the estimated remaining time."""

    __slots__ = ()

    done: int
    total: int
    seconds_left: float | None


class ScoresStanding(result.Result):
    """The result of one loss."""

    __slots__ = ()

    name: str
    value: float
    interval: list[Any] | None
    probability_best: float
    tied: bool
    p_worse: float | None


class ScoresVerdict(result.Result):
    """The chosen loss, with the uncertainty of the choice."""

    __slots__ = ()

    chosen: str
    incumbent: str
    replaces_incumbent: bool
    better: bool
    tied_with: list[str]
    summary: str
    metric: str
    rows_judged: int | None
    warnings: list[str]
    lead: float | None
    rows_to_decide: int | None
    standings: list[ScoresStanding]


class Standing(result.Result):
    """The result of one candidate with one kind of model."""

    __slots__ = ()

    objective: str
    model: Literal["linear", "mlp"]
    origins: list[Literal["article", "evidence", "alternative", "usual", "asked"]]
    value: float | None
    interval: list[Any] | None
    regret: float | None
    difference: float | None
    difference_interval: list[Any] | None
    probability_best: float
    tied: bool
    p_worse: float | None
    learning_rate: float | None
    epochs: float | None
    diverged: bool
    held_out: float | None


class Verdict(result.Result):
    """The verdict for one kind of model. It does not apply to other kinds; run the experiment with yours."""

    __slots__ = ()

    model: Literal["linear", "mlp"]
    objective: str
    incumbent: str
    replaces_incumbent: bool
    better: bool
    tied_with: list[str]
    summary: str
    selection: str
    lead: float | None
    rows_to_decide: int | None
    if_outliers_are_signal: OtherVerdict | None
    if_outliers_are_errors: OtherVerdict | None
    books: Mapping[str, BookRegret]


class Versions(result.Result):
    """The versions of the software that made the report."""

    __slots__ = ()

    service: str
    rules_hash: str
