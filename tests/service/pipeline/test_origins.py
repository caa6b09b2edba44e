"""A browser lets any page post a form to any host, also to a service without keys on the reader's own machine."""

import pytest

from tests.conftest import Client
from tests.service.files import Files, npy

pytestmark = pytest.mark.anyio
ALLOWED = "https://tool.example"
HOST = "127.0.0.1:8000"
ORIGINS = [
    ("the page's own", f"http://{HOST}", HOST, True),
    ("one that is named", ALLOWED, HOST, True),
    ("another site", "http://other.example", HOST, False),
    ("the named one without TLS", "http://tool.example", HOST, False),
    ("another port", "http://127.0.0.1:9000", HOST, False),
    ("another name of this machine", "http://localhost:8000", HOST, False),
    ("a file or a frame without rights", "null", HOST, False),
    ("a frame without rights, to no host", "null", "", False),
    ("nothing", "", "", False),
]


@pytest.mark.parametrize(("origin", "host", "allowed"), [row[1:] for row in ORIGINS], ids=[row[0] for row in ORIGINS])
async def test_a_form_is_taken_from_this_page_and_from_those_that_are_named(
    client: Client, origin: str, host: str, *, allowed: bool
) -> None:
    form: Files = {"loss": (None, "mse"), "predictions": npy([1.0, 2.0]), "targets": npy([1.5, 0.0])}

    async with client(cors_origins=(ALLOWED,)) as http:
        answer = await http.post("/v1/evaluate", files=form, headers={"origin": origin, "host": host})
        read = await http.get("/v1/losses", headers={"origin": origin, "host": host})

    assert answer.status_code == (200 if allowed else 403)
    if not allowed:
        assert answer.json()["type"] == "urn:lossary:foreign-origin"
        assert "LOSSARY_CORS_ORIGINS" in answer.json()["detail"]
    assert (read.headers.get("access-control-allow-origin") == origin) == (origin == ALLOWED)
