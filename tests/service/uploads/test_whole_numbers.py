"""Whole numbers in JSON: exact, or refused; two ids never become one."""

import json

import httpx
import pytest

from service.uploads.contents import SHORT_JSON
from tests.conftest import Client

pytestmark = pytest.mark.anyio
EMBEDDINGS = [[1, 0.2], [0, 1], [0.5, 1]]


def asked(labels: str, *, long: bool) -> bytes:
    """Return a request about three labels as they are written, short or long enough for the other way of reading."""
    padding = " " * (SHORT_JSON if long else 0)
    return f'{{"loss": "supcon", "predictions": {json.dumps(EMBEDDINGS)}, "targets": {labels}{padding}}}'.encode()


async def evaluated(client: Client, labels: str, *, long: bool) -> httpx.Response:
    async with client() as http:
        content = asked(labels, long=long)
        return await http.post("/v1/evaluate", content=content, headers={"content-type": "application/json"})


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(
    "labels",
    [
        "[9007199254740992, 9007199254740993, 1.0]",
        "[1.0, 9007199254740992, 9007199254740993]",
        "[18446744073709551616, 18446744073709551617, 1]",
        "[-9223372036854775809, -9223372036854775810, 1]",
        "[-9223372036854775809, -9223372036854775810, 1.0]",
        "[9223372036854775808, 9223372036854775809, 1]",
        "[100000000000000000000000000000000000000001, 1, 2]",
    ],
)
async def test_whole_numbers_that_would_be_rounded_are_refused(client: Client, labels: str, long: bool) -> None:  # noqa: FBT001 - a parameter of the test
    answer = await evaluated(client, labels, long=long)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "2^63" in answer.json()["detail"]


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(
    "labels",
    [
        "[1e19, 2e19, 3e19]",
        "[18446744073709551616, 36893488147419103232, 1]",
        "[9007199254740992, 9007199254740994, 1.0]",
        "[9007199254740992, 9007199254740993, 1]",
        "[9223372036854775807, 9223372036854775806, -9223372036854775808]",
    ],
)
async def test_whole_numbers_that_are_exact_are_told_apart(client: Client, labels: str, long: bool) -> None:  # noqa: FBT001 - a parameter of the test
    answer = await evaluated(client, labels, long=long)

    assert answer.status_code == 200
    assert answer.json()["results"][0]["reason"] == "no item has another of its label"


@pytest.mark.parametrize("number", ["1e300", "0.12345678901234567890123456789", "100000000000000000000"])
async def test_amounts_may_have_any_number_of_digits(client: Client, number: str) -> None:
    body = f'{{"loss": "mae", "predictions": [{number}, 0.5], "targets": [0.0, 0.5]}}'

    async with client() as http:
        answer = await http.post("/v1/evaluate", content=body, headers={"content-type": "application/json"})

    assert answer.json()["results"][0]["value"] == pytest.approx(float(number) / 2, rel=1e-15)
