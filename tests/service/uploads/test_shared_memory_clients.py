"""Shared memory of the Open Inference Protocol, as an existing client sends it and cuts it short."""

import itertools
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import shared_memory as shm

from tests.service.processes import Server, serving
from tests.service.uploads.test_shared_memory import Y, Z


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(LOSSARY_SHARED_MEMORY="/dev/shm", LOSSARY_MAX_BODY_BYTES=str(64 << 20)) as running:  # noqa: S108 - shared memory
        yield running


@pytest.fixture
def existing(server: Server) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        yield client
        client.unregister_system_shared_memory()


@contextmanager
def shared_region(client: triton.InferenceServerClient, name: str, *arrays: np.ndarray, size: int = 0) -> Iterator[Any]:
    """Hold a region of the client's own making, registered, with these arrays in it."""
    key, size = f"/lossary_{uuid.uuid4().hex}", size or sum(array.nbytes for array in arrays)
    handle = shm.create_shared_memory_region(name, key, size, create_only=True)
    try:
        shm.set_shared_memory_region(handle, arrays)
        client.register_system_shared_memory(name, key, size)
        yield handle
    finally:
        shm.destroy_shared_memory_region(handle)


def lying(name: str, array: np.ndarray, region: str, offset: int = 0) -> triton.InferInput:
    datatype = {"float32": "FP32", "float64": "FP64"}[array.dtype.name]
    return triton.InferInput(name, list(array.shape), datatype).set_shared_memory(region, array.nbytes, offset)


def test_the_client_sends_inputs_and_takes_outputs_in_shared_memory(existing: triton.InferenceServerClient) -> None:
    values = triton.InferRequestedOutput("values")
    values.set_shared_memory("outputs", 64, offset=16)
    with shared_region(existing, "inputs", Z, Y), shared_region(existing, "outputs", size=80) as outputs:
        answer = existing.infer(
            "mse",
            [lying("predictions", Z, "inputs"), lying("targets", Y, "inputs", Z.nbytes)],
            outputs=[values, triton.InferRequestedOutput("value")],
            parameters={"reduction": "none"},
        )
        written = shm.get_contents_as_numpy(outputs, np.float32, [5], offset=12).tolist()

    place = {"shared_memory_region": "outputs", "shared_memory_offset": 16, "shared_memory_byte_size": 12}
    assert answer.get_output("values") == {
        "name": "values",
        "datatype": "FP32",
        "shape": [3],
        "parameters": place,
    }
    assert written == [0.0, *((Z - Y) ** 2).tolist(), 0.0]
    assert np.isnan(answer.as_numpy("value")).all()  # beside it, in the body: with reduction none there is no value


def test_long_inputs_and_outputs_go_through_shared_memory(existing: triton.InferenceServerClient) -> None:
    numbers = np.random.default_rng(0).normal(size=(2, 1_000_000)).astype(np.float32)
    gradients = triton.InferRequestedOutput("gradients.predictions")
    gradients.set_shared_memory("gradients", numbers[0].nbytes)
    inputs = [lying("predictions", numbers[0], "long"), lying("targets", numbers[1], "long", numbers[0].nbytes)]
    with (
        shared_region(existing, "long", *numbers),
        shared_region(existing, "gradients", size=numbers[0].nbytes) as handle,
    ):
        for _ in range(2):  # the second in memory that the first gave back
            existing.infer("mse", inputs, outputs=[gradients], parameters={"gradient": "full"})
            outputs = shm.get_contents_as_numpy(handle, np.float32, [1_000_000]).copy()

            np.testing.assert_allclose(outputs, 2 * (numbers[0] - numbers[1]) / 1_000_000, rtol=1e-5)
            shm.set_shared_memory_region(handle, [np.zeros_like(numbers[0])])


def test_the_client_registers_lists_and_unregisters(existing: triton.InferenceServerClient) -> None:
    assert "system_shared_memory" in existing.get_server_metadata()["extensions"]
    with shared_region(existing, "first", Z), shared_region(existing, "second", Y):
        listed = existing.get_system_shared_memory_status()
        with pytest.raises(triton.InferenceServerException, match="already in manager"):
            existing.register_system_shared_memory("first", "/other", 4)
        existing.unregister_system_shared_memory("first")
        existing.unregister_system_shared_memory("first")  # as Triton has it
        left = existing.get_system_shared_memory_status()
        with pytest.raises(triton.InferenceServerException, match="No region of that name"):
            existing.get_system_shared_memory_status("first")
        with pytest.raises(triton.InferenceServerException, match="No region of that name"):
            existing.infer("mse", [lying("predictions", Z, "first"), lying("targets", Y, "second")])
        (second,) = existing.get_system_shared_memory_status("second")
        existing.unregister_system_shared_memory()

    assert [region["name"] for region in listed] == ["first", "second"]
    assert left == [second]
    assert (second["offset"], second["byte_size"], second["key"][:9]) == (0, Y.nbytes, "/lossary_")
    assert existing.get_system_shared_memory_status() == []


def test_a_region_cut_short_after_it_was_registered_is_refused_and_the_service_lives(
    existing: triton.InferenceServerClient, server: Server
) -> None:
    numbers = np.ones(1 << 20, np.float32)
    inputs = [lying("predictions", numbers, "cut"), lying("targets", numbers, "cut")]
    output = triton.InferRequestedOutput("value")
    output.set_shared_memory("cut", 8)
    small = [triton.InferInput(role, [1], "FP64") for role in ("predictions", "targets")]
    for tensor in small:
        tensor.set_data_from_numpy(np.ones(1))
    with shared_region(existing, "cut", numbers) as handle:
        existing.infer("mse", inputs)
        file = Path("/dev/shm") / handle._shm_key.strip("/")  # noqa: S108, SLF001 - as the client names it
        for length in (4096, 1, 0):
            os.truncate(file, length)
            with pytest.raises(triton.InferenceServerException, match=f"The file has {length} bytes"):
                existing.infer("mse", inputs)
        with pytest.raises(triton.InferenceServerException, match="The file has 0 bytes"):
            existing.infer("mse", small, outputs=[output])
        left = file.stat().st_size
        os.truncate(file, numbers.nbytes)
        existing.infer("mse", inputs)
    with pytest.raises(triton.InferenceServerException, match="no regular file"):
        existing.infer("mse", inputs)

    assert left == 0
    assert server.process.poll() is None
    assert existing.is_server_ready()


def test_a_region_that_is_cut_and_lengthened_all_the_time_harms_nobody(
    existing: triton.InferenceServerClient, server: Server
) -> None:
    numbers = np.ones(1 << 20, np.float32)
    body = {"inputs": [lying(role, numbers, "restless")._get_tensor() for role in ("predictions", "targets")]}  # noqa: SLF001 - what it sends
    stop = threading.Event()
    with shared_region(existing, "restless", numbers) as handle, httpx.Client(base_url=server.url) as http:
        file = Path("/dev/shm") / handle._shm_key.strip("/")  # noqa: S108, SLF001 - as the client names it

        def cut() -> None:
            for length in itertools.cycle((0, numbers.nbytes, numbers.nbytes // 2, numbers.nbytes)):
                if stop.is_set():
                    break
                os.truncate(file, length)

        thread = threading.Thread(target=cut)
        thread.start()
        try:
            answers = [http.post("/v2/models/mse/infer", json=body) for _ in range(100)]
        finally:
            stop.set()
            thread.join()

    assert {answer.status_code for answer in answers} <= {200, 422}
    assert server.process.poll() is None


def test_more_than_a_request_may_have_is_refused_before_it_is_read(existing: triton.InferenceServerClient) -> None:
    whole = np.empty(5 << 20)
    with (
        shared_region(existing, "long", size=whole.nbytes),
        pytest.raises(triton.InferenceServerException, match="LOSSARY_MAX_BODY_BYTES"),
    ):
        existing.infer("mse", [lying("predictions", whole, "long"), lying("targets", whole, "long")])
