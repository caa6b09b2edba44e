"""GET /v1/losses: the catalogue, the page of a loss, its curve."""

import xml.etree.ElementTree as ET

import pytest

from losses.contract.registry import catalogue
from tests.conftest import Client

pytestmark = pytest.mark.anyio


async def test_the_list_can_be_narrowed(client: Client) -> None:
    async with client() as http:
        everything = (await http.get("/v1/losses")).json()
        robust = (await http.get("/v1/losses?task=regression&trait=robust&kind=item")).json()
        typo = await http.get("/v1/losses?trait=robst")

    assert everything["total"] == len(catalogue())
    ids = {row["id"] for row in robust["losses"]}
    assert {"mae", "smooth_l1"} <= ids
    assert "mse" not in ids
    assert "Did you mean robust?" in typo.json()["detail"]


@pytest.mark.parametrize("loss_id", catalogue())
async def test_every_loss_has_a_whole_page(client: Client, loss_id: str) -> None:
    async with client() as http:
        page = (await http.get(f"/v1/losses/{loss_id}")).json()

    for column in ("title", "tasks", "formula", "inputs", "activation", "elicits", "source", "cases", "traits"):
        assert page[column], column
    assert page["snippets"].keys() == {"pytorch", *catalogue()[loss_id].elsewhere}
    assert page["snippets"]["pytorch"].startswith("import torch")
    assert all(parameter.get("description") for parameter in page["parameters"].get("properties", {}).values())


@pytest.mark.parametrize("loss_id", catalogue())
async def test_every_loss_has_a_curve_or_says_why_not(client: Client, loss_id: str) -> None:
    async with client() as http:
        answer = await http.get(f"/v1/losses/{loss_id}/curve?points=11")

    if answer.is_success:
        curve = answer.json()["curves"][0]
        assert len(answer.json()["x"]) == len(curve["value"]) == len(curve["gradient"]) == 11
    else:
        assert answer.status_code == 422
        assert "curve" in answer.json()["detail"] or "needs" in answer.json()["detail"]


async def test_curves_are_laid_over_one_another_in_a_picture(client: Client) -> None:
    async with client() as http:
        picture = await http.get("/v1/losses/smooth_l1/curve?params=beta=0.5&with=mae,mse&format=svg")

    assert picture.headers["content-type"] == "image/svg+xml"
    root = ET.fromstring(picture.text)  # noqa: S314 - our own picture
    name = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{name}path")) == 3 * 3  # a line in each panel and one in the legend
    assert {"smooth_l1(beta=0.5)", "mae", "mse"} <= {text.text for text in root.iter(f"{name}text")}


async def test_a_curve_is_the_loss_along_its_axis(client: Client) -> None:
    async with client() as http:
        answer = (await http.get("/v1/losses/smooth_l1/curve?points=5&span=2&with=focal")).json()
        curve = (await http.get("/v1/losses/smooth_l1/curve?points=5&span=2")).json()

    assert curve["x"] == [-2, -1, 0, 1, 2]
    assert curve["curves"][0]["value"] == [1.5, 0.5, 0.0, 0.5, 1.5]
    assert curve["curves"][0]["gradient"] == [-1, -1, 0, 1, 1]
    assert answer["status"] == 422


async def test_classes_are_told_apart_when_asked(client: Client) -> None:
    body = {
        "loss": "sparse_categorical_ce",
        "predictions": [[0.0, 0.0], [0.0, 0.0], [2.0, 0.0]],
        "targets": [0, 1, 1],
        "options": {"per_class": True, "gradient": "summary"},
    }

    async with client() as http:
        result = (await http.post("/v1/evaluate", json=body)).json()["results"][0]

    assert result["per_class"] == pytest.approx([0.6931471805599453, (0.6931471805599453 + 2.1269280110429727) / 2])
    assert sum(result["gradient"]["by_class"]) == pytest.approx(1)
    assert result["gradient"]["by_class"][0] == pytest.approx(0.5 / (0.5 + 0.5 + 0.8807970779778823))
