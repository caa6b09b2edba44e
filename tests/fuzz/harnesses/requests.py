"""Requests of the Open Inference Protocol, and lines of a batch."""

import json
import math
import struct
from typing import Any

import numpy as np

from recommender import recommend
from recommender.profile import Goal, Profile
from recommender.tasks import Task
from service.problems import validated
from service.routes.batch import KINDS, split_line
from service.routes.inference.request import InferRequest, json_length
from service.routes.recommend import RecommendRequest
from service.uploads import contents, inference_protocol, upload
from service.uploads.json_bodies.text import parsed
from tests.fuzz.harnesses.harness import Finding, bounded, harness, same
from tests.fuzz.harnesses.json_bodies import BODIES, MARKS, models, whole
from tests.fuzz.mutations import MENDERS


def _framed(said: dict[str, Any], behind: bytes = b"") -> bytes:
    text = json.dumps(said).encode()
    return str(len(text)).encode() + b"\n" + text + behind


def _input(name: str, datatype: str, shape: list[int], **more: object) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape, **more}


def _sized(size: int) -> dict[str, int]:
    return {"binary_data_size": size}


@harness(
    _framed(
        {"inputs": [_input("predictions", "FP32", [2], data=[1, 2.5]), _input("targets", "BOOL", [1], data=[True])]}
    ),
    _framed({"inputs": [_input("predictions", "FP64", [2], parameters=_sized(16))]}, struct.pack("<2d", 1, 2)),
    _framed({"inputs": [_input(n, "UINT16", [1, 1], parameters=_sized(2)) for n in "ab"]}, b"\1\0\xff\xff"),
    _framed(
        {
            "parameters": {"binary_data_output": True, "gradient": "full"},
            "inputs": [_input(n, "FP32", [2], parameters=_sized(8)) for n in ("predictions", "targets")],
        },
        struct.pack("<4f", 1, 2, 0.5, 0),
    ),
    _framed({"id": "1", "parameters": {"loss": "mse"}, "outputs": [{"name": "value"}], "inputs": []}, b""),
    _framed({"inputs": [_input("p", d, [1], data=[3]) for d in inference_protocol.DATATYPES]}),
    _framed({"inputs": [_input("p", "BF16", [0, 9], parameters=_sized(0))]}),
    mend=MENDERS["oip"],
    words=(
        *(f'"{name}"'.encode() for name in inference_protocol.DATATYPES),
        b"binary_data_size",
        b"shape",
        b"1e400",
        b"-1",
    ),
)
def open_inference(data: bytes) -> None:
    """A request of the Open Inference Protocol: its length, its JSON, the bytes behind; held to numpy."""
    header, _, sent = data.partition(b"\n")
    buffer = memoryview(bytearray(sent))
    length = json_length(header.decode("latin-1") if header else None, len(buffer))
    asked = validated(InferRequest, parsed(bytes(buffer[:length])))
    arrays = inference_protocol.input_tensors(asked.inputs, buffer[length:])
    bounded(arrays, len(sent))
    place = length
    for entry in asked.inputs:
        size = entry.parameters.get("binary_data_size")
        tensor = arrays[entry.name]
        if list(tensor.shape) != entry.shape:
            raise Finding("A tensor has another shape than was declared.")
        if entry.datatype == "BF16" or (size is None and not tensor.numel()):
            place += size or 0
            continue
        kind = np.dtype({"BOOL": "?"}.get(entry.datatype, entry.datatype.lower().replace("fp", "float")))
        if size is None:
            theirs = np.array(entry.data).reshape(entry.shape)
            if kind.kind == "f":
                with np.errstate(over="ignore"):  # Finding would be an infinity, which JSON cannot send
                    theirs = theirs.astype(kind)
                if not np.isfinite(theirs).all():
                    raise Finding("A number that was sent became infinite.")
        else:
            theirs = np.frombuffer(sent, kind, math.prod(entry.shape), place).reshape(entry.shape)
        if not same(tensor, theirs):
            raise Finding("numpy reads other numbers.")
        place += size or 0
        shown, behind = inference_protocol.output_bytes(entry.name, tensor, binary=True)
        if shown.shape != entry.shape or len(behind) != tensor.numel() * tensor.element_size():
            raise Finding("A tensor is written as another.")
        inference_protocol.output_bytes(entry.name, tensor, binary=False)


@harness(
    *(b'{"evaluate": %b}' % body for body in BODIES[:3]),
    b'{"profile": {"task": "binary", "predictions": [0.5], "targets": [1]}}',
    b'{"recommend": {"task": "binary", "profile": {"class_imbalance": 12}, "goal": {"decision": "balanced"}}}',
    b'{"recommend": {"scenario": "salaries", "profile": {"outlier_rate": {"value": 0.1, "interval": [0, 0.2]}}}}',
    b'{"recommend": {"task": "regression", "thresholds": {"outliers.some": 0.1}, "rulebook": "evidence"}}',
    words=(*MARKS, *(b'"%b"' % name.encode() for name in (*KINDS, *Task, *Profile.model_fields, *Goal.model_fields))),
)
def batch_line(data: bytes) -> None:
    """A line of a batch: which question it is, held to Python's parser, and the answer to a recommend."""
    line = data.split(b"\n", 1)[0]
    name, text = split_line(bytearray(line))
    members = parsed(text)
    if json.loads(line, parse_int=whole) != {name: members}:
        raise Finding("Python's parser found another question.")
    if name != "recommend":
        held = contents.from_json(text)
        models(upload.Upload(held.fields, held.roles))
        return
    asked = validated(RecommendRequest, members)
    answer = recommend(
        asked.task,
        asked.scenario,
        asked.profile,
        asked.goal,
        thresholds=asked.thresholds,
        rulebook=asked.rulebook or "article",
    )
    json.loads(answer.model_dump_json(), parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise Finding(f"An answer has {name}.")
