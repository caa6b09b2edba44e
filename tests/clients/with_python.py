"""requests and httpx: forms with fields, JSON, bodies of arrays, bodies in chunks."""

import asyncio
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests

from tests.clients.running import MSE, Say

LIBRARIES = {"requests": requests.post, "httpx": httpx.post}
every_library = pytest.mark.parametrize("post", LIBRARIES.values(), ids=LIBRARIES)


def value(answer: Any) -> float:  # noqa: ANN401 - of either library
    assert answer.status_code == 200, answer.text
    return float(answer.json()["results"][0]["value"])


@every_library
def test_a_form_with_fields(url: str, files: Path, say: Say, post: Any) -> None:  # noqa: ANN401 - as above
    with (files / "z.npy").open("rb") as z, (files / "y.npy").open("rb") as y:
        answer = post(
            f"{url}/v1/evaluate",
            data={"loss": ["mse", "mae"], "reduction": "sum"},
            files={"predictions": z, "targets": y},
        )
    say(f"{[(each['loss'], each['value']) for each in answer.json()['results']]}")

    assert value(answer) == pytest.approx(3 * MSE)
    assert len(answer.json()["results"]) == 2


@every_library
def test_json(url: str, say: Say, post: Any) -> None:  # noqa: ANN401 - as above
    answer = post(f"{url}/v1/evaluate", json={"loss": "mse", "predictions": [1, 2], "targets": [0, 0]})
    say(f"value {value(answer)}")

    assert value(answer) == 2.5


@every_library
def test_a_body_of_arrays_in_chunks(url: str, files: Path, say: Say, post: Any) -> None:  # noqa: ANN401 - as above
    content = (files / "both.npy").read_bytes()

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(content), 50):
            yield content[start : start + 50]

    sent = {"data": chunks()} if post is requests.post else {"content": chunks()}
    answer = post(f"{url}/v1/evaluate?loss=mse", headers={"Content-Type": "application/x-npy"}, **sent)
    say(f"value {value(answer)}")

    assert value(answer) == pytest.approx(MSE)


@every_library
def test_a_body_that_was_compressed(url: str, files: Path, say: Say, post: Any) -> None:  # noqa: ANN401 - as above
    content = gzip.compress((files / "big.json").read_bytes())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    sent = {"data": content} if post is requests.post else {"content": content}
    answer = post(f"{url}/v1/evaluate", headers=headers, **sent)
    say(f"{len(content)} bytes, value {value(answer)}")

    assert value(answer) == 1.0


@every_library
def test_a_form_without_files_is_told_what_to_send(url: str, say: Say, post: Any) -> None:  # noqa: ANN401 - as above
    answer = post(f"{url}/v1/evaluate", data={"loss": "mse"})
    say(f"{answer.status_code} {answer.json()['detail'][-60:]}")

    assert answer.status_code == 415
    assert "json=" in answer.json()["detail"]


def test_a_session_of_requests_keeps_its_connection(url: str, say: Say) -> None:
    with requests.Session() as session:
        values = [
            value(session.post(f"{url}/v1/evaluate", json={"loss": "mae", "predictions": [n], "targets": [0]}))
            for n in range(50)
        ]
        adapter = session.get_adapter(url)
        assert isinstance(adapter, requests.adapters.HTTPAdapter)
        pools = adapter.poolmanager.pools
        connections = sum(pools[key].num_connections for key in pools.keys())  # noqa: SIM118 - no mapping
    say(f"50 answers over {connections} connection")

    assert values == [float(n) for n in range(50)]
    assert connections == 1


def test_httpx_in_asyncio_sends_many_at_once(url: str, say: Say) -> None:
    async def values() -> list[float]:
        async with httpx.AsyncClient(base_url=url) as http:
            asked = [
                http.post("/v1/evaluate", json={"loss": "mae", "predictions": [n], "targets": [0]}) for n in range(20)
            ]
            return [value(answer) for answer in await asyncio.gather(*asked)]

    answered = asyncio.run(values())
    say(f"{len(answered)} answers")

    assert answered == [float(n) for n in range(20)]
