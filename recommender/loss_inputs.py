"""Makes the inputs of a loss from the arrays at hand: labels in its encoding, masks, and class counts."""

from collections.abc import Mapping
from typing import TypeGuard

import torch
from torch import Tensor

from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss
from losses.text import Text
from recommender.measure.classes.labels import all_whole, exclusive
from recommender.measure.pictures.void import find_void, rows_that_count
from recommender.tasks import Task

COUNT_ROLES = ("class_counts", "priors")  # of priors only the ratios matter
_WITH_CHANNELS = 4  # axes of (n, C, height, width)


def loss_inputs(objective: Objective, arrays: Mapping[str, Tensor]) -> dict[str, Tensor] | Text:
    """Return the inputs of an objective by role, or the reason why the arrays do not provide them.

    Class ids are converted to one-hot rows and back where a loss takes the other, with classes on axis 1 of the
    predictions; class counts are computed.
    """
    inputs = {role: arrays[role] for role in objective.roles if role in arrays}
    terms = [term for _, term in objective.terms]
    if "predictions" in inputs and "targets" in inputs:
        inputs["targets"] = _labels(terms, inputs["predictions"], inputs["targets"])
        for role in COUNT_ROLES:
            if role in objective.roles and role not in inputs:
                counts = _counts(inputs["predictions"], arrays["targets"], arrays.get("mask"))
                inputs |= {} if counts is None else {role: counts}
    needed = dict.fromkeys(role for term in terms for role in term.loss.required)
    missing = ", ".join(role for role in needed if role not in inputs)
    if missing:
        return Text(en=f"It needs {missing}, which was not sent.", zh=f"它需要 {missing},而请求中没有。")
    return inputs


def _labels(terms: list[BoundLoss], predictions: Tensor, targets: Tensor) -> Tensor:
    """Return the targets in the encoding that all terms take; unchanged where there is none."""
    wants_ids = {term.domain("targets").below == "C" for term in terms if "targets" in term.loss.roles}
    wants_rows = {_takes_rows(term) for term in terms if "targets" in term.loss.roles}
    if wants_rows == {True} and _are_ids(predictions, targets):
        rows = torch.zeros(predictions.shape, dtype=torch.uint8)
        return rows.scatter_(1, targets.long().unsqueeze(1), 1)
    if wants_ids == {True} and targets.shape == predictions.shape and exclusive(targets) and all_whole(targets):
        return targets.argmax(1)
    return targets


def _takes_rows(term: BoundLoss) -> bool:
    """Return whether a loss takes targets with an axis of classes, like its predictions."""
    axes = term.loss.pattern("targets").names
    return "C" in axes and axes == term.loss.pattern("predictions").names


def _are_ids(predictions: Tensor, targets: Tensor) -> bool:
    """Return whether targets (n, *s) are class ids for predictions (n, C, *s)."""
    if predictions.ndim != targets.ndim + 1 or targets.numel() == 0 or not all_whole(targets):
        return False
    low, high = targets.aminmax()
    return bool(low >= 0) and bool(high < predictions.shape[1])


def masked(task: Task, arrays: Mapping[str, Tensor], ignore_index: int | None = None) -> Mapping[str, Tensor]:
    """Return the arrays with a `mask` of the labels that count; unchanged where all count.

    Shapes: targets (n, *s) or (n, C, *s), mask (n, *s); for multilabel rows the mask has the shape of the targets.
    """
    targets = arrays["targets"]
    void = find_void(task, targets, ignore_index)
    if void is None:
        return arrays
    marked = void.where(targets)
    in_channels = task.row.measured_as == "masks" and targets.ndim >= _WITH_CHANNELS
    if in_channels or (task.row.labels != "several" and rows_that_count(targets, void) is not None):
        counted = ~marked.any(1)
    else:
        counted = ~marked
    mask = arrays.get("mask")
    if _fits(mask, counted):
        counted &= _over(mask, counted)
    return {**arrays, "targets": targets.masked_fill(marked, 0), "mask": counted}


def mask_for(objective: Objective, arrays: Mapping[str, Tensor]) -> Tensor:
    """Return the mask in the axes of an objective's items; a mask of pixels is expanded over classes where needed."""
    mask, predictions = arrays["mask"], arrays.get("predictions")
    plain = all(str(term.loss.elements) == "*n" for _, term in objective.terms)
    if not plain or predictions is None or _fits(mask, predictions):
        return mask
    pixels = predictions.ndim > 1 and mask.shape == (predictions.shape[0], *predictions.shape[2:])
    return mask.unsqueeze(1).expand_as(predictions) if pixels else mask


def _over(mask: Tensor, labels: Tensor) -> Tensor:
    """Return a mask of the first axes expanded to all axes of the labels, as booleans."""
    return mask.bool().reshape(*mask.shape, *(1,) * (labels.ndim - mask.ndim)).expand_as(labels)


def _fits(mask: Tensor | None, labels: Tensor) -> TypeGuard[Tensor]:
    """Return whether the mask has the first axes of the labels."""
    return mask is not None and mask.shape == labels.shape[: mask.ndim]


def _counts(predictions: Tensor, targets: Tensor, mask: Tensor | None) -> Tensor | None:
    """Return how often each class occurs where the mask is true, shape (C); None where the targets are not classes.

    A mask whose shape does not fit is ignored here; the evaluation refuses it.
    """
    if predictions.ndim > 1 and targets.shape == predictions.shape and exclusive(targets):
        rows = targets.movedim(1, -1)
        counted = rows[_over(mask, rows[..., 0])] if _fits(mask, rows[..., 0]) else rows.flatten(0, -2)
        return counted.to(torch.float64).sum(0)
    counted = targets[_over(mask, targets)] if _fits(mask, targets) else targets
    ids = counted[counted >= 0] if all_whole(counted) else counted[:0]
    if predictions.ndim != targets.ndim + 1 or ids.numel() == 0 or int(ids.max()) >= predictions.shape[1]:
        return None
    return torch.bincount(ids.flatten().long(), minlength=predictions.shape[1]).to(torch.float64)
