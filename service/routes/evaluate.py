"""POST /v1/evaluate: what does each loss make of these predictions and targets?"""

from collections.abc import Generator
from functools import cached_property
from typing import Annotated, Any, Literal

import orjson
import torch
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from starlette.types import Scope
from torch import Tensor

from losses.errors import (
    BadExpression,
    BadOption,
    BadParameter,
    DomainViolation,
    MissingInput,
    NonFiniteInput,
    ShapeMismatch,
    UnknownLoss,
)
from losses.evaluate import Options
from losses.expression import Objective, parse
from losses.report import Evaluation
from losses.stream import Stream
from losses.tally import Reduction
from service.at_once import Answer
from service.errors import BadEnvelope, ComputeDeadline, TooLarge, UnsupportedFormat, responses
from service.runtime import Runtime
from service.tensors import formats, numbers
from service.tensors.body import JSON, header
from service.tensors.upload import Upload, declared, decoded, receive_or_pass

router = APIRouter(prefix="/v1", tags=["evaluate"])
MOST_LOSSES = 64


class EvaluateOptions(BaseModel):
    """How to reduce, and what to say beside the value."""

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
    dtype: Annotated[
        Literal["float32", "float64"] | None,
        Field(description="Compute in this; otherwise in the widest dtype sent, at least float32."),
    ] = None

    @cached_property
    def bound(self) -> Options:
        """The options as the room of losses takes them."""
        fields = self.model_dump(exclude={"dtype"})
        return Options(**fields, dtype=getattr(torch, self.dtype) if self.dtype else None)


def _listed(value: object) -> object:
    if isinstance(value, list) and len(value) > MOST_LOSSES:  # before each of 200,000 is found wrong by itself
        raise ValueError(f"at most {MOST_LOSSES} objectives are evaluated at once")
    return [value] if isinstance(value, str) else value


Losses = Annotated[
    list[str],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=MOST_LOSSES),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "maxItems": MOST_LOSSES},
            ],
            "description": "An objective such as dice + 0.5*bce(pos_weight=3), or a list of them.",
        }
    ),
]


class EvaluateRequest(BaseModel):
    """The fields beside the tensors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    loss: Losses
    options: EvaluateOptions = EvaluateOptions()

    @cached_property
    def objectives(self) -> list[Objective]:
        """What is to be evaluated, in the order asked."""
        return [parse(text) for text in self.loss]


class Warning_(BaseModel):  # noqa: N801 - the built-in has the name
    """Something you may not have meant."""

    model_config = ConfigDict(title="Warning")

    code: str
    text: str


class GradientShares(BaseModel):
    """How the absolute gradient is shared among the items: what an outlier does to training, in a number."""

    absolute_sum: float
    largest: float
    zero_share: float
    top_1_percent_share: float | None
    top_5_percent_share: float | None
    top_10_percent_share: float | None
    by_class: Annotated[list[float] | None, Field(description="The share of each class that the targets name.")]


class Result(BaseModel):
    """What one objective says. `reason` says why where `value` is null."""

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
    warnings: list[Warning_]
    values: Annotated[Any, Field(description="Per item, with reduction=none.")] = None
    gradients: Annotated[Any, Field(description="By role, with gradient=full.")] = None


class Evaluations(BaseModel):
    """The results in the order asked, and where the time went."""

    results: list[Result]
    items: int
    dtype: str
    device: str
    timing_ms: dict[str, float]


def arrays_of(results: list[Evaluation]) -> dict[str, Tensor]:
    """Return the arrays of an answer by name; of several losses each name begins with the loss's place."""
    found = {}
    for place, entry in enumerate(results):
        prefix = f"{place}." if len(results) > 1 else ""
        if entry.values is not None:
            found[f"{prefix}values"] = entry.values
        found |= {f"{prefix}gradients.{role}": tensor for role, tensor in (entry.gradients or {}).items()}
    return found


def result(found: Evaluation, most_numbers: int | None) -> dict[str, Any]:
    """Return one evaluation as the fields of a Result; None for `most_numbers` leaves the arrays out.

    Raises: TooLarge where JSON would have to carry too many numbers.
    """
    arrays: dict[str, Any] = {}
    if most_numbers is not None:
        if sum(tensor.numel() for tensor in arrays_of([found]).values()) > most_numbers:
            raise TooLarge(
                "The answer in numbers",
                most_numbers,
                "max_answer_numbers",
                f"Accept {' or '.join(formats.formats())}, ask with gradient=summary, or send fewer items.",
            )
        if found.values is not None:
            arrays["values"] = numbers.to_lists(found.values)
        if found.gradients is not None:
            arrays["gradients"] = {role: numbers.to_lists(tensor) for role, tensor in found.gradients.items()}
    return {
        "loss": found.name,
        "value": found.value,
        "numerator": found.numerator,
        "denominator": found.denominator,
        "kept": found.kept,
        "ignored": found.ignored,
        "standard_error": found.standard_error,
        "gradient": found.gradient,
        "per_class": found.per_class,
        "terms": [result(term, most_numbers) for term in found.terms] if found.terms else None,
        "reason": found.reason,
        "warnings": found.warnings,
        **arrays,
    }


def in_one_pass(upload: Upload) -> bool:
    """Say whether all that is asked of an upload takes one pass over its items."""
    request = upload.read(EvaluateRequest)
    try:
        for objective in request.objectives:
            Stream(objective, request.options.bound, error_asked=True)
    except BadOption:
        return False
    return True


EXAMPLE = {
    "loss": ["mse", "smooth_l1(beta=0.5)"],
    "predictions": [1.0, 2.0],
    "targets": [1.5, 0.0],
    "options": {"reduction": "mean", "gradient": "summary"},
}


@router.post(
    "/evaluate",
    summary="What does each loss make of these predictions?",
    response_class=Response,
    openapi_extra=declared(EvaluateRequest, {"two losses, one upload": EXAMPLE}, {"loss": ["mse", "mae"]}),
    responses=formats.answered(Evaluations)
    | responses(
        BadEnvelope,
        TooLarge,
        UnsupportedFormat,
        UnknownLoss,
        BadExpression,
        BadParameter,
        BadOption,
        MissingInput,
        ShapeMismatch,
        DomainViolation,
        NonFiniteInput,
        ComputeDeadline,
    ),
)
async def evaluate(http: Request) -> Response:
    """Evaluate one or several losses on one upload: the value with its error bar, and how the gradient is shared.

    Send JSON, or `.npy`, `.npz` or `.safetensors` files as multipart with a `request` part that holds `loss` and
    `options`, or one such file as the body with those as query parameters. Per-item values and full gradients come
    back as such a file where `Accept` asks for one, with the rest of the answer as its `answer`.

    An Arrow stream sent in chunks, or longer than `max_body_bytes`, is evaluated as it arrives in constant memory,
    however long. Such a stream is not kept, so what looks at it twice (gradients, values per item, losses that compare
    items with one another) is refused, and the standard error of a quotient such as dice is left out.
    """
    # Neither dependencies nor a response model: with them FastAPI takes longer than the loss of a small upload.
    runtime: Runtime = http.state.runtime
    upload = await receive_or_pass(http, in_one_pass)
    request = upload.read(EvaluateRequest)
    objectives, options = request.objectives, request.options.bound
    if upload.windows:
        asked = "standard_error" in request.options.model_fields_set
        results, items = await runtime.evaluate_stream(objectives, upload.windows, upload, options, error_asked=asked)
    else:
        items = upload.items
        results = await runtime.evaluate(objectives, upload, options)
    body, media, timing = _written(http, upload, results, items)
    return Response(body, media_type=media, headers={"Server-Timing": timing})


def at_once(scope: Scope, body: bytearray) -> Generator[None, None, Answer | None]:
    """Do the same with a small body that has come; None where it takes a thread."""
    http = Request(scope)
    upload = decoded(http, body)
    if upload is None:
        return None
    request = upload.read(EvaluateRequest)
    yield
    items = upload.items
    results = scope["state"]["runtime"].evaluate_at_once(request.objectives, upload, request.options.bound)
    if results is None:
        return None
    yield
    text, media, timing = _written(http, upload, results, items)
    headers = {"content-length": str(len(text)), "content-type": media, "server-timing": timing}
    return Answer(200, [(name.encode(), value.encode()) for name, value in headers.items()], text)


def _written(http: Request, upload: Upload, results: list[Evaluation], items: int) -> tuple[bytes, str, str]:
    """Return the answer, its media type and its Server-Timing.

    Raises: TooLarge where JSON would have to carry too many numbers, BadRequest where a format cannot.
    """
    timing_ms = {name: round(ms, 3) for name, ms in upload.timing_ms.items()}
    timing = ", ".join([f"{name};dur={ms}" for name, ms in timing_ms.items()])
    arrays, binary = arrays_of(results), formats.accepted(header(http, b"accept"))
    state = http.scope["state"]
    most = None if arrays and binary else state["settings"].max_answer_numbers
    text = orjson.dumps(
        {
            "results": [result(found, most) for found in results],
            "items": items,
            "dtype": str(results[0].dtype).removeprefix("torch."),
            "device": state["runtime"].name,
            "timing_ms": timing_ms,
        }
    )
    if arrays and binary:
        return binary.write(arrays, text), binary.media, timing
    return text, JSON, timing
