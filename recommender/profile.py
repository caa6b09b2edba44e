"""The facts a recommendation may use, and what the model is for. Every one may be missing: not measured."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, Self

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
from pydantic_core import PydanticCustomError, core_schema

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
            raise PydanticCustomError("interval", "The interval runs from low to high and holds the value.")
        return self


@dataclass(frozen=True)
class Range:
    """Where a numeric fact may lie. It is read as a number or as a `Measured`, and lands in the JSON Schema."""

    low: float
    high: float
    unit: str
    open: bool = False  # the ends themselves are outside
    whole: bool = False

    def holds(self, value: float) -> bool:
        """Whether the fact may have this value; NaN never."""
        inside = self.low < value < self.high if self.open else self.low <= value <= self.high
        return inside and math.isfinite(value) and (not self.whole or value == int(value))

    @property
    def is_share(self) -> bool:
        """Whether differences count as such; elsewhere only ratios do."""
        return self.high <= 1

    @property
    def wanted(self) -> str:
        """The range in words."""
        kind = "a whole number" if self.whole else "a number"
        if self.is_share:
            return f"{kind} {'strictly between' if self.open else 'between'} {self.low:g} and {self.high:g}"
        return f"{kind} {'greater than' if self.open else 'of at least'} {self.low:g}"

    def __get_pydantic_core_schema__(self, _: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        number = core_schema.int_schema(strict=True) if self.whole else core_schema.float_schema(strict=True)
        fact = core_schema.union_schema(
            [number, handler.generate_schema(Measured)],
            custom_error_type="fact",
            custom_error_message=self._message,
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
    def _message(self) -> str:
        return f"Write {self.wanted} ({self.unit}), or the measured object that POST /v1/profile returns"

    def _check(self, given: float | Measured) -> float | Measured:
        value, ends = (given.value, given.interval or ()) if isinstance(given, Measured) else (given, ())
        if not self.holds(value) or not all(self.low <= end <= self.high for end in ends):
            raise PydanticCustomError("fact", self._message)
        return given


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
        Range(1, math.inf, "ratio"),
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

    def number(self, fact: str) -> float | None:
        """Return the point value of a numeric fact."""
        given = getattr(self, fact)
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


class Goal(BaseModel):
    """What the model is for. It decides more than any measured fact; what is left out is assumed, and said."""

    model_config = _STRICT

    functional: Literal["mean", "median", "quantile"] | None = Field(
        default=None, description="What a regression should predict of the targets it cannot tell apart."
    )
    quantile: StrictFloat | None = Field(
        default=None, gt=0, lt=1, description="Which quantile, if that is the functional."
    )
    decision: Literal["probabilities", "ranking", "balanced", "accuracy"] | None = Field(
        default=None, description="What the outputs of a classifier are used for."
    )
    segmentation: Literal["overlap", "boundary"] | None = Field(
        default=None, description="Whether masks are judged by their area or by their outline."
    )
    outliers: Literal["errors", "signal"] | None = Field(
        default=None, description="Whether extreme targets are mistakes or part of what is to be learnt."
    )
    empty_masks: bool | None = Field(
        default=None, strict=True, description="Whether images without any foreground count."
    )

    @model_validator(mode="after")
    def _quantile_wanted(self) -> Self:
        if self.quantile is not None and self.functional not in {None, "quantile"}:
            raise PydanticCustomError("quantile", "A quantile goes with functional=quantile.")
        return self
