"""POST /v1/evaluate: evaluate losses on predictions and targets."""

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Annotated

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from torch import Tensor

from losses.contract.expression import LONGEST_EXPRESSION, Objective, parse, split_objectives
from losses.errors import (
    BadExpression,
    BadOption,
    BadParameter,
    DomainViolation,
    MissingInput,
    NonFiniteInput,
    Refusal,
    ShapeMismatch,
    UnknownLoss,
)
from losses.evaluation.result import Evaluation
from losses.evaluation.stream import one_pass
from losses.field_errors import custom_error
from losses.text import Text
from losses.version import VERSION
from service.compute import Runtime
from service.pipeline.properties import properties
from service.problems import BadEnvelope, ComputeDeadline, TooLarge, UnknownDataset, UnsupportedFormat, responses
from service.routes.evaluation_schema import EvaluateOptions, Evaluations, arrays_of, refuse_long_answer, result
from service.routes.fields.brief import Brief, without_nulls
from service.scheduling import beside_the_loop, take_turn
from service.uploads.bodies.body import body_of
from service.uploads.formats import registry as formats
from service.uploads.media_type import JSON, header
from service.uploads.openapi import DatasetParameter, declared
from service.uploads.upload import Upload, receive_or_stream

router = APIRouter(prefix="/v1", tags=["evaluate"])
MOST_LOSSES = 64
BYTES = 8  # of a number in float64
ANSWER_BYTES = 3 * BYTES  # for each number: the array, the file that it is in, and the body that joins the files


def _listed(value: object) -> object:
    """Return the objectives of the field `loss` as a list, whether it was a text or a list."""
    entries = value if isinstance(value, list) else [value]
    if len(entries) > MOST_LOSSES:  # before each of 200,000 is found wrong by itself
        many = Text(
            f"Value error, at most {MOST_LOSSES} objectives are evaluated at once", f"一次最多计算 {MOST_LOSSES} 个目标"
        )
        raise custom_error("value_error", many)
    if isinstance(value, list | str):
        return [each for entry in entries for each in (_separate(entry) if isinstance(entry, str) else [entry])]
    return value


def _separate(text: str) -> list[str]:
    """Return the objectives of a text; one that is too long is left for `parse` to refuse."""
    return split_objectives(text) if len(text) <= MOST_LOSSES * LONGEST_EXPRESSION else [text]


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
            "description": "An objective such as dice + 0.5*bce(pos_weight=3), or several: a list, or between commas.",
        }
    ),
]


class EvaluateRequest(BaseModel):
    """The fields besides the tensors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    loss: Losses
    dataset: DatasetParameter = None
    options: EvaluateOptions = EvaluateOptions()
    brief: Brief = False

    @cached_property
    def objectives(self) -> list[Objective]:
        """The objectives to evaluate, in the order sent.

        Raises: what `parse` raises; for several objectives with the position of the wrong one.
        """
        return [self._parsed(place, text) for place, text in enumerate(self.loss)]

    def _parsed(self, place: int, text: str) -> Objective:
        """Return the objective at a position of the list."""
        try:
            return parse(text)
        except Refusal as refusal:
            if len(self.loss) > 1:
                refusal.facts["pointer"] = f"/loss/{place}"
            raise


def _takes_one_pass(upload: Upload) -> bool:
    """Return whether one pass over the items gives everything that an upload asks for."""
    request = upload.read(EvaluateRequest)
    return all(one_pass(objective, request.options.bound) for objective in request.objectives)


EXAMPLE = {
    "loss": ["mse", "smooth_l1(beta=0.5)"],
    "predictions": [1.0, 2.0],
    "targets": [1.5, 0.0],
    "options": {"reduction": "mean", "gradient": "summary"},
    "brief": True,
}


@router.post(
    "/evaluate",
    name="evaluate",
    summary="Evaluate losses on predictions and targets",
    response_class=Response,
    openapi_extra=declared(EvaluateRequest, {"two losses, one upload": EXAMPLE}, {"loss": ["mse", "mae"]}),
    responses=formats.answered(Evaluations)
    | responses(
        BadEnvelope,
        TooLarge,
        UnsupportedFormat,
        UnknownDataset,
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
@properties("evaluate", inline=True)
async def evaluate_upload(http: Request) -> Response:
    """Evaluate one or several losses on one upload: the value with its error bar, and how the gradient is shared.

    Send JSON, or `.npy`, `.npz` or `.safetensors` files as multipart with a `request` part that holds `loss` and
    `options`, or one such file as the body. Fields may also be query parameters, whatever the body is, or parts of a
    form, such as `-F loss=mse`. Per-item values and full gradients come back as such a file where `Accept` asks for
    one, with the rest of the answer as its `answer`.

    An Arrow stream sent in chunks, or longer than `max_body_bytes`, is evaluated as it arrives in constant memory,
    however long. Such a stream is not kept, so what looks at it twice (gradients, values per item, losses that compare
    items with one another) is refused, and the standard error of a quotient such as dice is left out.
    """
    # Neither dependencies nor a response model: with them FastAPI takes longer than the loss of a small upload.
    state = http.scope["state"]
    runtime: Runtime = state["runtime"]
    upload = await receive_or_stream(http, _takes_one_pass)
    request = upload.read(EvaluateRequest)
    objectives, options = request.objectives, request.options.bound
    if upload.windows is None:
        items = upload.items
        if options.gradient == "full" or options.reduction == "none":
            body_of(http).reserve_bytes(ANSWER_BYTES * len(objectives) * upload.numbers)
        results = await runtime.evaluate(objectives, upload, options)
    else:
        error_asked = "standard_error" in request.options.model_fields_set
        results, items = await runtime.evaluate_stream(
            objectives, upload.windows, upload, options, error_asked=error_asked
        )
    await take_turn()
    arrays = arrays_of(results)
    work = partial(_written, http, upload, request, results, items, arrays)
    numbers = sum(map(Tensor.numel, arrays.values()))
    body, media, timing = await beside_the_loop(work, BYTES * numbers)
    return Response(body, media_type=media, headers={"Server-Timing": timing})


def _written(
    http: Request,
    upload: Upload,
    request: EvaluateRequest,
    results: list[Evaluation],
    items: int,
    arrays: Mapping[str, Tensor],
) -> tuple[bytes, str, str]:
    """Return the answer, its media type and its Server-Timing header.

    Raises: TooLarge where JSON would have to carry too many numbers, BadRequest where a format cannot.
    """
    timing_ms = {name: int(1e3 * ms) / 1e3 for name, ms in upload.timing_ms.items()}  # whole microseconds
    timing = ", ".join([f"{name};dur={ms}" for name, ms in timing_ms.items()])
    binary = formats.accepted(header(http, b"accept")) if arrays else None
    state = http.scope["state"]
    if arrays and binary is None:
        refuse_long_answer(arrays, state["settings"].max_answer_numbers)
    shown = [result(evaluation, with_arrays=binary is None) for evaluation in results]
    text = orjson.dumps(
        {
            "results": without_nulls(shown) if request.brief else shown,
            "items": items,
            "dtype": str(results[0].dtype).removeprefix("torch."),
            "device": state["runtime"].name,
            "timing_ms": timing_ms,
            "version": VERSION,
            **({"assumed": upload.assumed} if upload.assumed else {}),
        }
    )
    if binary is not None:
        return binary.encode(arrays, text), binary.media, timing
    return text, JSON, timing
