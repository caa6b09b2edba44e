"""The profile: the facts that a recommendation may use; a missing fact was not measured."""

import math
from collections.abc import Callable, Iterator
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    Field,
)

from losses.text import Text
from recommender.profile.measured import LARGEST_COUNT, STRICT, Fact, Measured, Range


class Profile(BaseModel):
    """The facts about the data. A missing fact was not measured, and no rule that reads it applies."""

    model_config = STRICT

    outlier_rate: Annotated[
        float | Measured | None,
        Range(0, 1, "share of items"),
        Field(
            description="Residuals (targets, where there are no predictions) whose modified z-score exceeds 3.5. "
            "Clean normal errors give 0.00047."
        ),
    ] = None
    residual_scale: Annotated[
        float | Measured | None,
        Range(0, math.inf, "unit of the target", open=True),
        Field(description="Robust spread of the residuals: 1.4826 times their median absolute deviation."),
    ] = None
    class_imbalance: Annotated[
        float | Measured | None,
        Range(
            1,
            math.inf,
            "ratio",
            instead=Text(
                "2 % positives are a class_imbalance of 49 (98 to 2), or a positive_share of 0.02",
                "2 % 的正例即 class_imbalance 为 49(98 比 2),或 positive_share 为 0.02",
            ),
        ),
        Field(
            description="Items of the largest class over items of the smallest; of several labels, the worst label's."
        ),
    ] = None
    positive_share: Annotated[
        float | Measured | None,
        Range(0, 1, "share of labels", open=True),
        Field(description="Labels that are positive, among all labels."),
    ] = None
    mask_sparsity: Annotated[
        float | Measured | None,
        Range(0, 1, "share of pixels"),
        Field(description="Pixels that are background, among all pixels."),
    ] = None
    classes: Annotated[
        int | Measured | None,
        Range(1, LARGEST_COUNT, "classes", whole=True),
        Field(description="How many classes there are; labels, where an item can have several."),
    ] = None
    label_encoding: Literal["onehot", "integer"] | None = Field(
        default=None, description="Whether the labels are one-hot rows or class ids."
    )
    multilabel: bool | None = Field(
        default=None, strict=True, description="Whether an item can have several labels at once."
    )
    n: Annotated[
        int | Measured | None,
        Range(1, LARGEST_COUNT, "items", whole=True),
        Field(description="How many items there are."),
    ] = None
    boxes: bool | None = Field(
        default=None, strict=True, description="Whether the targets are corners or offsets of boxes."
    )
    one_sidedness: Annotated[
        float | Measured | None,
        Range(0, 1, "share of outliers"),
        Field(
            description="How far the flagged residuals lie on one side: 0 as many above as below, 1 all on one side."
        ),
    ] = None
    outlier_magnitude: Annotated[
        float | Measured | None,
        Range(0, math.inf, "modified z-score"),
        Field(description="Median absolute modified z-score of the flagged residuals."),
    ] = None
    outlier_sum_share: Annotated[
        float | Measured | None,
        Range(0, 1, "share of the sum"),
        Field(
            description="Share of the targets' sum that the flagged items carry; targets of at least 0 alone have it."
        ),
    ] = None
    total_under_huber: Annotated[
        float | Measured | None,
        Range(0, math.inf, "ratio of totals"),
        Field(description="What predictions by Huber's loss (Smooth L1) would add up to, over the true total."),
    ] = None
    total_under_mae: Annotated[
        float | Measured | None,
        Range(0, math.inf, "ratio of totals"),
        Field(description="What predictions by MAE would add up to, over the true total."),
    ] = None
    features: Annotated[
        int | Measured | None,
        Range(1, LARGEST_COUNT, "parameters", whole=True),
        Field(description="Parameters the model effectively fits; with n it says how far outliers can pull it."),
    ] = None
    model: Literal["linear", "flexible"] | None = Field(
        default=None,
        description="What is trained: linear, or flexible enough to fit single outliers, as networks and trees are.",
    )
    outlier_pull: Annotated[
        float | Measured | None,
        Range(0, math.inf, "standard errors"),
        Field(
            description="outlier_rate * sqrt(n / features): the bias of one-sided outliers over the noise of the fit. "
            "Left out, it follows from those three."
        ),
    ] = None
    tail_index: Annotated[
        float | Measured | None,
        Range(0, math.inf, "exponent", open=True),
        Field(description="Hill's estimate on the residuals; under 2 their variance is infinite."),
    ] = None
    heteroscedasticity: Annotated[
        float | Measured | None,
        Range(0, math.inf, "ratio"),
        Field(description="Spread of the residuals in the top fifth of the predictions over that in the bottom fifth."),
    ] = None
    skewness: Annotated[
        float | Measured | None,
        Range(-1, 1, "medcouple"),
        Field(description="Robust skewness of the residuals (targets, where there are no predictions)."),
    ] = None
    mean_median_gap: Annotated[
        float | Measured | None,
        Range(0, math.inf, "residual scales"),
        Field(description="How far the mean of the residuals lies from their median."),
    ] = None
    support: Literal["real", "nonnegative", "positive", "unit", "counts", "circular"] | None = Field(
        default=None,
        description="Which numbers the targets can be: any; at least 0; above 0; 0 to 1; whole numbers from 0; angles "
        "in radians, where a whole turn is none.",
    )
    dispersion: Annotated[
        float | Measured | None,
        Range(0, math.inf, "variance over mean"),
        Field(description="Of counts, about the predictions where there are some; Poisson counts have 1."),
    ] = None
    zero_share: Annotated[
        float | Measured | None,
        Range(0, 1, "share of items"),
        Field(description="Targets that are exactly 0."),
    ] = None
    events: Annotated[
        float | Measured | None,
        Range(0, math.inf, "items"),
        Field(description="Items whose target is not 0: n * (1 - zero_share). Left out, it follows from those two."),
    ] = None
    variance_power: Annotated[
        float | Measured | None,
        Range(0, math.inf, "exponent"),
        Field(description="p where the variance grows as mean ** p: 1 Poisson, 2 gamma, between them Tweedie."),
    ] = None
    smallest_class: Annotated[
        int | Measured | None,
        Range(0, LARGEST_COUNT, "items", whole=True),
        Field(description="Items of the smallest class; of several labels, positives of the rarest."),
    ] = None
    label_noise: Annotated[
        float | Measured | None,
        Range(0, 1, "share of labels"),
        Field(description="Labels that are wrong. An estimate from out-of-fold predictions is a hint, no verdict."),
    ] = None
    ordered: bool | None = Field(
        default=None, strict=True, description="Whether the classes have an order, as grades do."
    )
    hierarchy: bool | None = Field(
        default=None,
        strict=True,
        description="Whether the classes are the leaves of a tree, in which some mistakes lie nearer than others.",
    )
    empty_share: Annotated[
        float | Measured | None,
        Range(0, 1, "share of images"),
        Field(description="Images without any foreground."),
    ] = None
    small_share: Annotated[
        float | Measured | None,
        Range(0, 1, "share of objects"),
        Field(description="Connected objects under 32 x 32 pixels, or whose side is under 1/16 of the image's."),
    ] = None
    thinness: Annotated[
        float | Measured | None,
        Range(0, math.inf, "ratio"),
        Field(description="Median of perimeter ** 2 / (4 pi area) over objects: 1 for a disc, large for vessels."),
    ] = None
    missing_labels: bool | None = Field(
        default=None, strict=True, description="Whether classes can be present in an image and not annotated."
    )
    box_area_spread: Annotated[
        float | Measured | None,
        Range(1, math.inf, "ratio"),
        Field(description="90th percentile of the box areas over the 10th."),
    ] = None
    supervision: Literal["triplets", "labels", "positive_pairs", "labelled_pairs", "scored_pairs", "none"] | None = (
        Field(
            default=None,
            description="How similarity is given: anchor, positive, negative; class labels; pairs that belong "
            "together; pairs with 0 or 1; pairs with a score; none: not at all, as labels that all differ.",
        )
    )
    unit_norm: bool | None = Field(default=None, strict=True, description="Whether embeddings have length 1.")
    embedding_scale: Annotated[
        float | Measured | None,
        Range(0, math.inf, "distance", open=True),
        Field(description="Median distance between embeddings of different classes."),
    ] = None
    paired: bool | None = Field(
        default=None, strict=True, description="Whether each generated picture has a target picture."
    )

    def given(self) -> Iterator[tuple[str, Fact]]:
        """Yield the name and the value of every fact that is set, in no particular order."""
        for name in self.model_fields_set:
            fact = getattr(self, name)
            if fact is not None:
                yield name, fact

    def number(self, fact: str) -> float | None:
        """Return the value of a numeric fact, measured or derived from others; None where it is unknown."""
        stated = getattr(self, fact)
        if stated is None and fact in DERIVED:
            return DERIVED[fact](self.number)
        return stated.value if isinstance(stated, Measured) else stated

    def interval(self, fact: str) -> tuple[float, float] | None:
        """Return the confidence interval of a numeric fact; None where there is none."""
        stated = getattr(self, fact)
        return stated.interval if isinstance(stated, Measured) else None

    def replace(self, fact: str, value: float) -> "Profile":
        """Return a copy of the profile with one numeric fact changed."""
        return self.model_copy(update={fact: int(value) if RANGES[fact].whole else value})


RANGES: dict[str, Range] = {
    name: mark for name, field in Profile.model_fields.items() for mark in field.metadata if isinstance(mark, Range)
}


def _outlier_pull(number: Callable[[str], float | None]) -> float | None:
    """Return outlier_rate * sqrt(n / features), or None where one of them is unknown."""
    rate, n, features = (number(fact) for fact in _PULLS)
    return None if rate is None or n is None or features is None else rate * math.sqrt(n / features)


def _events(number: Callable[[str], float | None]) -> float | None:
    """Return n * (1 - zero_share), the number of items that are not 0; None where one of them is unknown."""
    n, zeros = (number(fact) for fact in _ZEROS)
    return None if n is None or zeros is None else n * (1 - zeros)


_PULLS = ("outlier_rate", "n", "features")
_ZEROS = ("n", "zero_share")
DERIVED: dict[str, Callable[[Callable[[str], float | None]], float | None]] = {
    "outlier_pull": _outlier_pull,
    "events": _events,
}
DERIVED_FROM = {"outlier_pull": frozenset(_PULLS), "events": frozenset(_ZEROS)}
