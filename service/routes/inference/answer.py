"""The answer to an inference: its outputs as numbers in JSON, as bytes after the JSON, or in shared memory."""

from collections.abc import Iterator, Mapping

import orjson
import torch
from fastapi import Response
from pydantic import BaseModel
from torch import Tensor

from losses.errors import shown
from losses.evaluation.result import Evaluation
from losses.text import Text
from service.problems import BadRegion, BadRequest, TooLarge
from service.routes.evaluation_schema import arrays_of
from service.routes.inference.models import MODEL_VERSION
from service.routes.inference.request import InferRequest
from service.uploads import inference_protocol, shared_memory
from service.uploads.media_type import JSON, OCTETS

CLASSIFICATION = "classification"  # Triton's extension: the largest entries of an output, with their labels


class InferAnswer(BaseModel):
    """The JSON of an answer; the outputs are `value` and whatever else was computed."""

    model_name: str
    model_version: str = MODEL_VERSION
    id: str | None = None
    parameters: dict[str, str] | None = None
    outputs: list[inference_protocol.OutputTensor]


async def answer_of(
    model: str,
    request: InferRequest,
    evaluation: Evaluation,
    spans: Mapping[int, shared_memory.Span],
    most_numbers: int,
) -> Response:
    """Return the response of an inference, with the outputs of `spans` (by position) written to shared memory.

    Raises: BadRequest for an output that does not exist; TooLarge; BadRegion where a span is too small.
    """
    encoded, filled = [], []
    wanted = [
        (name, tensor, binary or position in spans)
        for position, (name, tensor, binary) in enumerate(_wanted(request, _outputs(evaluation)))
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
            filled.append((_checked_span(spans[position], name, data), data))
            output.parameters, data = spans[position].parameters(len(data)), b""
        encoded.append((output, data))
    await shared_memory.write(filled)
    answer = InferAnswer(
        model_name=model,
        id=request.id,
        parameters=_remarks(evaluation),
        outputs=[output for output, _ in encoded],
    )
    text = orjson.dumps(answer.model_dump(exclude_none=True))
    data = b"".join(data for _, data in encoded)
    if not data:
        return Response(text, media_type=JSON)
    return Response(text + data, media_type=OCTETS, headers={"Inference-Header-Content-Length": str(len(text))})


def _outputs(evaluation: Evaluation) -> dict[str, Tensor]:
    """Return every output by name; a missing value is NaN."""

    def scalar(value: float | None) -> Tensor:
        """Return a number as a tensor, NaN for None."""
        return torch.tensor([float("nan") if value is None else value], dtype=torch.float64)

    named = {"value": scalar(evaluation.value), "standard_error": scalar(evaluation.standard_error)}
    named["kept"] = torch.tensor([evaluation.kept])
    return named | arrays_of([evaluation])


def _wanted(request: InferRequest, outputs: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor, bool]]:
    """Yield each output that the request names, or all of them, and whether it is answered as bytes.

    Raises: BadRequest for an output that does not exist, or that is asked for as a classification.
    """
    everything = bool(request.parameters.get("binary_data_output", False))
    wanted = request.outputs or [inference_protocol.OutputWanted(name=name) for name in outputs]
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


def _remarks(evaluation: Evaluation) -> dict[str, str] | None:
    """Return the reason why there is no value, and the warnings about the inputs; None where there are neither."""
    warned = " ".join(f"{warning.code}: {warning.text}" for warning in evaluation.warnings)
    remarks = {"reason": evaluation.reason, "warnings": warned}
    return {name: text for name, text in remarks.items() if text} or None


def _checked_span(span: shared_memory.Span, name: str, data: bytes) -> shared_memory.Span:
    """Return the span of an output, if the data fits into it.

    Raises: BadRegion.
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
