"""Bodies in JSON, long, in pieces and of records."""

import json

import numpy as np
import torch

from losses.errors import Refusal
from service.routes.advise.schema import AdviseRequest
from service.routes.evaluate import EvaluateRequest
from service.routes.profile import ProfileRequest
from service.uploads import contents, upload
from service.uploads.json_bodies import lists as json_lists
from service.uploads.json_bodies.pieces import PIECE
from service.uploads.json_bodies.text import parsed
from tests.fuzz.harnesses.harness import Finding, harness, kept_small, same

# Bodies and heads.


BODIES = (
    b'{"loss": "mse", "predictions": [1.0, 2.5], "targets": [0, 1]}',
    b'{"loss": ["bce", "dice"], "predictions": [[0.1], [-3e5]], "targets": [[true], [false]], "mask": null}',
    b'{"loss": "mse", "options": {"reduction": "sum", "gradient": "full"}, "weights": [], "targets": [[[1]]]}',
    b'{"task": "binary", "profile": {"n": 3}, "goal": {"false_negative_cost": 2.0}, "targets": [18446744073709551615]}',
)
MARKS = (
    b"null",
    b"true",
    b"1e308",
    b"-0.0",
    b"\\u0000",
    b"\\ud800",
    b"9223372036854775808",
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
)


@harness(*BODIES, words=MARKS)
def json_body(data: bytes) -> None:
    """The JSON of an upload, held to Python's own parser, and its arrays to numpy."""
    text = bytearray(data)
    members = parsed(text)
    if members != json.loads(data, parse_int=whole):
        raise Finding("Python's parser found something else.")
    content = contents.from_json(text)
    sent = upload.Upload(content.fields, content.roles)
    for role, tensor in sent.roles.items():
        if role in members and not same(tensor, np.array(members[role])):
            raise Finding("numpy makes another array of the same numbers.")
        if tensor.numel():
            json_lists.to_lists(tensor)
    models(sent)


@harness(*BODIES, words=MARKS, share=5)
def long_json_body(data: bytes) -> None:
    """The JSON of a long upload, held to what a short one of the same text becomes."""
    short = _outcome(data)
    long = _outcome(data + b" " * (contents.SHORT_JSON + 1))
    if isinstance(short, Refusal) and isinstance(long, Refusal):
        raise short
    if isinstance(short, Refusal) or isinstance(long, Refusal):
        raise Finding("A body is read at one length and refused at another.")
    if short.fields != long.fields or short.roles.keys() != long.roles.keys():
        raise Finding("A long body has other fields than a short one.")
    for role, tensor in long.roles.items():
        if tensor.dtype != short.roles[role].dtype or not torch.equal(tensor, short.roles[role]):
            raise Finding("A long body has other numbers than a short one.")


@harness(*BODIES, words=MARKS, share=5)
def json_in_pieces(data: bytes) -> None:
    """JSON whose arrays are parsed in pieces, held to the same as a whole."""
    whole = _outcome(data)
    pieces = _outcome(data, 1 + len(data) // 16)
    if isinstance(pieces, Refusal):  # it may be stricter: about large whole numbers, and arrays that are no inputs
        raise pieces
    if isinstance(whole, Refusal):
        raise Finding("A body is read in pieces and refused as a whole.")
    if whole.fields != pieces.fields or whole.roles.keys() != pieces.roles.keys():
        raise Finding("A body has other fields in pieces than as a whole.")
    for role, tensor in pieces.roles.items():
        if tensor.dtype != whole.roles[role].dtype or not torch.equal(tensor, whole.roles[role]):
            raise Finding("A body has other numbers in pieces than as a whole.")


def _outcome(text: bytes, piece: int = PIECE) -> contents.Contents | Refusal:
    try:
        return contents.from_json(bytearray(text), piece=piece)
    except Refusal as refusal:
        return refusal


@harness(
    b'[{"predictions": 1.5, "targets": 1}, {"predictions": -2e3, "targets": 0}]',
    b'[{"y_pred": [0.1, 0.9], "label": "a", "id": 1}, {"y_pred": [0.5, 0.5], "label": "b", "id": 2}]',
    b'[{"predictions": true, "targets": 9007199254740993, "weights": null}]',
    words=(*MARKS, b"y_true", b"[[", b"}, {"),
)
def json_records(data: bytes) -> None:
    """Rows as a JSON array of objects, the numbers held to numpy's of Python's own parser."""
    if not data.lstrip().startswith(b"["):
        return
    held = contents.from_json(bytearray(data))
    rows = json.loads(data, parse_int=whole)
    for role, tensor in held.roles.items():
        if all(isinstance(row.get(role), int | float) for row in rows) and not same(
            tensor, np.array([row[role] for row in rows])
        ):
            raise Finding("numpy makes another column of the same numbers.")


def whole(digits: str) -> float:
    """Return a number of JSON: past 64 bits it is a double."""
    number = int(digits)
    return number if -(1 << 63) <= number < 1 << 64 else float(number)


def models(sent: upload.Upload) -> None:
    for model in (EvaluateRequest, AdviseRequest, ProfileRequest):
        try:
            asked = sent.read(model)
            if isinstance(asked, EvaluateRequest):
                assert asked.options.bound
                assert asked.objectives
        except Refusal as refusal:  # of one model; the next may take the same fields
            kept_small(refusal)
