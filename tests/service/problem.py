"""The shape that every refusal has, and a service with a fault of its own."""

import json
from typing import Any

import httpx
import pytest

from losses.evaluation.result import Evaluation
from service.compute import Runtime
from service.settings import Settings


def broken(settings: Settings) -> Runtime:
    """Return a runtime with a fault of ours."""

    def evaluate(*_: object, **__: object) -> Evaluation:
        raise TypeError("there is no such thing")

    return Runtime(settings, evaluate=evaluate)


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Check the shape every refusal has, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) <= 4096
    problem: dict[str, Any] = json.loads(answer.content, parse_constant=pytest.fail)
    assert {"type", "title", "status", "detail", "instance"} <= set(problem)
    assert problem["status"] == status
    return problem
