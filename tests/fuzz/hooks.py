"""What schemathesis sends where the document says binary: real files, whole and broken, of every format there is."""

from random import Random
from typing import Any

import schemathesis
from hypothesis import strategies as st

from service.uploads.formats.registry import formats
from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.mutations import mutated

OCTETS = "application/octet-stream"
UPLOADS = ("/v1/evaluate", "/v1/profile", "/v1/advise", "/v1/datasets")
ACCEPTED = ("*/*", "application/json", *formats(), "application/x-npz;q=0.5, text/html", ", ,;", "")

LINES = (
    b'{"recommend": {"task": "binary", "profile": {"class_imbalance": 12}}}\n',
    b'{"evaluate": {"loss": "mae", "predictions": [1.0], "targets": [0.0]}}\n',
    b'{"evaluate": {"loss": "mae"}}\n',
    b"[1, 2]\n",
    b"\n",
)
QUERIES: tuple[dict[str, object], ...] = (
    {"loss": "mse"},
    {"loss": "mse", "reduction": "none"},
    {"loss": "mae+0.5*mse", "gradient": "full"},
    {"task": "regression"},
    {"task": "regression", "roles": "targets,predictions"},
    {},
)


def one_file(name: str, random: Random) -> bytes:
    """Return an input of a harness, three of four times a whole one."""
    harness = HARNESSES[name]
    seed = random.choice(harness.seeds)
    return seed if random.random() < 0.75 else mutated(seed, random, harness.words, harness.mend)


def files(name: str) -> st.SearchStrategy[bytes]:
    """Return the inputs of a harness."""
    return st.integers(0, 1 << 32).map(lambda seed: one_file(name, Random(seed)))


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: schemathesis.Case[Any], **__: object) -> None:
    """Send what the document can only say in words.

    Accept is no parameter of OpenAPI's. The fields of a body that is arrays alone are query parameters, and the length
    of the JSON in a body of the Open Inference Protocol is in a header.
    """
    random = Random(repr(case.body))
    case.headers.setdefault("Accept", random.choice(ACCEPTED))
    if random.random() < 0.8:  # most bodies are what they are
        case.headers.pop("Content-Encoding", None)
    if case.media_type == OCTETS and case.path in UPLOADS:
        media = random.choice([*formats()])
        case.body = one_file(f"format{formats()[media].suffix}", random)
        case.headers["Content-Type"] = random.choice([media, OCTETS])
        case.query = {} if case.path == "/v1/datasets" else dict(random.choice(QUERIES))
    elif case.media_type == OCTETS and case.path == "/v1/batch":
        case.body = b"".join(random.choices(LINES, k=random.randrange(4)))
        case.headers["Content-Type"] = random.choice([OCTETS, "application/x-ndjson"])
    elif case.path in UPLOADS and random.random() < 0.7:  # most of what the query says, such a body says too
        case.query = {}
    elif case.media_type == OCTETS:
        case.body = one_file("open_inference", random).partition(b"\n")[2]
        if random.random() < 0.7:
            case.headers.setdefault("Inference-Header-Content-Length", str(case.body.rfind(b"}") + 1))


@schemathesis.serializer(OCTETS)
def encoded(_: schemathesis.SerializationContext, value: str | bytes) -> bytes:
    """Return an example of the document, which is text there, or a file, as it is sent."""
    return value.encode() if isinstance(value, str) else value


schemathesis.openapi.format("binary", files("any_file"))
