"""No request takes more memory than was reserved for it, whatever is asked in whatever format."""

import io
import sys
import time
from random import Random

import numpy as np
import pytest

from losses.contract.registry import catalogue
from tests.conftest import Client
from tests.service.problem import is_problem
from tests.service.processes import serving
from tests.service.resources import asking
from tests.service.resources.__main__ import memory_faults
from tests.service.resources.watching import Taken, watched

LIMITS = {"LOSSARY_COMPUTE_SECONDS": "2"}
REQUESTS, SEED = 100, 7
LONG_S = 60.0
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@on_linux
def test_random_requests_take_no_more_memory_than_was_reserved() -> None:
    random = Random(SEED)
    with serving(**LIMITS) as server, watched(server) as asked:
        taken = [asked.draw(random) for _ in range(REQUESTS)]

    assert memory_faults(taken) == []
    assert sum(each.status == 200 for each in taken) > REQUESTS / 3


@on_linux
@pytest.mark.long
def test_a_minute_of_them_takes_no_more_either() -> None:
    random, taken, end = Random(SEED), list[Taken](), time.monotonic() + LONG_S
    with serving(**LIMITS) as server, watched(server) as asked:
        while time.monotonic() < end:
            taken.append(asked.draw(random))

    assert memory_faults(taken) == []


def test_every_loss_and_every_format_is_drawn() -> None:
    random, missing = Random(SEED), {way.split()[0] for way in asking.WAYS}
    for _ in range(2000):
        missing.discard(asking.draw(random, packed=0).what.split()[0])
        if not missing:
            break

    assert missing == set()
    assert all(loss.id in asking.draw(random, [loss], packed=0).what for loss in catalogue().values())


@pytest.mark.anyio
async def test_an_answer_that_takes_more_than_there_ever_is_is_refused(client: Client) -> None:
    buffer, zeros = io.BytesIO(), np.zeros(100_000, np.float32)
    np.savez_compressed(buffer, predictions=zeros, targets=zeros)
    query = "&".join(["gradient=full", *(f"loss={k}*mse" for k in range(1, 65))])
    headers = {"content-type": "application/x-npz", "accept": "application/x-npz"}

    async with client(max_reserved_bytes=64 << 20) as http:
        answer = await http.post(f"/v1/evaluate?{query}", content=buffer.getvalue(), headers=headers)
        fewer = await http.post("/v1/evaluate?loss=mse&gradient=full", content=buffer.getvalue(), headers=headers)

    assert is_problem(answer, 413)["limit_name"] == "max_reserved_bytes"
    assert fewer.is_success
