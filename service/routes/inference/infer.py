"""POST /v2/models/{model}/infer: evaluate one loss."""

from typing import Annotated, Any

from fastapi import Header, Request, Response

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
from losses.text import Text
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
from service.routes.fields.parameters import KNOWN_PARAMETERS
from service.routes.inference.answer import InferAnswer, answer_of
from service.routes.inference.models import ModelParameter, Version, model_named, router
from service.routes.inference.request import DIGITS, InferRequest, input_spans, json_length, objective_of, spans_of
from service.scheduling import beside_the_loop
from service.uploads import inference_protocol, shared_memory
from service.uploads.bodies.body import body_of
from service.uploads.media_type import JSON, OCTETS, require
from service.uploads.openapi import BINARY, body_of_json
from service.uploads.roles import OPTIONAL, known_roles, unknown_input
from service.uploads.upload import Upload, refuse_unfit

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
    summary="Evaluate a loss",
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
    model: ModelParameter,
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
    named = model_named(model, version)
    # clients of the protocol send no Content-Type
    require(http, JSON, OCTETS, *([] if "content-type" in http.headers else [""]))
    limit = settings.max_json_bytes if inference_header_content_length is None else settings.max_body_bytes
    name = "max_json_bytes" if inference_header_content_length is None else "max_body_bytes"
    body = body_of(http)
    received = await body.read(limit, name)
    length = json_length(inference_header_content_length, len(received))
    if length > settings.max_json_bytes:
        way_out = Text("Send numbers as bytes behind it.", "请把数值作为字节放在它后面。")
        raise TooLarge(Text("The JSON", "JSON "), settings.max_json_bytes, "max_json_bytes", way_out)
    text = received if length == len(received) else received[:length]
    request = await beside_the_loop(lambda: validated(InferRequest, inference_protocol.request_members(text)), length)
    objective, options = objective_of(named, request.parameters)
    for sent in request.inputs:
        if sent.name not in known_roles():
            raise unknown_input(sent.name, (*objective.roles, *OPTIONAL))
    spans_out = spans_of(shared, request.outputs or [])
    from_shared_memory = await shared_memory.read_spans(
        input_spans(shared, request.inputs), settings.max_body_bytes, body
    )
    binary_data = memoryview(received)[length:]
    roles = await beside_the_loop(
        lambda: inference_protocol.input_tensors(request.inputs, binary_data, from_shared_memory), len(received)
    )
    upload = Upload(roles=roles, sent_before=bool(from_shared_memory))
    upload.reserved_bytes = body.reserved_beside
    refuse_unfit(upload, settings.max_elements)
    (evaluation,) = await runtime.evaluate([objective], upload, options.bound)
    return await answer_of(model, request, evaluation, spans_out, settings.max_answer_numbers)
