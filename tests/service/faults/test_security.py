"""Cases of the fault catalogue about keys, abuse, and what an answer gives away."""

import hashlib
import hmac
import inspect
import json
import random
import re
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from starlette.types import Scope
from torch import Tensor

from losses.contract.expression import Objective
from losses.evaluation.evaluate import evaluate
from losses.evaluation.result import Evaluation
from service.compute import Runtime
from service.pipeline.auth import Key, Keys
from service.problems import QuotaExceeded, Unauthorized
from tests.conftest import Client
from tests.service.faults.fault import EVALUATE, OK
from tests.service.problem import is_problem
from tests.service.processes import ROOT, serving
from tests.service.sockets import exchange, statuses

SECRET = "lossary_" + "k" * 43
NULL_KEY = b"GET /v1/losses HTTP/1.1\r\nHost: x\r\nX-API-Key: a\0b\r\n\r\n"
LONG_KEY = b"GET /v1/losses HTTP/1.1\r\nHost: x\r\nX-API-Key: " + b"k" * (1 << 20) + b"\r\n\r\n"


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def test_a_key_counts_in_its_headers_only_and_never_reaches_the_log(tmp_path: Path) -> None:  # K01, K03
    file = tmp_path / "keys.toml"
    file.write_text(f'[[key]]\nname = "one"\nsha256 = "{hashed(SECRET)}"\n')
    wrong = SECRET[:-1] + "x"
    with (
        serving(LOSSARY_KEYS=str(file), LOSSARY_LOG_LEVEL="debug") as server,
        httpx.Client(base_url=server.url) as http,
    ):
        refused = [
            http.get("/v1/losses", params={"api_key": SECRET, "access_token": SECRET, "key": SECRET}),
            http.get("/v1/losses", headers={"x-api-key": wrong}),
            http.get("/v1/losses", headers={"authorization": f"Token {SECRET}"}),
            http.get("/v1/losses", headers={"cookie": f"x-api-key={SECRET}"}),
        ]
        let_in = http.get("/v1/losses", headers={"authorization": f"Bearer {SECRET}"})
        of_null, of_a_megabyte = statuses(exchange(server, NULL_KEY)), statuses(exchange(server, LONG_KEY))
        log = Path(server.log).read_text()

    for answer in refused:
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert let_in.is_success
    assert (of_null, of_a_megabyte) == ([400], [431])  # HTTP allows no zero byte, and our heads have a bound
    assert SECRET not in log
    assert wrong not in log


def asked_with(secret: str) -> Scope:
    headers = [(b"x-api-key", secret.encode())]
    return {"type": "http", "method": "GET", "path": "/v1/losses", "headers": headers}


@pytest.mark.parametrize("shared", [0, 1, 8, 40, len(SECRET) - 1, len(SECRET)])
def test_how_much_a_key_is_compared_says_nothing_of_how_near_it_is(shared: int) -> None:  # K02
    compared: list[tuple[bytes, bytes]] = []

    def same(kept: bytes, presented: bytes) -> bool:
        compared.append((kept, presented))
        return hmac.compare_digest(kept, presented)

    hashes = [hashed(secret) for secret in (SECRET, "lossary_other", "lossary_third")]
    keys = Keys([Key(name=f"key-{place}", sha256=each) for place, each in enumerate(hashes)], same=same)

    with suppress(Unauthorized):
        keys.admit(asked_with(SECRET[:shared].ljust(len(SECRET), "-")), "any key")

    assert [kept for kept, _ in compared] == [bytes.fromhex(each) for each in hashes]  # each of them, once
    assert {len(presented) for _, presented in compared} == {32}  # the hash, which tells no part of a key


def test_hashes_are_compared_in_constant_time() -> None:  # K02
    assert inspect.signature(Keys).parameters["same"].default is hmac.compare_digest


def test_a_key_beyond_its_rate_is_let_in_again_at_the_moment_it_was_told() -> None:  # K13
    now = 0.0
    keys = Keys([Key(name="one", sha256=hashed(SECRET), rate=30)], clock=lambda: now)

    for _ in range(30):
        keys.admit(asked_with(SECRET), "any key")
    for _ in range(30):
        with pytest.raises(QuotaExceeded) as refused:
            keys.admit(asked_with(SECRET), "any key")
    now += float(refused.value.headers["Retry-After"])

    assert keys.admit(asked_with(SECRET), "any key")["RateLimit"].startswith('"default";r=0')


@pytest.mark.anyio
@pytest.mark.parametrize(
    "ranges",
    [",".join(f"{2 * i}-{2 * i}" for i in range(10_000)), ",".join(["0-"] * 10_000), ",".join(["-1"] * 10_000)],
    ids=["apart", "overlapping", "from the end"],
)
async def test_ten_thousand_ranges_of_a_file_cost_no_more_than_the_file(client: Client, ranges: str) -> None:  # K08
    async with client() as http:
        path = "/docs/assets/swagger-ui.css"
        whole = await http.get(path)
        worked = time.process_time()
        answer = await http.get(path, headers={"range": f"bytes={ranges}"})
        worked = time.process_time() - worked

    assert answer.status_code in (200, 416)
    assert len(answer.content) <= len(whole.content)
    assert worked < 2  # it is 0.05; all ranges against all are 100 million


@pytest.mark.anyio
async def test_no_other_origin_is_let_in_with_the_credentials_of_a_reader(client: Client) -> None:  # K10
    origin = {"origin": "https://elsewhere.example", "cookie": "a=b", "authorization": "Bearer x"}
    preflight = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}

    async with client() as http:
        answers = [
            await http.get("/v1/losses", headers=origin),
            await http.post(EVALUATE, json=OK, headers=origin),
            await http.options(EVALUATE, headers=preflight),
        ]

    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control-")]


def broken(objective: Objective, inputs: Mapping[str, Tensor], **options: Any) -> Evaluation:  # noqa: ANN401 - what evaluate takes
    """Raise what shows a path and all numbers, as a bug in a loss might; other losses are evaluated."""
    if str(objective) == "mae":
        raise LookupError(f"/secret/path {[tensor.tolist() for tensor in inputs.values()]}")
    return evaluate(objective, inputs, **options)


@pytest.mark.anyio
@pytest.mark.parametrize("numbers", [2, 50_000], ids=["on the event loop", "in a thread"])
async def test_a_loss_that_breaks_gives_nothing_away_and_breaks_nothing_else(
    client: Client, numbers: int
) -> None:  # K12
    body = {"loss": "mae", "predictions": [1234.5] * numbers, "targets": [1.0] * numbers}

    async with client(partial(Runtime, evaluate=broken)) as http:
        answer = await http.post(EVALUATE, json=body)
        v2 = [{"name": name, "datatype": "FP64", "shape": [1], "data": [1]} for name in ("predictions", "targets")]
        infer = await http.post("/v2/models/mae/infer", json={"inputs": v2})
        after = await http.post(EVALUATE, json=OK)

    for response in (answer, infer):
        problem = is_problem(response, 500)
        assert problem["type"] == "urn:lossary:internal"
        assert problem["instance"].endswith(response.headers["x-request-id"])
        assert not re.search(r"LookupError|secret|1234|\.py|Traceback", response.text)
        assert set(problem) <= {"type", "title", "status", "detail", "instance", "error"}
    assert after.json()["results"][0]["value"] == 2.125


@pytest.mark.anyio
@pytest.mark.parametrize("query", ["?url=https://elsewhere.example/x.json", "?configUrl=https://elsewhere.example/c"])
async def test_the_docs_page_loads_no_description_named_in_its_address(client: Client, query: str) -> None:  # K14
    async with client() as http:
        plain, asked = await http.get("/docs"), await http.get(f"/docs{query}")

    assert asked.content == plain.content
    assert "queryConfigEnabled" not in plain.text  # Swagger UI leaves it off since 4.1.3
    assert "configUrl" not in plain.text


FLOORS = {"starlette": "1.6", "python-multipart": "0.0.31", "h11": "0.16"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def required() -> dict[str, str]:
    """Return the least version that each dependency of the service is asked for."""
    floors = {}
    for text in PROJECT["dependencies"]:
        requirement = Requirement(text)
        floors[requirement.name] = next(spec.version for spec in requirement.specifier if spec.operator == ">=")
    return floors


def pinned() -> dict[str, str]:
    """Return the versions that the image and the tests run on."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.partition("#")[0].partition(";")[0].strip().partition("==") for line in lines)
    return {canonicalize_name(name): version for name, operator, version in pairs if operator}


@pytest.mark.parametrize("versions", [required, pinned], ids=["required", "pinned"])
def test_no_dependency_is_older_than_the_repair_of_a_hole(versions: Callable[[], dict[str, str]]) -> None:  # K15
    installed = versions()

    for name, floor in FLOORS.items():
        assert Version(installed[name]) >= Version(floor), name


def test_every_pin_is_what_the_project_asks_for() -> None:  # K15
    pins = pinned()

    for text in PROJECT["dependencies"]:
        requirement = Requirement(text)
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, text


@pytest.mark.anyio
async def test_metrics_hold_no_name_that_a_client_made(client: Client) -> None:  # K05, L14
    draw = random.Random(14)
    words = ["".join(draw.choices("abcdefghij_", k=12)) for _ in range(400)]

    async with client() as http:
        await http.get("/v1/losses/mse")
        await http.get("/nowhere")
        await http.get("/v1/losses/nothing")
        before = (await http.get("/metrics")).text
        for word in words:
            await http.get(f"/v1/losses/{word}")
            await http.get(f"/{word}")
        after = (await http.get("/metrics")).text

    assert not [word for word in words if word in after]
    assert len(after.splitlines()) - len(before.splitlines()) <= 80  # the buckets of a route not seen before
    assert json.dumps(OK["predictions"]) not in after
