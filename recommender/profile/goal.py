"""The goal: what a model is judged by, and what its mistakes cost."""

import math
from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    Field,
    StrictFloat,
    model_validator,
)

from losses.field_errors import custom_error
from losses.text import Text
from recommender.profile.measured import STRICT

_MOST_CLASSES_PRICED = 100  # 10,000 numbers, as many as a question of 64 KiB can hold
_TWO = 2


def _is_two_by_two(costs: Any) -> bool:  # noqa: ANN401 - whatever was sent
    """Return whether `costs` is a matrix of two classes in which mistakes cost more than correct answers."""
    rows = costs if isinstance(costs, list | tuple) and len(costs) == _TWO else ()
    numbers = [cost for row in rows if isinstance(row, list | tuple) and len(row) == _TWO for cost in row]
    return (
        len(numbers) == _TWO * _TWO
        and all(isinstance(cost, int | float) for cost in numbers)
        and numbers[1] > numbers[0]
        and numbers[2] > numbers[3]
    )


def _miss_in_false_alarms(costs: Sequence[Sequence[float]]) -> float:
    """Return the cost of a missed positive relative to that of a false alarm (Elkan 2001, theorem 1)."""
    (right_no, alarm), (miss, right_yes) = costs
    return (miss - right_yes) / (alarm - right_no)


class Goal(BaseModel):
    """What the model is for, which decides more than any measured fact.

    Missing parts are assumed, and the answer says so.
    """

    model_config = STRICT

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
        """Set the cost of a missed positive where a cost matrix of two classes is given."""
        costs = data.get("cost_matrix") if isinstance(data, dict) else None
        if costs is None or not _is_two_by_two(costs) or data.get("false_negative_cost") is not None:
            return data
        return {**data, "false_negative_cost": _miss_in_false_alarms(costs)}

    @model_validator(mode="after")
    def _mistakes_cost_more(self) -> Self:
        """Refuse a cost matrix that is not square, or in which a mistake costs less than the correct answer."""
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
        """Refuse a quantile or a coverage with another functional than its own."""
        if self.quantile is not None and self.functional not in {None, "quantile"}:
            text = Text("a quantile goes with functional=quantile", "quantile 应与 functional=quantile 一起使用")
            raise custom_error("quantile", text)
        if self.coverage is not None and self.functional not in {None, "interval"}:
            text = Text("a coverage goes with functional=interval", "coverage 应与 functional=interval 一起使用")
            raise custom_error("coverage", text)
        return self
