"""The fields of an evaluation in requests and answers: its options and its results."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from losses.evaluation.totals import Reduction
from losses.text import Text
from losses.version import VERSION
from service.problems import TooLarge
from service.uploads.formats import registry as formats
from service.uploads.json_bodies import lists as json_lists
from service.uploads.openapi import ASSUMED


class EvaluateOptions(BaseModel):
    """How to reduce, and what to return besides the value."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    reduction: Reduction = "mean"
    gradient: Annotated[
        Literal["none", "summary", "full"],
        Field(description="summary: how the absolute gradient is shared among the items; full: the gradient itself."),
    ] = "none"
    standard_error: Annotated[bool, Field(description="Clustered on axis 0.")] = True
    per_class: Annotated[bool, Field(description="The value of each class, where targets or axes name classes.")] = (
        False
    )
    nonfinite: Annotated[
        Literal["refuse", "allow"],
        Field(description="allow: a null value with the count in place of a refusal."),
    ] = "refuse"
    class_axis: Annotated[
        Literal[1, -1], Field(description="The axis that classes stand on: 1, or -1 for the last, as in Keras.")
    ] = 1
    dtype: Annotated[
        Literal["float32", "float64"] | None,
        Field(description="Compute in this; otherwise in the widest dtype sent, at least float32."),
    ] = None

    @cached_property
    def bound(self) -> Options:
        """The options in the form of `losses.evaluation`."""
        fields = self.model_dump(exclude={"dtype"})
        return Options(**fields, dtype=getattr(torch, self.dtype) if self.dtype else None)


class EvaluationWarning(BaseModel):
    """A warning about inputs that are legal but may not be intended."""

    code: str
    text: str


class GradientShares(BaseModel):
    """How the absolute gradient is distributed over the items, which shows the influence of outliers on training."""

    absolute_sum: float
    largest: float
    zero_share: float
    top_1_percent_share: float | None
    top_5_percent_share: float | None
    top_10_percent_share: float | None
    by_class: Annotated[list[float] | None, Field(description="The share of each class that the targets name.")]


class Result(BaseModel):
    """The result of one objective; `reason` says why where `value` is null."""

    loss: str
    value: float | None
    numerator: float | None
    denominator: float | None
    kept: Annotated[int, Field(description="Items that are neither masked nor ignored, whatever they weigh.")]
    ignored: int
    standard_error: float | None
    gradient: GradientShares | None
    per_class: list[float | None] | None
    terms: list["Result"] | None
    reason: str | None
    warnings: list[EvaluationWarning]
    values: Annotated[Any, Field(description="Per item, with reduction=none.")] = None
    gradients: Annotated[Any, Field(description="By role, with gradient=full.")] = None


class Evaluations(BaseModel):
    """The results in the order requested, and where the time was spent."""

    results: list[Result]
    items: int
    dtype: str
    device: str
    timing_ms: dict[str, float]
    version: str = VERSION
    assumed: Annotated[dict[str, Any] | None, Field(description=ASSUMED)] = None


def arrays_of(results: list[Evaluation]) -> dict[str, Tensor]:
    """Return the arrays of an answer by name; for several losses each name begins with the position of the loss."""
    arrays = {}
    for place, entry in enumerate(results):
        prefix = f"{place}." if len(results) > 1 else ""
        if entry.values is not None:
            arrays[f"{prefix}values"] = entry.values
        for role, tensor in (entry.gradients or {}).items():
            arrays[f"{prefix}gradients.{role}"] = tensor
    return arrays


def refuse_long_answer(arrays: Mapping[str, Tensor], most_numbers: int) -> None:
    """Refuse an answer in JSON that would carry more than `most_numbers` numbers, over all objectives.

    Raises: TooLarge.
    """
    if sum([tensor.numel() for tensor in arrays.values()]) > most_numbers:
        accepted = formats.written()
        way_out = Text(
            f"Accept {' or '.join(accepted)}, ask with gradient=summary, or send fewer items or losses.",
            f"请用 Accept 接受 {'、'.join(accepted)},或使用 gradient=summary,或减少数据项或损失。",
        )
        raise TooLarge(Text("The answer in numbers", "回答中的数值个数"), most_numbers, "max_answer_numbers", way_out)


def result(evaluation: Evaluation, *, with_arrays: bool) -> dict[str, Any]:
    """Return one evaluation as the fields of a Result, with or without its arrays as lists."""
    arrays: dict[str, Any] = {}
    if with_arrays:
        if evaluation.values is not None:
            arrays["values"] = json_lists.to_lists(evaluation.values)
        if evaluation.gradients is not None:
            arrays["gradients"] = {role: json_lists.to_lists(tensor) for role, tensor in evaluation.gradients.items()}
    return {**evaluation.described(), **arrays}
