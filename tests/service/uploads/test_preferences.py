"""What an Accept header asks for is what comes back (RFC 9110, 12.5.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.uploads.formats.registry import accepted, formats
from service.uploads.preferences import preferred, weighted
from tests.conftest import Client

JSON, NPY, NPZ = "application/json", "application/x-npy", "application/x-npz"
OFFERED = (JSON, *formats())

ASKED = [
    ("", None),
    ("*/*", JSON),
    ("application/*", JSON),
    (NPY, NPY),
    (NPY.upper(), NPY),
    (f"{NPY}, */*", NPY),
    (f"{NPY}, */*;q=0.1", NPY),
    (f"{JSON}, {NPY};q=0.5", JSON),
    (f"{NPY};q=0.5, {JSON}", JSON),
    (f"{NPY};q=0.5, {JSON};q=0.4", NPY),
    (f"{NPZ}, {NPY}", NPZ),
    (f"{NPY}, {NPZ}", NPY),
    (f"{NPY};q=0, */*", JSON),
    (f"{NPY};q=0.2, application/*;q=0.1, {JSON};q=0", NPY),
    (f"text/html, {NPY};q=0.9, */*;q=0.8", NPY),
    ("text/html", None),
    (f"{NPY};q=0", None),
    (f"{NPY};q=2", None),
    (f"{NPY};q=high", None),
    (f" {NPY} ; version=1 ; q=0.3 ,, {JSON};q=0.31", JSON),
]


@pytest.mark.parametrize(("accept", "media"), ASKED)
def test_the_weights_of_an_accept_header_decide(accept: str, media: str | None) -> None:
    assert preferred(accept, OFFERED) == media


RANGES = st.sampled_from([*OFFERED, "application/*", "*/*", "text/html", "image/*"])
WEIGHTS = st.sampled_from(["", ";q=0", ";q=0.001", ";q=0.5", ";q=1", ";q=1.000", "; q=0.7 ;level=1"])


@given(st.lists(st.tuples(RANGES, WEIGHTS), max_size=6))
def test_nothing_comes_back_that_weighs_less_than_what_else_there_is(entries: list[tuple[str, str]]) -> None:
    header = ", ".join(name + weight for name, weight in entries)
    ranges = list(weighted(header))

    def weight(media: str) -> float:
        fitting = [(name.count("*"), -given) for name, given in ranges if _fits(name, media)]
        precise = min((stars for stars, _ in fitting), default=0)
        return next((given for name, given in ranges if _fits(name, media) and name.count("*") == precise), 0.0)

    chosen = preferred(header, OFFERED)

    assert (chosen is None) == (max(map(weight, OFFERED)) == 0)
    if chosen is not None:
        assert weight(chosen) == max(map(weight, OFFERED))


def _fits(name: str, media: str) -> bool:
    return name in {media, "*/*", f"{media.partition('/')[0]}/*"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("accept", "media"), [(f"{JSON}, {NPY};q=0.5", JSON), (f"{JSON};q=0.5, {NPY}", NPY), ("text/html", JSON)]
)
async def test_values_come_back_in_the_form_that_was_asked_for_most(client: Client, accept: str, media: str) -> None:
    body = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [0.0, 0.0], "options": {"reduction": "none"}}

    async with client() as http:
        answer = await http.post("/v1/evaluate", json=body, headers={"accept": accept})

    assert answer.headers["content-type"] == media


def test_a_header_that_says_nothing_of_formats_is_answered_in_json() -> None:
    assert accepted("") is accepted("*/*") is accepted("text/html") is None
