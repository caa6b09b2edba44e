"""Facts of class labels, and estimates of label noise from predictions."""

from dataclasses import replace

import torch
from torch import Tensor

from losses.text import Text
from recommender.errors import NotOneHot, UnreadableTargets
from recommender.measure import warnings
from recommender.measure.classes.label_noise import (
    ENOUGH_IN_CLASS,
    ClassScores,
    binary_scores,
    check_ids,
    class_scores,
    confidence,
    label_noise,
)
from recommender.measure.classes.labels import (
    all_whole,
    class_counts,
    class_imbalance,
    classes,
    exclusive,
    first_impure,
    in_unit_interval,
    label_counts,
    label_encoding,
    multilabel_details,
    positive_share,
    share_details,
    smallest_class,
    value_counts,
)
from recommender.measure.details import Details
from recommender.measure.measurement import Facts, Given, RequiredItems, TaskMeasurement
from recommender.measure.pictures.void import Void, rows_that_count
from recommender.notices import WarningText
from recommender.profile import Measured

TWO_CLASSES = 2  # classes of a binary task
_MATRIX = 2  # axes of (n, C)


def binary(given: Given) -> TaskMeasurement:
    """Return the facts of binary labels.

    Raises: UnreadableTargets, NotProbabilities.
    """
    targets = given.targets
    labels, rows = _column(targets, given.void)
    values, _ = value_counts(rows, TWO_CLASSES)
    soft = not all_whole(rows)
    if soft and not in_unit_interval(rows):
        wanted = Text("two values, or probabilities from 0 to 1", "两种取值,或 0 到 1 的概率")
        raise UnreadableTargets(given.task, wanted, targets.shape)
    different = TWO_CLASSES if soft else values.numel()
    if different > TWO_CLASSES:
        different = value_counts(rows)[0].numel()
    facts: Facts = {"classes": Measured(value=different, n=rows.numel(), method="count", basis="targets")}
    if different > TWO_CLASSES:
        return TaskMeasurement(facts, [], {})
    warning_texts: list[WarningText] = []
    if not in_unit_interval(values):
        rows = (rows == values[-1]).to(torch.uint8)
        labels = rows if given.void is None else (labels == values[-1]).to(torch.int8).masked_fill(labels < 0, -1)
        warning_texts.append(warnings.LARGER_IS_POSITIVE)
    if different < TWO_CLASSES:
        warning_texts.append(warnings.ONE_CLASS)
    counts = label_counts(rows)
    facts |= {
        "class_imbalance": class_imbalance(counts),
        "positive_share": positive_share(counts),
        "smallest_class": smallest_class(counts, rows.numel()),
    }
    details = share_details(counts[0])
    if given.predictions is not None:
        scores = binary_scores(given.predictions, labels.numel(), given.predictions_are)
        if scores is None:
            warning_texts.append(warnings.PREDICTIONS_DO_NOT_FIT)
        elif not soft:
            details |= _hint(labels, scores, warning_texts)
    return TaskMeasurement(facts, warning_texts, details)


def _column(targets: Tensor, void: Void | None) -> tuple[Tensor, Tensor]:
    """Return the labels of the positive class with -1 where they do not count, and the labels that count."""
    labels = targets[:, 1] if exclusive(targets) and targets.shape[1] == TWO_CLASSES else targets.flatten()
    if void is None:
        return labels, labels
    labels = void.without(labels)
    return labels, labels[labels >= 0]


def multilabel(given: Given) -> TaskMeasurement:
    """Return the facts of rows with several labels.

    Raises: UnreadableTargets.
    """
    targets = given.targets if given.void is None else given.void.without(given.targets)
    if not in_unit_interval(targets if given.void is None else targets.clamp(min=0)):
        wanted = Text("multi-hot rows (n, labels) with entries from 0 to 1", "0 到 1 的 multi-hot 行 (n, labels)")
        raise UnreadableTargets(given.task, wanted, targets.shape)
    counts = label_counts(targets)
    warning_texts = []
    if exclusive(targets):
        warning_texts.append(warnings.LOOKS_EXCLUSIVE)
    if bool((counts == 0).any()):
        warning_texts.append(warnings.CONSTANT_LABEL)
    facts: Facts = {
        "multilabel": True,
        "classes": Measured(value=counts.shape[0], n=targets.shape[0], method="count", basis="targets"),
        "class_imbalance": class_imbalance(counts),
        "positive_share": positive_share(counts),
        "smallest_class": smallest_class(counts[:, 1], targets.shape[0]),
    }
    return TaskMeasurement(facts, warning_texts, multilabel_details(targets, counts))


def multiclass(given: Given) -> TaskMeasurement:
    """Return the facts of exclusive classes.

    Raises: UnreadableTargets, NotOneHot, SingleColumn, NotProbabilities, IdOutOfRange.
    """
    targets, predictions = given.targets, given.predictions
    if given.void is not None:
        targets, predictions = _counted(targets, predictions, given.void)
    scores = None if predictions is None else class_scores(predictions, targets.shape[0], given.predictions_are)
    encoding = label_encoding(targets)
    if encoding != "onehot" and _meant_as_rows(targets, scores):
        raise NotOneHot(first_impure(targets) or [])
    if encoding is None:
        wanted = Text("class ids from 0, or one-hot rows along axis 1", "从 0 开始的类别编号,或沿轴 1 的 one-hot 行")
        raise UnreadableTargets(given.task, wanted, targets.shape)
    columns = scores.predictions.shape[1] if scores is not None and encoding == "integer" else None
    if columns is not None:
        check_ids(targets, columns)
    counts = class_counts(targets, columns)
    warning_texts = [warnings.PREDICTIONS_DO_NOT_FIT] if scores is None and predictions is not None else []
    warning_texts += _occurring(counts)
    facts: Facts = {
        "label_encoding": encoding,
        "classes": classes(counts),
        "class_imbalance": class_imbalance(counts),
        "smallest_class": smallest_class(counts, round(float(counts.sum()))),
    }
    details = share_details(counts[0])
    if scores is not None and scores.predictions.ndim == _MATRIX and all_whole(targets):
        ids = targets.argmax(1) if encoding == "onehot" else targets.flatten()
        details |= _hint(ids, scores, warning_texts)
    return TaskMeasurement(facts, warning_texts, details)


def grades(given: Given) -> TaskMeasurement:
    """Return the facts of ordered classes; their predictions, of the thresholds between them, are not used.

    Raises: UnreadableTargets, NotOneHot.
    """
    as_classes = multiclass(replace(given, predictions=None))
    return as_classes._replace(facts={**as_classes.facts, "ordered": True})


def _occurring(counts: Tensor) -> list[WarningText]:
    """Return warnings about classes that never occur, or occur once."""
    present = int((counts > 0).sum())
    warning_texts = [warnings.CLASS_ABSENT] if present < counts.shape[1] else []
    if present == 1:
        warning_texts.append(warnings.ONE_CLASS)
    elif present == counts.sum():
        warning_texts.append(warnings.LABELS_ALL_DIFFER)
    return warning_texts


def _counted(targets: Tensor, predictions: Tensor | None, void: Void) -> tuple[Tensor, Tensor | None]:
    """Return ids with -1 for void labels, or the one-hot rows that count, with their predictions."""
    counted = rows_that_count(targets, void)
    if counted is None:
        return void.without(targets), predictions
    fits = predictions is not None and predictions.shape == targets.shape
    return targets.movedim(1, -1)[counted], predictions.movedim(1, -1)[
        counted
    ] if predictions is not None and fits else None


def _meant_as_rows(targets: Tensor, scores: ClassScores | None) -> bool:
    """Return whether targets (n, C) are rows of class shares, rather than ids (n, s) for predictions (n, C, s)."""
    several = targets.ndim == _MATRIX and targets.shape[1] > 1 and in_unit_interval(targets)
    return several and (scores is None or scores.predictions.ndim == _MATRIX)


def _hint(ids: Tensor, scores: ClassScores, warning_texts: list[WarningText]) -> Details:
    """Return an estimate of the number of wrong labels, where every class has enough items.

    It is a detail, not a fact: where classes overlap, it mistakes hard items for wrong labels, so no rule may rely on
    it.
    """
    confident = confidence(ids, scores)
    evidence = RequiredItems(int(confident.count.min()))
    if not evidence.enough("label_noise", ENOUGH_IN_CLASS):
        warning_texts.append(warnings.too_few(evidence))
    elif not confident.tells_classes_apart:
        warning_texts.append(warnings.PREDICTIONS_TELL_LITTLE)
    else:
        warning_texts.append(warnings.NOISE_IS_A_HINT)
        return {"label_noise": label_noise(ids, scores, confident)}
    return {}
