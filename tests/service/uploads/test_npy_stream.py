"""Two long arrays in one body: the second is reduced while it arrives, and the answer is what it would be of both."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from service.uploads.formats.npy_stream import SHORTEST
from tests.service.files import npy_body
from tests.service.processes import Server, resident, serving

NPY = {"content-type": "application/x-npy"}
MEGABYTE = 1 << 20
N = 10_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def ask(server: Server, body: bytes, query: str = "loss=mse") -> httpx.Response:
    return httpx.post(f"{server.url}/v1/evaluate?{query}", content=body, headers=NPY, timeout=60)


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    return draw.normal(size=N).astype(np.float32), draw.normal(size=N).astype(np.float32)


def test_it_takes_half_of_the_memory_that_the_arrays_take(server: Server, pair: tuple[np.ndarray, np.ndarray]) -> None:
    body = npy_body(*pair)
    assert len(body) > SHORTEST
    ask(server, npy_body(pair[0][:10], pair[1][:10]))
    before = resident(server.process.pid)

    answer = ask(server, body).json()
    growth = resident(server.process.pid) - before

    difference = pair[0].astype(np.float64) - pair[1]
    result = answer["results"][0]
    assert result["value"] == pytest.approx(np.square(difference).mean(), rel=1e-9)
    assert result["standard_error"] == pytest.approx(np.square(difference).std(ddof=1) / N**0.5, rel=1e-5)
    assert answer["items"] == result["kept"] == N
    assert growth < 0.5 * len(body) / MEGABYTE + 24  # two windows, and what is new to a thread


def test_several_losses_and_what_takes_two_passes(server: Server, pair: tuple[np.ndarray, np.ndarray]) -> None:
    once = ask(server, npy_body(*pair), "loss=mse&loss=mae").json()["results"]
    twice = ask(server, npy_body(*pair), "loss=mse&loss=mae&gradient=summary").json()["results"]

    for one, two in zip(once, twice, strict=True):
        assert one["value"] == pytest.approx(two["value"], rel=1e-12)
        assert two["gradient"]
        assert not one["gradient"]


def test_rows_of_classes_with_weights(server: Server) -> None:
    draw = np.random.default_rng(1)
    logits, ids = draw.normal(size=(1_000_000, 8)).astype(np.float32), draw.integers(0, 8, 1_000_000)
    weights = draw.random(1_000_000).astype(np.float32)

    body = npy_body(logits, ids, weights)
    result = ask(server, body, "loss=sparse_categorical_ce&roles=predictions,targets,weights").json()["results"][0]

    each = np.log(np.exp(logits.astype(np.float64)).sum(1)) - logits[np.arange(len(ids)), ids]
    assert result["value"] == pytest.approx((weights * each).sum() / weights.sum(dtype=np.float64), rel=1e-6)


@pytest.mark.parametrize("of", [">f4", "<u2"])
def test_what_is_not_plain_is_read_all_the_same(server: Server, pair: tuple[np.ndarray, np.ndarray], of: str) -> None:
    first, second = (np.abs(100 * array).astype(of) for array in pair)

    result = ask(server, npy_body(first, second.astype(np.float32))).json()["results"][0]

    assert result["value"] == pytest.approx(np.square(first.astype(np.float64) - second).mean(), rel=1e-6)


def wrong(case: str, first: np.ndarray, second: np.ndarray) -> tuple[str, bytes]:
    """Return a query, and a body that does not fit it."""
    holed = np.where(np.arange(N) == N - 2, np.float32(np.nan), second)
    cases = {
        "shorter": ("loss=mse", npy_body(first, second[:-1])),
        "bytes follow": ("loss=mse", npy_body(first, second) + b"x"),
        "a byte is missing": ("loss=mse", npy_body(first, second)[:-1]),
        "one array": ("loss=mse", npy_body(first)),
        "three arrays": ("loss=mse", npy_body(first, second, second[:1])),
        "not a number": ("loss=mse", npy_body(first, holed)),
        "an input too many": ("loss=mse&roles=predictions,targets,anchor", npy_body(first, second, second)),
        "no such loss": ("loss=no_such", npy_body(first, second)),
    }
    return cases[case]


def test_a_connection_is_as_good_after_a_body_that_was_refused_half_way(
    server: Server, pair: tuple[np.ndarray, np.ndarray]
) -> None:
    first = npy_body(pair[0])
    body = first + b"\x93NUMPY\x01\x00\x06\x00{'a':1" + bytes(len(first))

    with httpx.Client(base_url=server.url, timeout=60) as client:
        refused = client.post("/v1/evaluate?loss=mse", content=body, headers=NPY)
        again = client.post("/v1/evaluate?loss=mse", content=npy_body(*pair), headers=NPY)

    assert refused.status_code == 422
    assert again.json()["results"][0]["kept"] == N


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("shorter", "targets"),
        ("bytes follow", "no .npy file"),
        ("a byte is missing", "39999999 bytes follow"),
        ("one array", "targets"),
        ("three arrays", "roles="),
        ("not a number", str(N - 2)),
        ("an input too many", "anchor"),
        ("no such loss", "/v1/losses"),
    ],
)
def test_what_is_wrong_is_refused_as_ever(
    server: Server, pair: tuple[np.ndarray, np.ndarray], case: str, says: str
) -> None:
    query, body = wrong(case, *pair)

    answer = ask(server, body, query)

    assert answer.status_code in (415, 422), answer.text
    assert says in answer.text
    assert ask(server, npy_body(pair[0][:10], pair[1][:10])).is_success
