"""GET /v1/losses: the catalogue, the page of a loss, its curve."""

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest

from losses.contract.registry import catalogue
from tests.conftest import Client

pytestmark = pytest.mark.anyio
SVG = "{http://www.w3.org/2000/svg}"


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


async def test_the_catalogue_is_in_the_language_that_is_asked_for(client: Client) -> None:
    async with client() as http:
        english = (await http.get("/v1/losses")).json()["losses"]
        answer = await http.get("/v1/losses", headers={"accept-language": "zh"})
        page = (await http.get("/v1/losses/mse", headers={"accept-language": "zh"})).json()

    chinese = answer.json()["losses"]
    assert [row["title"] for row in chinese] == [loss.title.zh for loss in catalogue().values()]
    assert [{**row, "title": ""} for row in chinese] == [{**row, "title": ""} for row in english]
    assert "Accept-Language" in answer.headers["vary"]
    assert page["title"] == "均方误差"


@pytest.mark.parametrize("loss_id", catalogue())
async def test_every_loss_has_a_whole_page(client: Client, loss_id: str) -> None:
    async with client() as http:
        page = (await http.get(f"/v1/losses/{loss_id}")).json()

    for column in ("title", "tasks", "formula", "inputs", "activation", "elicits", "source", "cases", "traits"):
        assert page[column], column
    assert page["snippets"].keys() == {"pytorch", *catalogue()[loss_id].elsewhere}
    assert page["snippets"]["pytorch"].startswith("import torch")
    assert all(parameter.get("description") for parameter in page["parameters"].get("properties", {}).values())


async def test_every_loss_has_a_curve_or_says_why_not(client: Client) -> None:
    async with client() as http:
        answers = {loss_id: await http.get(f"/v1/losses/{loss_id}/curve?points=11") for loss_id in catalogue()}

    drawn = {loss_id: answer.json() for loss_id, answer in answers.items() if answer.is_success}
    assert len(drawn) >= 48
    for answer in drawn.values():
        line = answer["curves"][0]
        assert len(answer["x"]) == len(line["value"]) == len(line["gradient"]) == 11
    for loss_id in set(answers) - set(drawn):
        assert answers[loss_id].status_code == 422
        assert loss_id in answers[loss_id].json()["detail"]


ITEMS: dict[str, Callable[[float], tuple[Any, Any]]] = {  # what x is of each: predictions, targets
    "mse": lambda x: (x, 0.0),
    "focal": lambda p: (math.log(p / (1 - p)), 1.0),
    "hinge": lambda score: (score, 1.0),
    "tweedie": lambda prediction: (prediction, 1.0),
    "mape": lambda prediction: (prediction, 1.0),
    "dice": lambda p: ([math.log(p / (1 - p))], [1.0]),
}


@pytest.mark.parametrize("loss_id", ITEMS)
async def test_a_curve_is_what_evaluate_says_at_its_points(client: Client, loss_id: str) -> None:
    async with client() as http:
        curve = (await http.get(f"/v1/losses/{loss_id}/curve?points=9")).json()
        predictions, targets = zip(*map(ITEMS[loss_id], curve["x"]), strict=True)
        asked = {"loss": loss_id, "predictions": predictions, "targets": targets}
        values = (await http.post("/v1/evaluate", json={**asked, "options": {"reduction": "none"}})).json()
        options = {"reduction": "sum", "gradient": "full"}
        slopes = (await http.post("/v1/evaluate", json={**asked, "options": options})).json()

    (line,) = curve["curves"]
    assert line["value"] == pytest.approx(_flat(values["results"][0]["values"]))
    assert line["gradient"] == pytest.approx(_flat(slopes["results"][0]["gradients"]["predictions"]))


def _flat(values: list[Any]) -> list[float]:
    return [value[0] if isinstance(value, list) else value for value in values]


async def test_curves_are_laid_over_one_another_in_a_picture(client: Client) -> None:
    async with client() as http:
        picture = await http.get("/v1/losses/smooth_l1/curve?parameters=beta=0.5&others=mae,mse&format=svg")

    assert picture.headers["content-type"] == "image/svg+xml"
    root = ET.fromstring(picture.text)  # noqa: S314 - our own picture
    assert len(root.findall(f"{SVG}path")) == 3 * 3  # a line in each panel and one in the legend
    assert {"smooth_l1(beta=0.5)", "mae", "mse"} <= {text.text for text in root.iter(f"{SVG}text")}


async def test_older_names_of_parameters_go_on_working(client: Client) -> None:
    async with client() as http:
        older = (await http.get("/v1/losses/smooth_l1/curve?points=5&params=beta=0.5&with=mae")).json()
        newer = (await http.get("/v1/losses/smooth_l1/curve?points=5&parameters=beta=0.5&others=mae")).json()

    assert [line["loss"] for line in older["curves"]] == ["smooth_l1(beta=0.5)", "mae"]
    assert older == newer


async def test_a_picture_is_as_wide_as_what_it_stands_in_and_is_readable_in_the_dark(client: Client) -> None:
    others = "focal(gamma=5, alpha=0.25); dice + 0.5*bce(pos_weight=3); asymmetric; focal_tversky(gamma=0.5); jaccard"

    async with client() as http:
        picture = await http.get("/v1/losses/bce/curve", params={"others": others, "format": "svg"})

    root = ET.fromstring(picture.text)  # noqa: S314 - our own picture
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    assert (root.attrib["width"], root.attrib.get("height")) == ("100%", None)
    assert "prefers-color-scheme:dark" in picture.text
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) < width
        assert 0 <= float(text.attrib["y"]) <= height
    legend = [text for text in root.iter(f"{SVG}text") if text.text in {"bce", "jaccard"}]
    assert len({text.attrib["y"] for text in legend}) == 2  # six names take more than a line


async def test_a_curve_is_the_loss_along_its_axis(client: Client) -> None:
    async with client() as http:
        refused = (await http.get("/v1/losses/smooth_l1/curve?points=5&span=2&others=focal")).json()
        curve = (await http.get("/v1/losses/smooth_l1/curve?points=5&span=2")).json()

    assert (curve["axis"], curve["target"]) == ("error", None)
    assert curve["x"] == [-2, -1, 0, 1, 2]
    assert curve["curves"][0]["value"] == [1.5, 0.5, 0.0, 0.5, 1.5]
    assert curve["curves"][0]["gradient"] == [-1, -1, 0, 1, 1]
    assert refused["status"] == 422
    assert "error or prediction; probability of the truth or score" in refused["detail"]


async def test_a_prediction_may_be_held_against_another_target(client: Client) -> None:
    async with client() as http:
        curve = (await http.get("/v1/losses/bce/curve?points=3&target=0&others=asymmetric")).json()
        picture = (await http.get("/v1/losses/bce/curve?points=3&target=0&format=svg")).text
        refused = [
            await http.get(f"/v1/losses/{loss}/curve?target={target}")
            for loss, target in (("bce", 2), ("categorical_ce", 0), ("adversarial_generator", 1), ("bce", "nan"))
        ]

    assert (curve["axis"], curve["target"]) == ("probability", 0)
    assert curve["curves"][0]["value"] == pytest.approx([-math.log1p(-p) for p in curve["x"]])
    assert "probability, the target being 0" in picture
    assert {answer.status_code for answer in refused} == {422}


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


async def test_losses_without_a_curve_are_left_out_on_request_with_the_reason(client: Client) -> None:
    async with client() as http:
        some = (await http.get("/v1/losses/mse/curve?points=5&others=supcon,mae,bce&unfit=skip")).json()
        none = (await http.get("/v1/losses/supcon/curve?unfit=skip")).json()
        picture = await http.get("/v1/losses/supcon/curve?unfit=skip&format=svg")

    assert [line["loss"] for line in some["curves"]] == ["mse", "mae"]
    assert [each["loss"] for each in some["left_out"]] == ["supcon", "bce"]
    assert all(each["because"] for each in some["left_out"])
    assert (none["axis"], none["curves"], len(none["left_out"])) == (None, [], 1)
    assert picture.status_code == 422
