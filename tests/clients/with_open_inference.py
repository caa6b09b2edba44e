"""The clients of Triton and of KServe, as they are installed."""

import asyncio
import math
from collections.abc import Iterator

import numpy as np
import pytest
import tritonclient.http as triton
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from tritonclient.http import aio
from tritonclient.utils import shared_memory

from tests.clients.running import MSE, Say, Y, Z


def inputs(*, binary: bool) -> list[triton.InferInput]:
    tensors = []
    for name, array in (("predictions", Z), ("targets", Y)):
        tensor = triton.InferInput(name, list(array.shape), "FP32")
        tensor.set_data_from_numpy(array, binary_data=binary)
        tensors.append(tensor)
    return tensors


@pytest.fixture
def client(port: int) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"127.0.0.1:{port}") as each:
        yield each


def test_triton_finds_the_server_and_its_models(client: triton.InferenceServerClient, say: Say) -> None:
    models = client.get_model_repository_index()
    say(f"{client.get_server_metadata()['name']}, {len(models)} models")

    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("mse")
    assert [each["name"] for each in client.get_model_metadata("mse")["inputs"]] == ["predictions", "targets"]
    assert {"mse", "objective"} <= {model["name"] for model in models}


@pytest.mark.parametrize("binary", [True, False], ids=["in bytes", "in JSON"])
@pytest.mark.parametrize("coding", [None, "gzip", "deflate"])
def test_triton_evaluates(
    client: triton.InferenceServerClient,
    say: Say,
    binary: bool,  # noqa: FBT001 - a case
    coding: str | None,
) -> None:
    outputs = [triton.InferRequestedOutput("value", binary_data=binary)]
    answer = client.infer(
        "mse",
        inputs(binary=binary),
        outputs=outputs,
        request_compression_algorithm=coding,
        response_compression_algorithm=coding,
    )
    value = answer.as_numpy("value")[0]
    say(f"value {value}")

    assert value == pytest.approx(MSE)


def test_triton_evaluates_an_expression_and_gets_values_per_item(
    client: triton.InferenceServerClient, say: Say
) -> None:
    answer = client.infer("objective", inputs(binary=True), parameters={"loss": "mse + 0.5*mae", "reduction": "none"})
    values = answer.as_numpy("values")
    say(f"values {values.tolist()}")

    assert values == pytest.approx((Z - Y) ** 2 + 0.5 * abs(Z - Y))


def test_triton_reads_a_refusal(client: triton.InferenceServerClient, say: Say) -> None:
    with pytest.raises(triton.InferenceServerException) as refused:
        client.infer("focl", inputs(binary=True))
    say(str(refused.value))

    assert "Did you mean focal?" in str(refused.value)


def test_triton_sends_many_at_once(client: triton.InferenceServerClient, say: Say) -> None:
    pending = [client.async_infer("mse", inputs(binary=True)) for _ in range(8)]
    values = [each.get_result().as_numpy("value")[0] for each in pending]
    say(f"{len(values)} values {set(values)}")

    assert values == pytest.approx([MSE] * 8)


def test_triton_evaluates_in_asyncio(port: int, say: Say) -> None:
    async def value() -> float:
        async with aio.InferenceServerClient(f"127.0.0.1:{port}") as client:
            return float((await client.infer("mse", inputs(binary=True))).as_numpy("value")[0])

    answered = asyncio.run(value())
    say(f"value {answered}")

    assert answered == pytest.approx(MSE)


def test_triton_evaluates_what_lies_in_shared_memory(client: triton.InferenceServerClient, say: Say) -> None:
    size = Z.nbytes
    region = shared_memory.create_shared_memory_region("both", "/lossary_clients", 2 * size)
    try:
        shared_memory.set_shared_memory_region(region, [Z, Y])
        client.register_system_shared_memory("both", "/lossary_clients", 2 * size)
        tensors = [triton.InferInput(name, [3], "FP32") for name in ("predictions", "targets")]
        for place, tensor in enumerate(tensors):
            tensor.set_shared_memory("both", size, offset=place * size)
        value = client.infer("mse", tensors).as_numpy("value")[0]
        client.unregister_system_shared_memory("both")
    finally:
        shared_memory.destroy_shared_memory_region(region)
    say(f"value {value}")

    assert value == pytest.approx(MSE)


@pytest.mark.parametrize("binary", [True, False], ids=["in bytes", "in JSON"])
def test_kserve_evaluates(
    url: str,
    say: Say,
    binary: bool,  # noqa: FBT001 - a case
) -> None:
    tensors = []
    for name, array in (("predictions", Z), ("targets", Y)):
        tensor = InferInput(name=name, shape=list(array.shape), datatype="FP32")
        tensor.set_data_from_numpy(array, binary_data=binary)
        tensors.append(tensor)

    async def asked() -> tuple[bool, bool, float]:
        async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
            live, ready = await client.is_server_live(url), await client.is_model_ready(url, "mse")
            answer = await client.infer(url, InferRequest(model_name="mse", infer_inputs=tensors), model_name="mse")
            value = next(output for output in answer.outputs if output.name == "value")
            return live, ready, float(np.ravel(value.as_numpy())[0])

    live, ready, value = asyncio.run(asked())
    say(f"live {live}, ready {ready}, value {value}")

    assert live
    assert ready
    assert math.isclose(value, MSE, rel_tol=1e-6)
