"""Every limit is a setting or is named at /v1/limits, and refuses with a problem that says which one it was."""

import io
import itertools
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from losses.evaluation.layout import CHUNK_ELEMENTS
from service.compute import Runtime
from service.compute.limits import deadline
from service.problems import ComputeDeadline
from service.settings import Settings, memory_limit
from tests.conftest import Client
from tests.service.faults.test_refusals import GOOD
from tests.service.files import npy_body
from tests.service.problem import is_problem

pytestmark = pytest.mark.anyio
EVALUATE = "/v1/evaluate?loss=mse"
NPY, NPZ = {"content-type": "application/x-npy"}, {"content-type": "application/x-npz"}


def arrays(numbers: int) -> bytes:
    return npy_body(*2 * [np.ones(numbers, np.float32)])


def deflated(numbers: int) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, predictions=np.ones(numbers), targets=np.ones(numbers))
    return buffer.getvalue()


REFUSED = [
    ({"max_body_bytes": 1000}, arrays(1000), NPY, "max_body_bytes"),
    ({"max_decoded_bytes": 100_000}, deflated(10_000), NPZ, "max_decoded_bytes"),
    ({"max_body_bytes": 100_000}, deflated(10_000), NPZ, "max_decoded_bytes"),
    ({"max_elements": 1999}, arrays(1000), NPY, "max_elements"),
    ({"max_elements": 3}, json.dumps(GOOD).encode(), {"content-type": "application/json"}, "max_elements"),
    ({"max_json_bytes": 50}, json.dumps(GOOD).encode(), {"content-type": "application/json"}, "max_json_bytes"),
]


@pytest.mark.parametrize(("settings", "body", "headers", "name"), REFUSED)
async def test_what_is_over_a_limit_is_refused_by_its_name(
    client: Client, settings: dict[str, int], body: bytes, headers: dict[str, str], name: str
) -> None:
    async with client(**settings) as http:
        answer = await http.post(EVALUATE, content=body, headers=headers)

    problem = is_problem(answer, 413)
    assert (problem["limit_name"], problem["limit"]) == (name, next(iter(settings.values())))


async def test_what_is_just_within_its_limits_is_answered(client: Client) -> None:
    async with client(max_elements=2000, max_body_bytes=len(arrays(1000))) as http:
        answer = await http.post(EVALUATE, content=arrays(1000), headers=NPY)

    assert answer.is_success


@pytest.mark.parametrize(("levels", "status"), [(98, 422), (99, 422), (100, 400), (500, 400), (100_000, 400)])
async def test_json_is_a_hundred_levels_deep_at_most(client: Client, levels: int, status: int) -> None:
    body = '{"loss": ' + "[" * levels + "]" * levels + "}"

    async with client() as http:
        answer = await http.post("/v1/evaluate", content=body, headers={"content-type": "application/json"})

    problem = is_problem(answer, status)
    assert problem.get("limit") == (100 if status == 400 else None)


async def test_many_rows_are_not_deep(client: Client) -> None:
    rows = [[1.0, 2.0]] * 5000

    async with client() as http:
        answer = await http.post("/v1/evaluate", json={"loss": "mse", "predictions": rows, "targets": rows})

    assert answer.is_success


def counting() -> Callable[[Settings], Runtime]:
    """Return what makes a runtime for which a second passes whenever it looks at its clock."""
    return partial(Runtime, clock=itertools.count().__next__)


async def test_what_takes_too_long_is_stopped_between_chunks(client: Client) -> None:
    async with client(counting(), compute_seconds=3) as http:
        slow = await http.post("/v1/evaluate?loss=mse", content=arrays(CHUNK_ELEMENTS * 4), headers=NPY)
        quick = await http.post(EVALUATE, content=arrays(10), headers=NPY)

    problem = is_problem(slow, 504)
    assert (problem["type"], problem["limit_name"]) == ("urn:lossary:compute-deadline", "compute_seconds")
    assert quick.is_success


@pytest.mark.parametrize("path", ["/v1/profile?task=regression", "/v1/advise?task=regression"])
async def test_measuring_that_takes_too_long_is_stopped_too(client: Client, path: str) -> None:
    async with client(counting(), compute_seconds=1) as http:
        slow = await http.post(path, content=arrays(1_000_000), headers=NPY)
        documented = (await http.get("/openapi.json")).json()["paths"][path.partition("?")[0]]["post"]["responses"]

    assert is_problem(slow, 504)["type"] == "urn:lossary:compute-deadline"
    assert "504" in documented


def test_a_deadline_lets_pass_until_it_is_over() -> None:
    patient, over = deadline(60), deadline(0)

    patient(1.0)
    with pytest.raises(ComputeDeadline):
        over(0.0)
    with pytest.raises(ComputeDeadline):
        patient(61.0)


async def test_all_limits_stand_at_one_place(client: Client) -> None:
    async with client(max_elements=7, max_reserved_bytes=1 << 30) as http:
        listed = {row["name"]: row for row in (await http.get("/v1/limits")).json()["limits"]}

    named = {name for name in Settings.model_fields if name.startswith("max_") or name.endswith("_seconds")}
    assert named <= set(listed)
    assert {"json_levels", "parts", "npz_members"} <= set(listed)
    assert (listed["max_elements"]["value"], listed["max_elements"]["variable"]) == (7, "LOSSARY_MAX_ELEMENTS")
    assert all(row["meaning"].endswith(".") and row["value"] >= 0 for row in listed.values())


async def test_every_refusal_around_a_route_is_in_the_document_of_every_operation_that_meets_it(client: Client) -> None:
    async with client() as http:
        document = (await http.get("/openapi.json")).json()

    operations = [
        (path, operation) for path, operations in document["paths"].items() for operation in operations.values()
    ]
    for path, operation in operations:
        assert "503" in operation["responses"] or "requestBody" not in operation, path
        assert "401" not in operation["responses"]
    assert "504" in document["paths"]["/v1/evaluate"]["post"]["responses"]


def test_memory_is_that_of_the_container_or_the_machine(tmp_path: Path) -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    assert memory_limit(tmp_path) == machine
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_limit(tmp_path) == machine
    (tmp_path / "memory.max").write_text(f"{1 << 27}\n")
    assert memory_limit(tmp_path) == 1 << 27


def test_workers_share_half_of_the_memory() -> None:
    assert Settings(workers=4).max_reserved_bytes == memory_limit() // 8


@pytest.mark.parametrize("name", ["max_elements", "max_waiting", "queue_seconds", "compute_seconds", "workers"])
def test_a_limit_below_zero_is_no_setting(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate({name: -1})
