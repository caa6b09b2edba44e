"""Facts of embeddings and their labels: supervision, norms, distances between classes."""

import math

import numpy as np
import torch
from torch import Tensor

from losses.contract.domains import HALF_TOLERANCE, SIMPLEX_TOLERANCE
from losses.errors import ShapeMismatch
from losses.text import Text
from recommender.errors import UnreadableTargets
from recommender.measure import warnings
from recommender.measure.classes.labels import all_whole, value_counts
from recommender.measure.details import Detail, Details, detail
from recommender.measure.measurement import Facts, Given, RequiredItems, TaskMeasurement
from recommender.measure.numbers.residual_blocks import float64, pieces
from recommender.measure.stats import rank_interval, wilson
from recommender.notices import WarningText
from recommender.profile import Measured

PAIRS = 1 << 14  # drawn: the median to 0.8 % of the ranks
ENOUGH_ITEMS = 50  # the median distance of 25 disjoint pairs
COMPARED = 1 << 20  # numbers of embeddings among which equal ones are looked for
_NUMBERS = 1 << 18  # of embeddings in memory at once
_SEED = 0
_MATRIX = 2  # axes of (n, d)


def similarity(given: Given) -> TaskMeasurement:
    """Return the facts of embeddings (n, d) and class labels (n); either may be missing.

    The losses call them predictions and targets, so these names are accepted, too.

    Raises: UnreadableTargets, ShapeMismatch.
    """
    facts: Facts = {}
    details: Details = {}
    embeddings = _either(given.embeddings, given.predictions, _MATRIX)
    labels = _either(given.labels, given.targets, 1)
    if embeddings is not None:
        if embeddings.ndim != _MATRIX:
            raise ShapeMismatch("embeddings", "n, d", embeddings.shape)
        facts["unit_norm"] = unit_norm(embeddings)
    if labels is None:
        return TaskMeasurement(facts, [], details)
    _check_labels(labels, embeddings)
    counted = labels >= 0
    if not bool(counted.all()):
        labels, embeddings = labels[counted], None if embeddings is None else embeddings[counted]
    counts = value_counts(labels)[1]
    warning_texts = [] if bool(counted.all()) else [warnings.IDS_BELOW_ZERO]
    warning_texts += _without_triplets(counts)
    facts |= {
        "supervision": "none" if _without_triplets(counts) else "labels",
        "classes": Measured(value=counts.numel(), n=labels.numel(), method="count", basis="labels"),
        "smallest_class": Measured(value=int(counts.min()), n=labels.numel(), method="count", basis="labels"),
    }
    alone = int((counts == 1).sum()) / labels.numel()
    details["without_positive"] = detail(
        alone, labels.numel(), "items alone in their class", "labels", interval=wilson(alone, labels.numel())
    )
    evidence = RequiredItems(labels.numel())
    if embeddings is not None:
        details["duplicate_conflicts"] = duplicate_conflicts(embeddings, labels)
        if evidence.enough("embedding_scale", ENOUGH_ITEMS):
            facts["embedding_scale"] = embedding_scale(embeddings, labels)
        if bool((embeddings == embeddings[0]).all()) and len(embeddings) > 1:
            warning_texts.append(warnings.EMBEDDINGS_COINCIDE)
    if evidence.short:
        warning_texts.append(warnings.too_few(evidence))
    return TaskMeasurement(facts, warning_texts, details)


def _check_labels(labels: Tensor, embeddings: Tensor | None) -> None:
    """Refuse labels that are not class ids, or not one for each embedding.

    Raises: UnreadableTargets, ShapeMismatch.
    """
    if embeddings is not None and labels.shape != embeddings.shape[:1]:
        raise ShapeMismatch(
            "labels",
            str(embeddings.shape[0]),
            labels.shape,
            Text("Each embedding has one label.", "每个嵌入有一个标签。"),
        )
    if labels.ndim != 1 or not all_whole(labels) or bool(labels.amax() < 0):
        wanted = Text("labels (n), whole numbers that are equal within a class", "标签 (n),同类取相同的整数")
        raise UnreadableTargets("similarity", wanted, labels.shape)


def _without_triplets(counts: Tensor) -> list[WarningText]:
    """Return a warning where classes of these sizes form no triplet (two of a class and one of another)."""
    reasons = [warnings.NO_NEGATIVES] if counts.numel() == 1 else []
    return [*reasons, warnings.NO_POSITIVES] if int(counts.max()) == 1 else reasons


def _either(named: Tensor | None, other: Tensor | None, axes: int) -> Tensor | None:
    """Return the array under its own name, or else the one under the loss's name if it has `axes` axes."""
    return other if named is None and other is not None and other.ndim == axes else named


def unit_norm(embeddings: Tensor) -> bool:
    """Return whether every embedding has length 1, up to the rounding of its dtype."""
    tolerance = SIMPLEX_TOLERANCE.get(embeddings.dtype, HALF_TOLERANCE)
    lengths = (piece.to(torch.float64).norm(dim=1) for piece in pieces(embeddings, _NUMBERS))
    return all(bool(((length - 1).abs() <= tolerance).all()) for length in lengths)


def embedding_scale(embeddings: Tensor, labels: Tensor) -> Measured | None:
    """Return the median Euclidean distance between embeddings of different classes, over pairs drawn at random.

    The interval assumes half as many independent pairs as there are items, since more pairs would share items. None
    where there is only one class, or the median is 0.
    """
    n = labels.numel()
    drawn = torch.randint(n, (2, PAIRS), generator=torch.Generator().manual_seed(_SEED))
    first_items, second_items = drawn[:, (labels.cpu()[drawn[0]] != labels.cpu()[drawn[1]])]
    if not first_items.numel():
        return None
    parts = max(1, math.ceil(first_items.numel() * embeddings.shape[1] / _NUMBERS))
    ends = zip(first_items.tensor_split(parts), second_items.tensor_split(parts), strict=True)
    apart = [np.linalg.norm(float64(embeddings[a]) - float64(embeddings[b]), axis=1) for a, b in ends]
    distances = np.sort(np.concatenate(apart))
    value = float(np.median(distances))
    if not 0 < value < math.inf:
        return None
    independent = max(1, min(n // 2, distances.size))
    first, last = (rank / independent * distances.size for rank in rank_interval(independent, 0.5))
    interval = (float(distances[math.floor(first)]), float(distances[min(math.ceil(last), distances.size - 1)]))
    method = f"median distance of {distances.size} pairs of different classes"
    return Measured(
        value=value, interval=(min(interval[0], value), max(interval[1], value)), n=n, method=method, basis="embeddings"
    )


def duplicate_conflicts(embeddings: Tensor, labels: Tensor) -> Detail | None:
    """Return the share of items whose label differs from the majority of equal embeddings.

    At least that share of labels is wrong.
    """
    n = min(labels.numel(), max(1, COMPARED // embeddings.shape[1]))
    rows = np.ascontiguousarray(float64(embeddings[:n]))
    row = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    pairs, counts = np.unique(np.stack([row, float64(labels[:n])]), axis=1, return_counts=True)
    most = np.zeros(n)
    np.maximum.at(most, pairs[0].astype(np.int64), counts)
    share = 1 - float(most.sum()) / n
    method = "equal embeddings with other labels than most of their equals: at least so many labels are wrong"
    return detail(share, n, method, "embeddings", interval=wilson(share, n))
