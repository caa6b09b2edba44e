"""Which facts the targets of each task tell."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from recommender.errors import UnreadableTargets
from recommender.measure import notices
from recommender.measure.checks import residuals
from recommender.measure.labels import (
    class_counts,
    class_imbalance,
    classes,
    exclusive,
    label_counts,
    label_encoding,
    positive_share,
    shares,
    whole,
)
from recommender.measure.masks import mask_sparsity
from recommender.measure.reading import read
from recommender.measure.residuals import outlier_rate, residual_scale
from recommender.profile import Measured
from recommender.tasks import Task
from recommender.words import Caution

PAIR = 2  # classes of a binary task
Facts = dict[str, Measured | str | bool | None]


class Found(NamedTuple):
    """Facts by name, and what to know before trusting them."""

    facts: Facts
    cautions: list[Caution]


def regression(targets: Tensor, predictions: Tensor | None) -> Found:
    cautions = []
    task, reason = read(targets)
    if task is not Task.REGRESSION:
        cautions.append(notices.looks_like(task, reason))
    errors, basis = (targets, "targets") if predictions is None else (residuals(targets, predictions), "residuals")
    scale = residual_scale(errors, basis)
    if predictions is None:
        cautions.append(notices.ON_TARGETS)
    if scale is None:
        cautions.append(notices.NO_SPREAD)
    return Found({"outlier_rate": outlier_rate(errors, basis), "residual_scale": scale}, cautions)


def binary(targets: Tensor, _: Tensor | None) -> Found:
    rows = targets[:, 1] if exclusive(targets) and targets.shape[1] == PAIR else targets.flatten()
    values = torch.unique(rows)
    soft = not whole(values)
    if soft and not shares(values):
        raise UnreadableTargets("binary", "two values, or probabilities from 0 to 1", targets.shape)
    different = PAIR if soft else values.numel()
    facts: Facts = {"classes": Measured(value=different, n=rows.numel(), method="count", basis="targets")}
    if different > PAIR:
        return Found(facts, [])
    cautions = []
    if not shares(values):
        rows = rows == values[-1]
        cautions.append(notices.LARGER_IS_POSITIVE)
    if different < PAIR:
        cautions.append(notices.ONE_CLASS)
    counts = label_counts(rows)
    facts |= {"class_imbalance": class_imbalance(counts), "positive_share": positive_share(counts)}
    return Found(facts, cautions)


def multilabel(targets: Tensor, _: Tensor | None) -> Found:
    if not shares(targets):
        raise UnreadableTargets("multilabel", "multi-hot rows (n, labels) with entries from 0 to 1", targets.shape)
    counts = label_counts(targets)
    cautions = []
    if exclusive(targets):
        cautions.append(notices.LOOKS_EXCLUSIVE)
    if bool((counts == 0).any()):
        cautions.append(notices.CONSTANT_LABEL)
    facts: Facts = {
        "multilabel": True,
        "classes": Measured(value=counts.shape[0], n=targets.shape[0], method="count", basis="targets"),
        "class_imbalance": class_imbalance(counts),
        "positive_share": positive_share(counts),
    }
    return Found(facts, cautions)


def multiclass(targets: Tensor, _: Tensor | None) -> Found:
    encoding = label_encoding(targets)
    counts = class_counts(targets)
    if encoding is None or counts.numel() == 0:
        raise UnreadableTargets("multiclass", "class ids from 0, or one-hot rows along axis 1", targets.shape)
    cautions = []
    if encoding == "integer" and bool((targets < 0).any()):
        cautions.append(notices.IDS_BELOW_ZERO)
    present = int((counts > 0).sum())
    if present < counts.shape[1]:
        cautions.append(notices.CLASS_ABSENT)
    if present == 1:
        cautions.append(notices.ONE_CLASS)
    facts: Facts = {
        "label_encoding": encoding,
        "classes": classes(counts),
        "class_imbalance": class_imbalance(counts),
    }
    return Found(facts, cautions)


def segmentation(targets: Tensor, _: Tensor | None) -> Found:
    sparsity = mask_sparsity(targets) if targets.ndim > 1 else None
    if sparsity is None:
        raise UnreadableTargets("segmentation", "masks (n, C, *s) from 0 to 1, or class ids (n, *s)", targets.shape)
    return Found({"mask_sparsity": sparsity}, [])


def nothing(_: Tensor, __: Tensor | None) -> Found:
    return Found({}, [])


MEASURES: dict[Task, Callable[[Tensor, Tensor | None], Found]] = {
    Task.REGRESSION: regression,
    Task.BINARY: binary,
    Task.MULTILABEL: multilabel,
    Task.MULTICLASS: multiclass,
    Task.SEGMENTATION: segmentation,
}
