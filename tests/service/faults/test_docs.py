"""Cases of the fault catalogue about the docs page; routes/test_docs.py has the rest of them."""

import re

import httpx
import pytest

from tests.conftest import Client
from tests.service.faults.fault import EVALUATE
from tests.service.problem import is_problem

pytestmark = pytest.mark.anyio
MOST_PREVIEWED = 3 << 20  # bytes; Swagger UI hangs at 21 MB, and the catalogue's 1 MB is for a page of its own


async def test_the_page_and_its_style_name_no_other_host_to_load_from(client: Client) -> None:  # O01
    async with client() as http:
        page = (await http.get("/docs")).text
        style = (await http.get("/docs/assets/swagger-ui.css")).text

    loaded = re.findall(r'(?:src|href)\s*=\s*"([^"]*)"', page) + re.findall(r"url\(['\"]?([^'\")]+)", style)
    assert loaded
    assert all(link.startswith(("/", "data:")) and not link.startswith("//") for link in loaded)
    assert "@import" not in style


async def test_a_body_of_bytes_is_offered_as_a_file(client: Client) -> None:  # O02, O03
    async with client() as http:
        paths = (await http.get("/openapi.json")).json()["paths"]

    for path in ("/v1/evaluate", "/v1/profile", "/v1/advise"):
        schema = paths[path]["post"]["requestBody"]["content"]["application/octet-stream"]["schema"]
        assert (schema["type"], schema["format"]) == ("string", "binary")
        assert {".npy", ".npz", ".safetensors"} <= set(re.findall(r"\.[a-z]+", schema["description"]))


async def test_values_per_item_stop_before_the_page_would_hang(client: Client) -> None:  # O04, H15
    async def ask(http: httpx.AsyncClient, numbers: int) -> httpx.Response:
        predictions = [1 / (3 + place) for place in range(numbers)]
        body = {"loss": "mse", "predictions": predictions, "targets": [0] * numbers, "options": {"reduction": "none"}}
        return await http.post(EVALUATE, json=body)

    async with client() as http:
        most, over = await ask(http, 100_000), await ask(http, 100_001)

    assert most.is_success
    assert len(most.content) <= MOST_PREVIEWED
    assert "application/x-npy" in is_problem(over, 413)["detail"]
