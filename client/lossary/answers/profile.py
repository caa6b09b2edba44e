# Generated from the OpenAPI document by make docs-tables: do not edit.
"""The answers of the operations with the tag profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lossary import result

Task = Literal[
    "regression",
    "binary",
    "multilabel",
    "multiclass",
    "segmentation",
    "detection",
    "similarity",
    "generation",
    "count",
    "ordinal",
    "ranking",
    "survival",
    "sequence",
    "distillation",
    "multitask",
]


class Detail(result.Result):
    """One measured number, truth value or list, with its method and, where known, its interval."""

    __slots__ = ()

    value: bool | float | list[float]
    interval: list[Any] | list[list[Any]] | None
    n: int | None
    method: str | None
    basis: str | None


class Measured(result.Result):
    """A measured fact with its confidence interval and method."""

    __slots__ = ()

    value: float
    interval: list[Any] | None
    n: int | None
    method: str | None
    basis: str | None


class Notice(result.Result):
    """A warning of an answer in one language."""

    __slots__ = ()

    code: str
    text: str


class Profile(result.Result):
    """The facts about the data. A missing fact was not measured, and no rule that reads it applies."""

    __slots__ = ()

    outlier_rate: float | Measured | None
    residual_scale: float | Measured | None
    class_imbalance: float | Measured | None
    positive_share: float | Measured | None
    mask_sparsity: float | Measured | None
    classes: int | Measured | None
    label_encoding: Literal["onehot", "integer"] | None
    multilabel: bool | None
    n: int | Measured | None
    boxes: bool | None
    one_sidedness: float | Measured | None
    outlier_magnitude: float | Measured | None
    outlier_sum_share: float | Measured | None
    total_under_huber: float | Measured | None
    total_under_mae: float | Measured | None
    features: int | Measured | None
    model: Literal["linear", "flexible"] | None
    outlier_pull: float | Measured | None
    tail_index: float | Measured | None
    heteroscedasticity: float | Measured | None
    skewness: float | Measured | None
    mean_median_gap: float | Measured | None
    support: Literal["real", "nonnegative", "positive", "unit", "counts", "circular"] | None
    dispersion: float | Measured | None
    zero_share: float | Measured | None
    events: float | Measured | None
    variance_power: float | Measured | None
    smallest_class: int | Measured | None
    label_noise: float | Measured | None
    ordered: bool | None
    hierarchy: bool | None
    empty_share: float | Measured | None
    small_share: float | Measured | None
    thinness: float | Measured | None
    missing_labels: bool | None
    box_area_spread: float | Measured | None
    supervision: Literal["triplets", "labels", "positive_pairs", "labelled_pairs", "scored_pairs", "none"] | None
    unit_norm: bool | None
    embedding_scale: float | Measured | None
    paired: bool | None


class ProfileAnswer(result.Result):
    """Facts with their intervals, ready for POST /v1/recommend, and further measurements."""

    __slots__ = ()

    task: Task
    profile: Profile
    details: Mapping[str, Detail]
    warnings: list[Notice]
    assumed: Mapping[str, Any] | None
    version: str
