"""/v2: the Open Inference Protocol. Every loss is a model, `objective` the model that takes an expression.

Its inputs are the loss's roles, its first output is `value`; parameters of the loss and of the evaluation are the
request's `parameters`. Existing clients of KServe and Triton work unchanged.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import orjson
import torch
from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from losses.contract import names, registry
from losses.contract.expression import Objective, parse
from losses.contract.loss import Loss
from losses.errors import (
    BadExpression,
    BadOption,
    BadParameter,
    DomainViolation,
    MissingInput,
    NonFiniteInput,
    ShapeMismatch,
    UnknownLoss,
    shown,
)
from losses.evaluation.result import Evaluation
from losses.text import Text
from losses.version import VERSION
from service.dependencies import RegionsInForce, RuntimeInForce, SettingsInForce
from service.pipeline.properties import properties
from service.problems import (
    BadEnvelope,
    BadRegion,
    BadRequest,
    ComputeDeadline,
    TooLarge,
    UnknownPath,
    UnknownRegion,
    UnsupportedFormat,
    responses,
    validated,
)
from service.routes.evaluation_schema import EvaluateOptions, arrays_of
from service.routes.parameters import KNOWN_PARAMETERS
from service.scheduling import beside_the_loop
from service.uploads import inference_protocol, shared_memory
from service.uploads.body import body_of
from service.uploads.media_type import JSON, OCTETS, require
from service.uploads.openapi import BINARY, body_of_json
from service.uploads.roles import OPTIONAL, known_roles, unknown_input
from service.uploads.upload import Upload, refuse_unfit

router = APIRouter(prefix="/v2", tags=["open inference protocol"])
OBJECTIVE = "objective"
MODEL_VERSION = "1"
PLATFORM = "lossary"
CLASSIFICATION = "classification"  # Triton's extension: the largest entries of an output, with their labels
DIGITS = 15  # of the length of a body, at most


ModelName = Annotated[
    str,
    Path(description="The id of a loss, or objective.", openapi_examples={"mse": {"summary": "mse", "value": "mse"}}),
]


class InferRequest(BaseModel):
    """The JSON of a request."""

    # the protocol's other servers ignore members that they do not know, and clients of KServe send model_name
    model_config = ConfigDict(extra="ignore", strict=True)

    id: Annotated[str | None, Field(max_length=200)] = None
    parameters: Annotated[
        inference_protocol.Parameters,
        Field(description="Of the loss and of the evaluation; `loss` for the model `objective`."),
    ] = {}
    inputs: Annotated[
        list[inference_protocol.InputTensor], Field(min_length=1, max_length=inference_protocol.MOST_TENSORS)
    ]
    outputs: Annotated[
        list[inference_protocol.OutputWanted] | None, Field(max_length=inference_protocol.MOST_TENSORS)
    ] = None


class InferAnswer(BaseModel):
    """The JSON of an answer; the outputs are `value` and whatever else there is."""

    model_name: str
    model_version: str = MODEL_VERSION
    id: str | None = None
    parameters: dict[str, str] | None = None
    outputs: list[inference_protocol.OutputTensor]


@router.get("", summary="What speaks here?")
@properties("any key", protocol="open inference")
async def server(shared: RegionsInForce) -> dict[str, object]:
    """Describe the server."""
    extensions = ["binary_tensor_data", *(["system_shared_memory"] if shared else [])]
    return {"name": "lossary", "version": VERSION, "extensions": extensions}


@router.get("/health/live", summary="Is it alive?")
@properties("open", quiet=True, protocol="open inference")
async def live() -> dict[str, bool]:
    """Answer as long as the process does."""
    return {"live": True}


@router.get("/health/ready", summary="Is it ready?")
@properties("open", quiet=True, protocol="open inference")
async def ready(_: RuntimeInForce) -> dict[str, bool]:
    """Answer once the device is there."""
    return {"ready": True}


async def _version(request: Request) -> str:
    """Return the version that the path names, the usual one where it names none."""
    version: str = request.path_params.get("version", MODEL_VERSION)
    return version


Version = Annotated[str, Depends(_version)]


@router.get(
    "/models/{model}/ready",
    summary="Is a model ready?",
    dependencies=KNOWN_PARAMETERS,
    responses=responses(UnknownPath, BadRequest),
)
@router.get("/models/{model}/versions/{version}/ready", include_in_schema=False, dependencies=KNOWN_PARAMETERS)
@properties("any key", protocol="open inference")
async def model_ready(model: ModelName, version: Version) -> dict[str, object]:
    """Answer for every loss."""
    _model(model, version)
    return {"name": model, "ready": True}


@router.get(
    "/models/{model}",
    summary="What does a model take?",
    dependencies=KNOWN_PARAMETERS,
    responses=responses(UnknownPath, BadRequest),
)
@router.get("/models/{model}/versions/{version}", include_in_schema=False, dependencies=KNOWN_PARAMETERS)
@properties("any key", protocol="open inference")
async def metadata(model: ModelName, version: Version) -> dict[str, object]:
    """Describe the inputs of a loss; -1 stands for any length, and any float or whole-number datatype is read."""
    named = _model(model, version)
    loss = named[0] if named else None
    roles = loss.roles if loss else ("predictions", "targets")
    return {
        "name": model,
        "versions": [MODEL_VERSION],
        "platform": PLATFORM,
        "inputs": [{"name": role, "datatype": _usual(loss, role), "shape": _shape(loss, role)} for role in roles],
        "outputs": [{"name": "value", "datatype": "FP64", "shape": [1]}],
    }


@router.post("/repository/index", summary="Which models are there?")
@properties("evaluate", protocol="open inference")
async def index() -> list[dict[str, str]]:
    """List every loss, and `objective`."""
    return [
        {"name": name, "version": MODEL_VERSION, "state": "READY", "reason": ""}
        for name in (OBJECTIVE, *registry.catalogue())
    ]


EXAMPLE = {
    "inputs": [
        {"name": "predictions", "shape": [2], "datatype": "FP64", "data": [1.0, 2.0]},
        {"name": "targets", "shape": [2], "datatype": "FP64", "data": [1.5, 0.0]},
    ]
}
FRAMED = {
    **BINARY,
    "description": "The JSON, as long as Inference-Header-Content-Length says, then the bytes of the inputs that have "
    "a binary_data_size.",
}


ANSWERED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {OCTETS: {"schema": BINARY}},
        "headers": {
            "Inference-Header-Content-Length": {
                "schema": {"type": "integer"},
                "description": "Where the answer is binary: its bytes of JSON; the rest is data.",
            }
        },
    }
}


@router.post(
    "/models/{model}/infer",
    summary="What does a loss make of these predictions?",
    dependencies=KNOWN_PARAMETERS,
    response_model=InferAnswer,
    response_model_exclude_none=True,
    openapi_extra=body_of_json(InferRequest, {"two numbers each": EXAMPLE}, **{OCTETS: {"schema": FRAMED}}),
    responses=ANSWERED
    | responses(
        BadEnvelope,
        UnknownPath,
        UnknownRegion,
        TooLarge,
        UnsupportedFormat,
        BadRequest,
        BadRegion,
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
@router.post("/models/{model}/versions/{version}/infer", include_in_schema=False, dependencies=KNOWN_PARAMETERS)
@properties("evaluate", protocol="open inference")
async def infer(
    model: ModelName,
    runtime: RuntimeInForce,
    settings: SettingsInForce,
    shared: RegionsInForce,
    http: Request,
    version: Version,
    inference_header_content_length: Annotated[
        str | None,
        Header(description="Bytes of JSON; the rest is data.", json_schema_extra={"pattern": f"^[0-9]{{1,{DIGITS}}}$"}),
    ] = None,
) -> Response:
    """Evaluate one loss on tensors in JSON, in bytes behind it, or in shared memory."""
    named = _model(model, version)
    # clients of the protocol send no Content-Type
    require(http, JSON, OCTETS, *([] if "content-type" in http.headers else [""]))
    limit = settings.max_json_bytes if inference_header_content_length is None else settings.max_body_bytes
    name = "max_json_bytes" if inference_header_content_length is None else "max_body_bytes"
    body = body_of(http)
    received = await body.read(limit, name)
    length = _length(inference_header_content_length, len(received))
    if length > settings.max_json_bytes:
        way_out = Text("Send numbers as bytes behind it.", "请把数值作为字节放在它后面。")
        raise TooLarge(Text("The JSON", "JSON "), settings.max_json_bytes, "max_json_bytes", way_out)
    text = received if length == len(received) else received[:length]
    asked = await beside_the_loop(lambda: validated(InferRequest, inference_protocol.request_members(text)), length)
    objective, options = _asked(named, asked.parameters)
    for sent in asked.inputs:
        if sent.name not in known_roles():
            raise unknown_input(sent.name, (*objective.roles, *OPTIONAL))
    spans = _spans(shared, asked.outputs or [])
    lying = await shared_memory.read_spans(_lying(shared, asked.inputs), settings.max_body_bytes, body)
    behind = memoryview(received)[length:]
    roles = await beside_the_loop(lambda: inference_protocol.input_tensors(asked.inputs, behind, lying), len(received))
    upload = Upload(roles=roles)
    upload.reserved_bytes = body.reserved_beside
    refuse_unfit(upload, settings.max_elements)
    (evaluation,) = await runtime.evaluate([objective], upload, options.bound)
    return await _answer(model, asked, evaluation, spans, settings.max_answer_numbers)


def _model(name: str, version: str) -> names.Named | None:
    """Return the loss that a model is, and the parameters that its name implies; None for an expression.

    Raises: UnknownPath with the near name.
    """
    if version != MODEL_VERSION:
        raise UnknownPath(
            Text(f"The one version of every model is {MODEL_VERSION}.", f"每个模型唯一的版本是 {MODEL_VERSION}。")
        )
    if name == OBJECTIVE:
        return None
    try:
        return names.find(name)
    except UnknownLoss as unknown:
        raise UnknownPath(unknown.text, **unknown.facts) from None


def _spans(
    shared: shared_memory.Regions | None,
    tensors: Sequence[inference_protocol.InputTensor | inference_protocol.OutputWanted],
) -> dict[int, shared_memory.Span]:
    """Return where those tensors lie that are in shared memory, by their position in the request.

    Raises: BadRequest where there is no shared memory, or they do not say where; UnknownRegion, BadRegion.
    """
    spans = {}
    for position, tensor in enumerate(tensors):
        if not tensor.parameters.keys() & shared_memory.Place.model_fields.keys():
            continue
        if shared is None:
            raise BadRequest(shared_memory.OFF)
        kind = "inputs" if isinstance(tensor, inference_protocol.InputTensor) else "outputs"
        spans[position] = shared.span(
            validated(shared_memory.Place, tensor.parameters, kind, str(position), "parameters")
        )
    return spans


def _lying(
    shared: shared_memory.Regions | None, inputs: list[inference_protocol.InputTensor]
) -> dict[int, shared_memory.Span]:
    """Return where those inputs lie that are in shared memory, by their position in the request.

    Raises: what `_spans` raises, BadRequest where they are of another size, or sent as well.
    """
    spans = _spans(shared, inputs)
    for position, span in spans.items():
        sent, wanted = inputs[position], inference_protocol.size(inputs[position])
        if span.size != wanted or sent.data is not None or "binary_data_size" in sent.parameters:
            raise BadRequest(
                Text(
                    f"{shown(sent.name)}, of {wanted} bytes by shape and datatype, which lies in shared memory must "
                    f"have shared_memory_byte_size={wanted}, and no data and no binary_data_size.",
                    f"{shown(sent.name)} 按形状和类型为 {wanted} 字节,且位于共享内存中,必须有 "
                    f"shared_memory_byte_size={wanted},且没有 data 和 binary_data_size。",
                )
            )
    return spans


def _usual(loss: Loss | None, role: str) -> str:
    return "INT64" if loss is not None and loss.bind().domain(role).whole else "FP32"


def _shape(loss: Loss | None, role: str) -> list[int]:
    return [-1] * (len(loss.pattern(role).names) if loss is not None else 1)


def _length(header: str | None, body: int) -> int:
    if header is None:
        return body
    if not header.isascii() or not header.isdigit() or len(header) > DIGITS or int(header) > body:
        raise BadEnvelope(
            Text(
                "Inference-Header-Content-Length must be the bytes of JSON at the start of the body.",
                "Inference-Header-Content-Length 必须是请求体开头 JSON 的字节数。",
            )
        )
    return int(header)


def _asked(model: names.Named | None, parameters: Mapping[str, Any]) -> tuple[Objective, EvaluateOptions]:
    """Return what to evaluate and how; parameters of the protocol itself are left aside."""
    given = {name: value for name, value in parameters.items() if name not in _PROTOCOL}
    options = {name: given.pop(name) for name in EvaluateOptions.model_fields if name in given}
    if model is None:
        text = given.pop("loss", None)
        if not isinstance(text, str) or given:
            raise BadRequest(
                Text(
                    "The model objective takes the parameter loss, such as dice + 0.5*bce, and options.",
                    "模型 objective 接受参数 loss(如 dice + 0.5*bce)和 options。",
                )
            )
        return parse(text), validated(EvaluateOptions, options, "parameters")
    loss, implied = model
    return Objective(((1.0, loss.bind({**implied, **given})),)), validated(EvaluateOptions, options, "parameters")


_PROTOCOL = {"binary_data_output", "sequence_id", "sequence_start", "sequence_end", "priority", "timeout"}


def _outputs(evaluation: Evaluation) -> dict[str, Tensor]:
    """Return every output by name; NaN stands for a value that there is not."""

    def scalar(value: float | None) -> Tensor:
        return torch.tensor([float("nan") if value is None else value], dtype=torch.float64)

    named = {"value": scalar(evaluation.value), "standard_error": scalar(evaluation.standard_error)}
    named["kept"] = torch.tensor([evaluation.kept])
    return named | arrays_of([evaluation])


def _wanted(asked: InferRequest, outputs: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor, bool]]:
    """Yield the outputs that were asked for, all where none was, and whether each goes as bytes.

    Raises: BadRequest for one that there is not, or that is wanted as a classification.
    """
    everything = bool(asked.parameters.get("binary_data_output", False))
    wanted = asked.outputs or [inference_protocol.OutputWanted(name=name) for name in outputs]
    for output in wanted:
        if output.name not in outputs:
            raise BadRequest(
                Text(
                    f"There is no output {shown(output.name)}; there are {', '.join(outputs)}.",
                    f"没有输出 {shown(output.name)};有 {', '.join(outputs)}。",
                )
            )
        if output.parameters.get(CLASSIFICATION):
            raise BadRequest(
                Text(
                    f"{output.name} is no classification: it holds losses, which have no labels to sort by. Leave "
                    f"{CLASSIFICATION} (class_count) out.",
                    f"{output.name} 不是分类:它是损失,没有可排序的标签。请去掉 {CLASSIFICATION}(class_count)。",
                ),
                parameter=CLASSIFICATION,
            )
        yield output.name, outputs[output.name], bool(output.parameters.get("binary_data", everything))


def _said_beside(evaluation: Evaluation) -> dict[str, str] | None:
    """Return the reason where there is no value, and what looks unintended in the inputs."""
    warned = " ".join(f"{warning.code}: {warning.text}" for warning in evaluation.warnings)
    said = {"reason": evaluation.reason, "warnings": warned}
    return {name: text for name, text in said.items() if text} or None


def _with_room(span: shared_memory.Span, name: str, data: bytes) -> shared_memory.Span:
    """Return where an output goes.

    Raises: BadRegion where that is too little.
    """
    if len(data) > span.size:
        raise BadRegion(
            Text(
                f"The output {name} has {len(data)} bytes; shared_memory_byte_size is {span.size}.",
                f"输出 {name} 有 {len(data)} 字节;shared_memory_byte_size 为 {span.size}。",
            ),
            output=name,
            expected=len(data),
            got=span.size,
        )
    return span


async def _answer(
    model: str, asked: InferRequest, evaluation: Evaluation, spans: Mapping[int, shared_memory.Span], most_numbers: int
) -> Response:
    encoded, filled = [], []
    wanted = [
        (name, tensor, binary or position in spans)
        for position, (name, tensor, binary) in enumerate(_wanted(asked, _outputs(evaluation)))
    ]
    if sum(tensor.numel() for _, tensor, binary in wanted if not binary) > most_numbers:
        way_out = Text(
            "Ask for bytes (binary_data_output, or binary_data of an output), or send fewer items.",
            "请改要字节(binary_data_output,或某个输出的 binary_data),或减少数据项。",
        )
        raise TooLarge(Text("The answer in numbers", "回答中的数值个数"), most_numbers, "max_answer_numbers", way_out)
    for position, (name, tensor, binary) in enumerate(wanted):
        output, data = inference_protocol.output_bytes(name, tensor, binary=binary)
        if position in spans:
            filled.append((_with_room(spans[position], name, data), data))
            output.parameters, data = spans[position].parameters(len(data)), b""
        encoded.append((output, data))
    await shared_memory.write(filled)
    answer = InferAnswer(
        model_name=model,
        id=asked.id,
        parameters=_said_beside(evaluation),
        outputs=[output for output, _ in encoded],
    )
    text = orjson.dumps(answer.model_dump(exclude_none=True))
    data = b"".join(data for _, data in encoded)
    if not data:
        return Response(text, media_type=JSON)
    return Response(text + data, media_type=OCTETS, headers={"Inference-Header-Content-Length": str(len(text))})
