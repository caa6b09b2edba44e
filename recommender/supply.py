"""What a loss takes, made of the arrays that are there: labels in its form, counts of its classes."""

from collections.abc import Mapping

import torch
from torch import Tensor

from losses.expression import Objective
from losses.spec import BoundLoss, Text
from recommender.measure.labels import exclusive, whole

COUNTS = ("class_counts", "priors")  # of priors only the ratios matter


def supply(objective: Objective, arrays: Mapping[str, Tensor]) -> dict[str, Tensor] | Text:
    """Return the inputs of an objective, or why they cannot be made of the arrays.

    Class ids become one-hot rows and one-hot rows class ids, along axis 1 of the predictions; classes are counted.
    """
    given = {role: arrays[role] for role in objective.roles if role in arrays}
    terms = [term for _, term in objective.terms]
    if "predictions" in given and "targets" in given:
        given["targets"] = _labels(terms, given["predictions"], given["targets"])
        for role in COUNTS:
            if role in objective.roles and role not in given:
                counts = _counts(given["predictions"], arrays["targets"])
                given |= {} if counts is None else {role: counts}
    needed = dict.fromkeys(role for term in terms for role in term.loss.required)
    missing = ", ".join(role for role in needed if role not in given)
    if missing:
        return Text(en=f"It needs {missing}, which was not sent.", zh=f"它需要 {missing},而请求中没有。")
    return given


def _labels(terms: list[BoundLoss], predictions: Tensor, targets: Tensor) -> Tensor:
    """Return the targets in the form that every term takes; as they are where there is no such form."""
    wants_ids = {term.domain("targets").below == "C" for term in terms if "targets" in term.loss.roles}
    wants_rows = {_rowwise(term) for term in terms if "targets" in term.loss.roles}
    if wants_rows == {True} and _are_ids(predictions, targets):
        rows = torch.zeros(predictions.shape, dtype=torch.uint8)
        return rows.scatter_(1, targets.long().unsqueeze(1), 1)
    if wants_ids == {True} and targets.shape == predictions.shape and exclusive(targets) and whole(targets):
        return targets.argmax(1)
    return targets


def _rowwise(term: BoundLoss) -> bool:
    """Whether targets have the axes of predictions, classes among them."""
    axes = term.loss.pattern("targets").names
    return "C" in axes and axes == term.loss.pattern("predictions").names


def _are_ids(predictions: Tensor, targets: Tensor) -> bool:
    """Whether targets (n, *s) are ids of the classes of predictions (n, C, *s)."""
    if predictions.ndim != targets.ndim + 1 or targets.numel() == 0 or not whole(targets):
        return False
    low, high = targets.aminmax()
    return bool(low >= 0) and bool(high < predictions.shape[1])


def _counts(predictions: Tensor, targets: Tensor) -> Tensor | None:
    """Return how often each class of the predictions occurs; None where the targets name no classes."""
    if predictions.ndim > 1 and targets.shape == predictions.shape and exclusive(targets):
        axes = [axis for axis in range(targets.ndim) if axis != 1]
        return targets.to(torch.float64).sum(axes)
    ids = targets[targets >= 0] if whole(targets) else targets[:0]
    if predictions.ndim != targets.ndim + 1 or ids.numel() == 0 or int(ids.max()) >= predictions.shape[1]:
        return None
    return torch.bincount(ids.flatten().long(), minlength=predictions.shape[1]).to(torch.float64)
