"""The request of an inference: what to evaluate, and where its inputs and outputs are in shared memory."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from losses.contract import names
from losses.contract.expression import Objective, parse
from losses.errors import shown
from losses.text import Text
from service.problems import BadEnvelope, BadRequest, validated
from service.routes.evaluation_schema import EvaluateOptions
from service.uploads import inference_protocol, shared_memory

DIGITS = 15  # of the length of a body, at most
_PROTOCOL = {"binary_data_output", "sequence_id", "sequence_start", "sequence_end", "priority", "timeout"}


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


def json_length(header: str | None, body: int) -> int:
    """Return how many bytes of the body are JSON: the value of Inference-Header-Content-Length, or all without it.

    Raises: BadEnvelope where the header is not a number within the length of the body.
    """
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


def objective_of(model: names.Named | None, parameters: Mapping[str, Any]) -> tuple[Objective, EvaluateOptions]:
    """Return the objective and the options that the parameters name; those of the protocol itself are ignored.

    Raises: BadRequest, UnknownLoss, BadExpression, BadParameter.
    """
    own = {name: value for name, value in parameters.items() if name not in _PROTOCOL}
    options = {name: own.pop(name) for name in EvaluateOptions.model_fields if name in own}
    if model is None:
        text = own.pop("loss", None)
        if not isinstance(text, str) or own:
            raise BadRequest(
                Text(
                    "The model objective takes the parameter loss, such as dice + 0.5*bce, and options.",
                    "模型 objective 接受参数 loss(如 dice + 0.5*bce)和 options。",
                )
            )
        return parse(text), validated(EvaluateOptions, options, "parameters")
    loss, implied = model
    return Objective(((1.0, loss.bind({**implied, **own})),)), validated(EvaluateOptions, options, "parameters")


def spans_of(
    shared: shared_memory.Regions | None,
    tensors: Sequence[inference_protocol.InputTensor | inference_protocol.OutputWanted],
) -> dict[int, shared_memory.Span]:
    """Return the span of each tensor that lies in shared memory, by its position in the request.

    Raises: BadRequest where shared memory is off, or a tensor states its place incompletely; UnknownRegion, BadRegion.
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


def input_spans(
    shared: shared_memory.Regions | None, inputs: list[inference_protocol.InputTensor]
) -> dict[int, shared_memory.Span]:
    """Return the span of each input in shared memory, by its position in the request.

    Raises: what `spans_of` raises; BadRequest where its size differs, or the numbers are sent as well.
    """
    spans = spans_of(shared, inputs)
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
