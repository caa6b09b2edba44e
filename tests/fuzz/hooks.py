"""What schemathesis sends where the document says binary: real files, whole and broken, of every format there is."""

from random import Random
from typing import Any

import schemathesis
from hypothesis import strategies as st

from service.uploads.formats.registry import formats
from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.mutations import mutated

ACCEPTED = ("*/*", "application/json", *formats(), "application/x-npz;q=0.5, text/html", ", ,;", "")

QUERIES: tuple[dict[str, object], ...] = (
    {"loss": "mse"},
    {"loss": "mse", "reduction": "none"},
    {"loss": "mae+0.5*mse", "gradient": "full"},
    {"task": "regression"},
    {"task": "regression", "roles": "targets,predictions"},
    {},
)


def files(name: str) -> st.SearchStrategy[bytes]:
    """Return the inputs of a harness, three of four of them whole."""
    harness = HARNESSES[name]
    whole = st.sampled_from(harness.seeds)

    def broken(seed: int) -> bytes:
        random = Random(seed)
        return mutated(random.choice(harness.seeds), random, harness.words, harness.mend)

    return st.one_of(whole, whole, whole, st.integers(0, 1 << 32).map(broken))


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: schemathesis.Case[Any], **__: object) -> None:
    """Send what the document can only say in words.

    Accept is no parameter of OpenAPI's. The fields of a body that is arrays alone are query parameters, and the length
    of the JSON in a body of the Open Inference Protocol is in a header.
    """
    random = Random(repr(case.body))
    case.headers.setdefault("Accept", random.choice(ACCEPTED))
    if case.media_type in formats() and not case.query and case.path != "/v1/datasets":
        case.query = dict(random.choice(QUERIES))
    if case.media_type == "application/octet-stream" and isinstance(case.body, bytes) and random.random() < 0.7:
        case.headers.setdefault("Inference-Header-Content-Length", str(case.body.rfind(b"}") + 1))


CSV = "text/csv"  # a type with a strategy of its own takes no example that is text


@schemathesis.serializer(CSV)
def text(_: schemathesis.SerializationContext, value: str | bytes) -> bytes:
    """Return an example of the document, or a file, as it is sent."""
    return value.encode() if isinstance(value, str) else value


for media, entry in formats().items():
    if media == CSV:
        continue
    schemathesis.openapi.media_type(media, files(f"format{entry.suffix}"))
framed = files("open_inference").map(lambda data: data.partition(b"\n")[2])
schemathesis.openapi.media_type("application/octet-stream", framed)
schemathesis.openapi.format("binary", files("any_file"))
