"""Shared memory of the Open Inference Protocol: files that are not what they should be."""

import os
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from service.budget import Budget, Reservation
from service.problems import TemporaryReducedCapacity
from service.request_record import Record
from service.uploads.bodies.body import BINARY_FACTOR, Arrived, Body
from service.uploads.shared_memory import MOST_REGIONS, Place, Span, read_spans
from tests.conftest import Client
from tests.service.pipeline.test_auth import METRICS, SECRET, line
from tests.service.problem import is_problem
from tests.service.server.test_lifecycle import start

pytestmark = pytest.mark.anyio
Z, Y = np.array([2.0, -1.0, 0.5], np.float32), np.array([1.0, 0.0, 1.0], np.float32)
ROOT = "/v2/systemsharedmemory"


async def test_it_is_off_unless_a_directory_is_named(client: Client) -> None:
    paths = {("GET", "status"), ("GET", "region/a/status"), ("POST", "region/a/register")}
    paths |= {("POST", "region/a/unregister"), ("POST", "unregister")}
    async with client() as http:
        answers = [await http.request(method, f"{ROOT}/{path}") for method, path in paths]
        infer = await http.post("/v2/models/mse/infer", json=asked("a", 16))
        server = (await http.get("/v2")).json()
        document = (await http.get("/openapi.json")).json()

    for answer in answers:
        assert "LOSSARY_SHARED_MEMORY" in is_problem(answer, 404)["error"]
    assert "LOSSARY_SHARED_MEMORY" in is_problem(infer, 422)["error"]
    assert server["extensions"] == ["binary_tensor_data"]
    assert not any(path.startswith(ROOT) for path in document["paths"])


async def test_it_is_documented_where_it_is_on(client: Client, tmp_path: Path) -> None:
    async with client(shared_memory=tmp_path) as http:
        document = (await http.get("/openapi.json")).json()

    paths = {path.removeprefix(ROOT): operations for path, operations in document["paths"].items() if ROOT in path}
    region = "/region/{name}"
    assert set(paths) == {"/status", "/unregister"} | {
        f"{region}/{end}" for end in ("status", "register", "unregister")
    }
    assert {"200", "404", "409", "422"} <= set(paths[f"{region}/register"]["post"]["responses"])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a directory with a file of two numbers, beside one that is no business of the service."""
    (tmp_path / "secret").write_bytes(bytes(64))
    within = tmp_path / "within"
    (within / "deeper").mkdir(parents=True)
    (within / "deeper" / "file").write_bytes(bytes(64))
    (within / "good").write_bytes(np.array([1.0, 2.0]).tobytes())
    (within / "link").symlink_to(tmp_path / "secret")
    (within / "near").symlink_to("good")
    (within / "hard").hardlink_to(tmp_path / "secret")
    os.mkfifo(within / "pipe")
    return within


async def registered(http: httpx.AsyncClient, key: object, size: object = 16, offset: object = 0) -> httpx.Response:
    return await http.post(f"{ROOT}/region/r/register", json={"key": key, "byte_size": size, "offset": offset})


KEYS = [
    "..",
    ".",
    "/",
    "",
    "//good",
    "../secret",
    "/../secret",
    "deeper/file",
    "/deeper/file",
    "deeper",
    "good/",
    "link",
]
KEYS += ["near", "hard", "pipe", "missing", "go\0od", "good\n", "g" * 201, "g" * 200, ".hidden", "%2e%2e%2fsecret"]


@pytest.mark.parametrize("key", KEYS)
async def test_only_a_regular_file_of_the_directory_itself_is_a_region(
    client: Client, directory: Path, key: str
) -> None:
    async with client(shared_memory=directory) as http:
        answer = await registered(http, key)
        listed = (await http.get(f"{ROOT}/status")).json()

    problem = is_problem(answer, 422)
    assert "secret" not in answer.text
    assert str(directory) not in answer.text
    assert problem["error"] == problem["detail"]
    assert listed == []


@pytest.mark.parametrize("key", ["good", "/good"])
async def test_a_key_is_a_name_with_or_without_the_slash_of_shm_open(client: Client, directory: Path, key: str) -> None:
    async with client(shared_memory=directory) as http:
        answer = await registered(http, key, 8, 8)
        listed = (await http.get(f"{ROOT}/region/r/status")).json()

    assert (answer.status_code, answer.content) == (200, b"")
    assert listed == [{"name": "r", "key": key, "offset": 8, "byte_size": 8}]


EXTENTS: list[tuple[object, object]] = [
    (17, 0),
    (16, 1),
    (8, 9),
    (0, 0),
    (-1, 0),
    (1, -1),
    (16, 2**48),
    (2**63, 0),
    (2**64, 2**64),
    (1.5, 0),
]
EXTENTS += [(True, 0), ("16", 0), (None, 0), (16, None), (2**48 - 1, 2**48 - 1)]


@pytest.mark.parametrize(("size", "offset"), EXTENTS)
async def test_a_region_lies_within_its_file(client: Client, directory: Path, size: object, offset: object) -> None:
    async with client(shared_memory=directory) as http:
        is_problem(await registered(http, "good", size, offset), 422)


@pytest.mark.parametrize("name", ["a b", "a%00", "%3Cscript%3E", "x" * 101, "ä"])
async def test_a_name_that_could_not_be_shown_is_refused(client: Client, directory: Path, name: str) -> None:
    async with client(shared_memory=directory) as http:
        answer = await http.post(f"{ROOT}/region/{name}/register", json={"key": "good", "byte_size": 16})

    assert "script" not in is_problem(answer, 422)["detail"]


def asked(region: object, size: object, offset: object = 0, **more: object) -> dict[str, Any]:
    place = {"shared_memory_region": region, "shared_memory_byte_size": size, "shared_memory_offset": offset}
    predictions = {"name": "predictions", "shape": [2], "datatype": "FP64", "parameters": place, **more}
    return {"inputs": [predictions, {"name": "targets", "shape": [2], "datatype": "FP64", "data": [1.5, 0.0]}]}


UNPLACED = [
    ("an unknown region", asked("other", 16), 404, "No region of that name"),
    ("a name in numbers", asked(3, 16), 422, "/inputs/0/parameters/shared_memory_region"),
    ("fewer bytes than its shape", asked("r", 8), 422, "shared_memory_byte_size=16"),
    ("more bytes than its shape", asked("r", 16, datatype="FP32"), 422, "shared_memory_byte_size=8"),
    ("beyond the region", asked("r", 16, 1), 422, "reach to 17"),
    ("far beyond it", asked("r", 16, 2**48 - 1), 422, "reach to"),
    ("further than can be", asked("r", 16, 2**63), 422, "shared_memory_offset"),
    ("before it", asked("r", 16, -1), 422, "shared_memory_offset"),
    ("of negative size", asked("r", -16), 422, "shared_memory_byte_size"),
    ("of fractional size", asked("r", 16.0), 422, "shared_memory_byte_size"),
    ("of many numbers", asked("r", 16, shape=[2**40, 2**40]), 422, "shared_memory_byte_size"),
    ("of text", asked("r", 16, datatype="BYTES"), 422, "datatype"),
    ("numbers as well", asked("r", 16, data=[1, 2]), 422, "no data"),
]


@pytest.mark.parametrize(("body", "status", "says"), [row[1:] for row in UNPLACED], ids=[row[0] for row in UNPLACED])
async def test_an_input_that_does_not_lie_where_it_says_is_refused(
    client: Client, directory: Path, body: dict[str, Any], status: int, says: str
) -> None:
    async with client(shared_memory=directory) as http:
        await registered(http, "good")
        answer = await http.post("/v2/models/mse/infer", json=body)
        good = await http.post("/v2/models/mse/infer", json=asked("r", 16))

    problem = is_problem(answer, status)
    assert says in problem["error"]
    assert good.json()["outputs"][0]["data"] == [(0.25 + 4) / 2]


async def test_a_role_sent_twice_is_refused_wherever_it_lies(client: Client, directory: Path) -> None:
    lying, listed = asked("r", 16)["inputs"]
    again = {**listed, "name": "predictions", "shape": [3], "data": [1, 2, 3]}
    async with client(shared_memory=directory) as http:
        await registered(http, "good")
        for inputs in ([again, lying, listed], [lying, again, listed]):
            answer = await http.post("/v2/models/mse/infer", json={"inputs": inputs})

            assert "called predictions; each role is sent once" in is_problem(answer, 422)["error"]


@pytest.mark.parametrize("left_out", ["shared_memory_region", "shared_memory_byte_size"])
async def test_a_place_half_said_is_refused(client: Client, directory: Path, left_out: str) -> None:
    body = asked("r", 16)
    del body["inputs"][0]["parameters"][left_out]

    async with client(shared_memory=directory) as http:
        await registered(http, "good")
        answer = await http.post("/v2/models/mse/infer", json=body)

    assert left_out in is_problem(answer, 422)["error"]


@pytest.mark.parametrize(
    ("name", "size", "offset", "status"),
    [("value", 7, 0, 422), ("value", 8, 9, 422), ("value", 8, -1, 422), ("values", 16, 8, 422), ("x", 8, 0, 422)],
)
async def test_an_output_without_room_is_refused_and_nothing_is_written(
    client: Client, directory: Path, name: str, size: int, offset: int, status: int
) -> None:
    place = {"shared_memory_region": "r", "shared_memory_byte_size": size, "shared_memory_offset": offset}
    outputs = [{"name": name, "parameters": place}]
    before = (directory / "good").read_bytes()

    async with client(shared_memory=directory) as http:
        await registered(http, "good")
        answer = await http.post("/v2/models/mse/infer", json={**asked("r", 16), "outputs": outputs})

    is_problem(answer, status)
    assert (directory / "good").read_bytes() == before


async def test_a_file_that_became_a_link_is_not_followed(client: Client, directory: Path) -> None:
    place = {"shared_memory_region": "r", "shared_memory_byte_size": 8}
    elsewhere = [{"name": role, "shape": [1], "datatype": "FP64", "data": [1]} for role in ("predictions", "targets")]
    async with client(shared_memory=directory) as http:
        await registered(http, "good")
        (directory / "good").unlink()
        (directory / "good").symlink_to(directory.parent / "secret")
        reading = await http.post("/v2/models/mse/infer", json=asked("r", 16))
        outputs = [{"name": "value", "parameters": place}]
        writing = await http.post("/v2/models/mse/infer", json={"inputs": elsewhere, "outputs": outputs})

    for answer in (reading, writing):
        assert "no regular file" in is_problem(answer, 422)["error"]
    assert (directory.parent / "secret").read_bytes() == bytes(64)


async def test_so_many_regions_and_no_more(client: Client, directory: Path) -> None:
    async with client(shared_memory=directory) as http:
        for number in range(MOST_REGIONS):
            body = {"key": "good", "byte_size": 16}
            assert (await http.post(f"{ROOT}/region/r{number}/register", json=body)).is_success
        full = await registered(http, "good")
        await http.post(f"{ROOT}/region/r0/unregister")
        after = await registered(http, "good")

    assert is_problem(full, 422)["limit"] == MOST_REGIONS
    assert after.is_success


async def test_a_name_is_given_once(client: Client, directory: Path) -> None:
    async with client(shared_memory=directory) as http:
        await registered(http, "good")
        again = await registered(http, "good", 8)
        (region,) = (await http.get(f"{ROOT}/status")).json()

    assert is_problem(again, 409)["type"] == "urn:lossary:region-exists"
    assert region["byte_size"] == 16


async def test_memory_is_reserved_before_a_byte_is_read(directory: Path) -> None:
    spans = {
        position: Span(Place(shared_memory_region="r", shared_memory_byte_size=size), directory / "missing", 0)
        for position, size in enumerate((1 << 30, 5))
    }

    budget = Budget(1 << 40, most_waiting=0, patience_s=1)
    budget.take((1 << 40) - BINARY_FACTOR * ((1 << 30) + 5) + 1)
    body = Body(
        Arrived(bytearray()),
        length=0,
        factor=BINARY_FACTOR,
        longest=0,
        longest_unpacked=0,
        reservation=Reservation(budget, 1, Record("")),
        record=Record(""),
    )

    with pytest.raises(TemporaryReducedCapacity):
        await read_spans(spans, 1 << 31, body)


async def test_what_was_read_is_given_back_and_no_more_numbers_than_allowed(client: Client, directory: Path) -> None:
    large = np.ones(1 << 17)
    (directory / "large").write_bytes(large.tobytes())
    body = asked("r", large.nbytes, shape=[len(large)])
    body["inputs"][1] = {**body["inputs"][0], "name": "targets"}

    async with client(shared_memory=directory, max_elements=2 * len(large)) as http:
        await registered(http, "large", large.nbytes)
        good = await http.post("/v2/models/mse/infer", json=body)
        used = (await http.get("/metrics")).text
    async with client(shared_memory=directory, max_elements=2 * len(large) - 1) as http:
        await registered(http, "large", large.nbytes)
        many = await http.post("/v2/models/mse/infer", json=body)

    assert good.json()["outputs"][0]["data"] == [0.0]
    assert "\nlossary_reserved_bytes 0.0" in used  # given back
    assert is_problem(many, 413)["limit_name"] == "max_elements"


@pytest.mark.parametrize(("method", "path"), [("GET", "status"), ("POST", "unregister"), ("POST", "region/r/register")])
async def test_it_takes_a_key_that_may_evaluate(client: Client, directory: Path, method: str, path: str) -> None:
    keys = directory.parent / "keys.toml"
    keys.write_text(line("all", SECRET) + line("prometheus", METRICS, 'scopes = ["metrics"]'))
    body = {"key": "good", "byte_size": 16} if path.endswith("/register") else None
    async with client(shared_memory=directory, keys=keys) as http:
        wrong = await http.request(method, f"{ROOT}/{path}", json=body, headers={"x-api-key": METRICS})
        right = await http.request(method, f"{ROOT}/{path}", json=body, headers={"x-api-key": SECRET})

    assert is_problem(wrong, 403)["scope"] == "evaluate"
    assert right.is_success


@pytest.mark.parametrize(
    ("flags", "directory_named", "says"),
    [((), "/nowhere", "there is no such directory"), (("--workers", "2"), "/", "set LOSSARY_WORKERS=1")],
)
def test_a_directory_that_cannot_be_served_from_is_said_in_one_line(
    flags: tuple[str, ...], directory_named: str, says: str
) -> None:
    done = start("--port", "0", *flags, LOSSARY_SHARED_MEMORY=directory_named)

    assert done.returncode == 3
    assert done.stderr.startswith("LOSSARY_SHARED_MEMORY: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


SHORTER = Path("/sys/kernel/uevent_seqnum")  # says that it has 4,096 bytes, holds a few, and takes none


@pytest.mark.skipif(not SHORTER.exists(), reason="no Linux kernel shows its state here")
async def test_a_file_that_holds_less_than_it_says_or_may_not_be_written_is_refused(client: Client) -> None:
    place = {"shared_memory_region": "r", "shared_memory_byte_size": 8}
    inputs = [{"name": role, "shape": [1], "datatype": "FP64", "data": [1]} for role in ("predictions", "targets")]
    async with client(shared_memory=SHORTER.parent) as http:
        await registered(http, SHORTER.name, 4096)
        reading = await http.post("/v2/models/mse/infer", json=asked("r", 4096, shape=[512]))
        outputs = [{"name": "value", "parameters": place}]
        writing = await http.post("/v2/models/mse/infer", json={"inputs": inputs, "outputs": outputs})

    assert is_problem(reading, 422)["expected"] == 4096
    assert "no regular file" in is_problem(writing, 422)["error"]
