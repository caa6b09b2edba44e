"""A numeric fact: its value, what is known of its error, and the range in which it lies."""

import math
from dataclasses import dataclass
from typing import Self

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

STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
LARGEST_COUNT = 2**63 - 1  # what an int64 holds


class Measured(BaseModel):
    """A measured fact with its confidence interval and method."""

    model_config = STRICT

    value: StrictFloat = Field(description="The point value; it decides.")
    interval: tuple[StrictFloat, StrictFloat] | None = Field(
        default=None, description="95 % confidence interval; null where none is known."
    )
    n: int | None = Field(
        default=None, strict=True, ge=0, le=LARGEST_COUNT, description="How many items it was measured on."
    )
    method: str | None = Field(default=None, max_length=200, description="How it was measured.")
    basis: str | None = Field(default=None, max_length=100, description="What it was measured on.")

    @model_validator(mode="after")
    def _value_inside(self) -> Self:
        """Refuse a value outside its own interval."""
        if self.interval and not self.interval[0] <= self.value <= self.interval[1]:
            text = Text("the interval runs from low to high and holds the value", "区间应从低到高,并包含该值")
            raise custom_error("interval", text)
        return self


@dataclass(frozen=True)
class Range:
    """The range of a numeric fact, as an annotation: validated by pydantic, and published in the JSON Schema.

    The fact is sent as a number or as a `Measured`.
    """

    low: float
    high: float
    unit: str
    open: bool = False  # the ends themselves are outside
    whole: bool = False
    instead: Text | None = None  # what to write where people write something else

    def holds(self, value: float) -> bool:
        """Return whether the fact may have this value; NaN never."""
        inside = self.low < value < self.high if self.open else self.low <= value <= self.high
        return inside and math.isfinite(value) and (not self.whole or value == int(value))

    @property
    def is_share(self) -> bool:
        """Whether the fact is a share, compared by difference; other facts are compared by ratio."""
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
        """Return a schema that validates a number or a `Measured`, then the range."""
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
        """Add the range to the JSON Schema."""
        low, high = ("exclusiveMinimum", "exclusiveMaximum") if self.open else ("minimum", "maximum")
        bounds = {low: self.low, high: self.high} if self.is_share else {low: self.low}
        number, *others = handler(schema)["anyOf"]
        return {"anyOf": [{**number, **bounds}, *others], "unit": self.unit}

    @property
    def _message(self) -> Text:
        """The refusal of a value outside the range."""
        usual = Text("8 % is 0.08", "8 % 写作 0.08") if self.is_share and self.low == 0 else None
        instead = self.instead or usual
        hint = Text(f"; {instead.en}", f";{instead.zh}") if instead else Text("", "")
        return Text(
            f"Write {self.wanted.en} ({self.unit}), or the measured object that POST /v1/profile returns{hint.en}",
            f"应{self.wanted.zh},或 POST /v1/profile 返回的测量对象{hint.zh}",
        )

    def _check(self, fact: float | Measured) -> float | Measured:
        """Return the fact, if it is within the range."""
        value, ends = (fact.value, fact.interval or ()) if isinstance(fact, Measured) else (fact, ())
        if not self.holds(value) or not all(self.low <= end <= self.high for end in ends):
            raise custom_error("fact", self._message)
        return fact


Fact = float | bool | str | Measured
