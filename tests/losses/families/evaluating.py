"""Evaluations of a loss on a few numbers."""

import math

import torch

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation

INF, NAN = math.inf, math.nan


def said(text: str, options: Options | None = None, **inputs: object) -> Evaluation:
    """Return what an objective says of numbers written out."""
    tensors = {role: torch.tensor(numbers, dtype=_dtype(role, numbers)) for role, numbers in inputs.items()}
    return evaluate(parse(text), tensors, options=options or Options(gradient="full"))


def _dtype(role: str, numbers: object) -> torch.dtype | None:
    while isinstance(numbers, list) and numbers:
        numbers = numbers[0]
    return None if role == "targets" and isinstance(numbers, int) else torch.float64


def finite(evaluation: Evaluation) -> bool:
    """Return whether the value and its whole gradient are finite."""
    return evaluation.value is not None and all(
        bool(slope.isfinite().all()) for slope in (evaluation.gradients or {}).values()
    )
