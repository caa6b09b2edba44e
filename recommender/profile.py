"""The profile (the facts that a recommendation may use) and the goal. Each fact may be missing: not measured."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictFloat,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from losses.field_errors import IN_CHINESE, custom_error
from losses.text import Text

_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_LARGEST_COUNT = 2**63 - 1  # what an int64 holds


class Measured(BaseModel):
    """A fact with what is known of its error."""

    model_config = _STRICT

    value: StrictFloat = Field(description="The point value; it decides.")
    interval: tuple[StrictFloat, StrictFloat] | None = Field(
        default=None, description="95 % confidence interval; null where none is known."
    )
    n: int | None = Field(
        default=None, strict=True, ge=0, le=_LARGEST_COUNT, description="How many items it was measured on."
    )
    method: str | None = Field(default=None, max_length=200, description="How it was measured.")
    basis: str | None = Field(default=None, max_length=100, description="What it was measured on.")

    @model_validator(mode="after")
    def _value_inside(self) -> Self:
        if self.interval and not self.interval[0] <= self.value <= self.interval[1]:
            text = Text("the interval runs from low to high and holds the value", "区间应从低到高,并包含该值")
            raise custom_error("interval", text)
        return self


@dataclass(frozen=True)
class Range:
    """Where a numeric fact may lie. It is read as a number or as a `Measured`, and lands in the JSON Schema."""

    low: float
    high: float
    unit: str
    open: bool = False  # the ends themselves are outside
    whole: bool = False
    instead: Text | None = None  # what to write where people write something else

    def holds(self, value: float) -> bool:
        """Whether the fact may have this value; NaN never."""
        inside = self.low < value < self.high if self.open else self.low <= value <= self.high
        return inside and math.isfinite(value) and (not self.whole or value == int(value))

    @property
    def is_share(self) -> bool:
        """Whether values are shares, compared by difference; other values are compared by ratio."""
        return self.high <= 1

    @property
    def wanted(self) -> Text:
        """The range in words."""
        kind = Text("a whole number", "整数") if self.whole else Text("a number", "数")
        low, high = f"{self.low:g}", f"{self.high:g}"
        if self.is_share:
            between = Text("strictly between", "(不含两端)") if self.open else Text("between", "")
            return Text(f"{kind.en} {between.en} {low} and {high}", f"是 {low} 到 {high} 之间{between.zh}的{kind.zh}")
        least = Text("greater than", "大于") if self.open else Text("of at least", "不小于")
        return Text(f"{kind.en} {least.en} {low}", f"是{least.zh} {low} 的{kind.zh}")

    def __get_pydantic_core_schema__(self, _: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        number = core_schema.int_schema(strict=True) if self.whole else core_schema.float_schema(strict=True)
        fact = core_schema.union_schema(
            [number, handler.generate_schema(Measured)],
            custom_error_type="fact",
            custom_error_message=self._message.en,
            custom_error_context={IN_CHINESE: self._message.zh},
        )
        checked = core_schema.no_info_after_validator_function(self._check, fact)
        return core_schema.nullable_schema(checked)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        low, high = ("exclusiveMinimum", "exclusiveMaximum") if self.open else ("minimum", "maximum")
        bounds = {low: self.low, high: self.high} if self.is_share else {low: self.low}
        number, *others = handler(schema)["anyOf"]
        return {"anyOf": [{**number, **bounds}, *others], "unit": self.unit}

    @property
    def _message(self) -> Text:
        usual = Text("8 % is 0.08", "8 % 写作 0.08") if self.is_share and self.low == 0 else None
        instead = self.instead or usual
        hint = Text(f"; {instead.en}", f";{instead.zh}") if instead else Text("", "")
        return Text(
            f"Write {self.wanted.en} ({self.unit}), or the measured object that POST /v1/profile returns{hint.en}",
            f"应{self.wanted.zh},或 POST /v1/profile 返回的测量对象{hint.zh}",
        )

    def _check(self, given: float | Measured) -> float | Measured:
        value, ends = (given.value, given.interval or ()) if isinstance(given, Measured) else (given, ())
        if not self.holds(value) or not all(self.low <= end <= self.high for end in ends):
            raise custom_error("fact", self._message)
        return given


Fact = float | bool | str | Measured


class Profile(BaseModel):
    """What is known of the data. A fact left out was not measured, and no rule that asks for it applies."""

    model_config = _STRICT

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
        Range(1, _LARGEST_COUNT, "classes", whole=True),
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
        Range(1, _LARGEST_COUNT, "items", whole=True),
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
        Range(1, _LARGEST_COUNT, "parameters", whole=True),
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
        Range(0, _LARGEST_COUNT, "items", whole=True),
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
        """Yield the facts that are known, in no order, each with its name."""
        for name in self.model_fields_set:
            fact = getattr(self, name)
            if fact is not None:
                yield name, fact

    def number(self, fact: str) -> float | None:
        """Return the point value of a numeric fact: as given, or as it follows from others."""
        given = getattr(self, fact)
        if given is None and fact in DERIVED:
            return DERIVED[fact](self.number)
        return given.value if isinstance(given, Measured) else given

    def interval(self, fact: str) -> tuple[float, float] | None:
        """Return the confidence interval of a numeric fact."""
        given = getattr(self, fact)
        return given.interval if isinstance(given, Measured) else None

    def replace(self, fact: str, value: float) -> "Profile":
        """Return the profile with one numeric fact changed."""
        return self.model_copy(update={fact: int(value) if RANGES[fact].whole else value})


RANGES: dict[str, Range] = {
    name: mark for name, field in Profile.model_fields.items() for mark in field.metadata if isinstance(mark, Range)
}


def _outlier_pull(number: Callable[[str], float | None]) -> float | None:
    rate, n, features = (number(fact) for fact in _PULLS)
    return None if rate is None or n is None or features is None else rate * math.sqrt(n / features)


def _events(number: Callable[[str], float | None]) -> float | None:
    n, zeros = (number(fact) for fact in _ZEROS)
    return None if n is None or zeros is None else n * (1 - zeros)


_PULLS = ("outlier_rate", "n", "features")
_ZEROS = ("n", "zero_share")
DERIVED: dict[str, Callable[[Callable[[str], float | None]], float | None]] = {
    "outlier_pull": _outlier_pull,
    "events": _events,
}
DERIVED_FROM = {"outlier_pull": frozenset(_PULLS), "events": frozenset(_ZEROS)}


_MOST_CLASSES_PRICED = 100  # 10,000 numbers, as many as a question of 64 KiB can hold
_TWO = 2


def _is_two_by_two(costs: Any) -> bool:  # noqa: ANN401 - whatever was sent
    rows = costs if isinstance(costs, list | tuple) and len(costs) == _TWO else ()
    numbers = [cost for row in rows if isinstance(row, list | tuple) and len(row) == _TWO for cost in row]
    return (
        len(numbers) == _TWO * _TWO
        and all(isinstance(cost, int | float) for cost in numbers)
        and numbers[1] > numbers[0]
        and numbers[2] > numbers[3]
    )


def _miss_in_false_alarms(costs: Sequence[Sequence[float]]) -> float:
    """Return what a missed positive costs over being right, in false alarms (Elkan 2001, theorem 1)."""
    (right_no, alarm), (miss, right_yes) = costs
    return (miss - right_yes) / (alarm - right_no)


class Goal(BaseModel):
    """What the model is for. It decides more than any measured fact; what is left out is assumed, and said."""

    model_config = _STRICT

    metric: str | None = Field(
        default=None,
        max_length=50,
        description="What the result is judged by, such as rmse, mape, f1, qwk or hd95; the rest of the goal follows "
        "from it where it is left out.",
    )
    functional: Literal["mean", "median", "quantile", "interval", "distribution"] | None = Field(
        default=None,
        description="What a regression should predict of the targets it cannot tell apart; interval: two quantiles; "
        "distribution: a mean with its uncertainty.",
    )
    quantile: StrictFloat | None = Field(
        default=None, gt=0, lt=1, description="Which quantile, if that is the functional."
    )
    coverage: StrictFloat | None = Field(
        default=None, gt=0, lt=1, description="The share of targets that an interval should hold; 0.9 where left out."
    )
    decision: Literal["probabilities", "ranking", "balanced", "accuracy"] | None = Field(
        default=None, description="What the outputs of a classifier are used for."
    )
    segmentation: Literal["overlap", "boundary", "probabilities"] | None = Field(
        default=None, description="Whether masks are judged by area, by outline, or as a probability a pixel."
    )
    outliers: Literal["errors", "signal", "unknown"] | None = Field(
        default=None,
        description="Whether extreme targets are mistakes or part of what is to be learnt; left out, that is unknown.",
    )
    empty_masks: bool | None = Field(
        default=None, strict=True, description="Whether images without any foreground count."
    )

    false_negative_cost: StrictFloat | None = Field(
        default=None, gt=0, description="What a missed positive costs, in false alarms."
    )
    cost_matrix: tuple[tuple[StrictFloat, ...], ...] | None = Field(
        default=None,
        min_length=2,
        max_length=_MOST_CLASSES_PRICED,
        description="What each answer costs: a row for each class that is true, a column for each that is said. Of two "
        "classes, false_negative_cost follows from it.",
    )
    boxes: Literal["coordinates", "iou"] | None = Field(
        default=None, description="Whether boxes are judged by their coordinates or by their overlap."
    )
    ranking: Literal["ndcg", "pairs", "top_one"] | None = Field(
        default=None,
        description="Whether a list is judged by its graded top (nDCG), by how many pairs stand in order, or by where "
        "its first relevant item stands.",
    )
    generation: Literal["adversarial", "likelihood"] | None = Field(
        default=None, description="Whether the generator has to be adversarial, or coverage and quality come first."
    )

    @model_validator(mode="before")
    @classmethod
    def _priced(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was sent
        """Fill in what a miss costs, where there are costs of two classes."""
        costs = data.get("cost_matrix") if isinstance(data, dict) else None
        if costs is None or not _is_two_by_two(costs) or data.get("false_negative_cost") is not None:
            return data
        return {**data, "false_negative_cost": _miss_in_false_alarms(costs)}

    @model_validator(mode="after")
    def _mistakes_cost_more(self) -> Self:
        """Refuse a cost_matrix that is not square, or in which a mistake costs less than the right answer."""
        costs = self.cost_matrix
        if costs is None:
            return self
        if any(len(row) != len(costs) for row in costs):
            text = Text("a cost_matrix has as many columns as rows", "cost_matrix 的列数应等于行数")
            raise custom_error("cost_matrix", text)
        if any(
            row[predicted] <= row[true]
            for true, row in enumerate(costs)
            for predicted in range(len(row))
            if predicted != true
        ):
            text = Text(
                "in each row of a cost_matrix the right answer, on the diagonal, costs least",
                "cost_matrix 每一行中,对角线上的正确答案代价应最小",
            )
            raise custom_error("cost_matrix", text)
        miss = self.false_negative_cost
        if len(costs) == _TWO and (miss is None or not math.isclose(miss, _miss_in_false_alarms(costs), rel_tol=1e-9)):
            text = Text(
                "two classes have either a cost_matrix or a false_negative_cost",
                "两类时 cost_matrix 与 false_negative_cost 只取其一",
            )
            raise custom_error("cost_matrix", text)
        return self

    @model_validator(mode="after")
    def _quantile_wanted(self) -> Self:
        if self.quantile is not None and self.functional not in {None, "quantile"}:
            text = Text("a quantile goes with functional=quantile", "quantile 应与 functional=quantile 一起使用")
            raise custom_error("quantile", text)
        if self.coverage is not None and self.functional not in {None, "interval"}:
            text = Text("a coverage goes with functional=interval", "coverage 应与 functional=interval 一起使用")
            raise custom_error("coverage", text)
        return self
