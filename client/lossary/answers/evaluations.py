# Generated from the OpenAPI document by make docs-tables: do not edit.
"""The answers of the operations with the tag evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lossary import result
from lossary.answers.evaluate import Result
from lossary.answers.experiments import Progress


class EvaluationList(result.Result):
    """Evaluations of the key that asks, the newest first."""

    __slots__ = ()

    evaluations: list[EvaluationState]
    next: float | None


class EvaluationState(result.Result):
    """An evaluation: its progress, and the results once it has ended."""

    __slots__ = ()

    id: str
    status: str
    created: str
    expires: str
    progress: Progress
    links: JobLinks
    question: Mapping[str, Any]
    problem: Mapping[str, Any] | None
    results: list[Result] | None
    # ["items"] is a member by its key alone
    dtype: str | None


class JobLinks(result.Result):
    """The paths of further requests."""

    __slots__ = ()

    self: str
    events: str
    cancel: str
