# Generated from the OpenAPI document by make docs-tables: do not edit.
"""The answers of the operations with the tag advise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lossary import result
from lossary.answers.evaluate import Result
from lossary.answers.experiments import ExtremeRow, LearningCurve, Standing, Verdict, Versions
from lossary.answers.profile import Detail, Notice, Profile, Task
from lossary.answers.recommend import Ask, Recommendation


class Advice(result.Result):
    """The facts of the data, the recommended loss, and its evaluation beside its rivals on the predictions sent."""

    __slots__ = ()

    summary: str
    ask: Ask | None
    measured: MeasuredAnswer
    recommendation: Recommendation
    evaluations: list[Evaluated]
    experiment: ExperimentReport | None
    timing_ms: Mapping[str, float]
    assumed: Mapping[str, Any] | None
    version: str


class Evaluated(result.Result):
    """The result of one objective on the predictions; `reason` says why where `result` is null."""

    __slots__ = ()

    objective: str
    role: Literal["recommended", "article", "evidence", "alternative"]
    result: Result | None
    reason: str | None


class ExperimentReport(result.Result):
    """The result of an experiment."""

    __slots__ = ()

    task: str
    metric: str
    metric_title: str
    larger_is_better: bool
    rows: int
    target: str
    difference_unit: Literal["relative", "absolute"]
    standings: list[Standing]
    verdict: Verdict
    verdicts: list[Verdict]
    extreme_rows: list[ExtremeRow]
    curves: list[LearningCurve]
    warnings: list[str]
    snippets: Mapping[str, str | None]
    versions: Versions


class MeasuredAnswer(result.Result):
    """The measured facts, completed and overridden by those stated: ready for POST /v1/recommend."""

    __slots__ = ()

    task: Task
    profile: Profile
    warnings: list[Notice]
    details: Mapping[str, Detail]
