"""The bodies that the design promises, sent as they stand."""

from pathlib import Path

import pytest

from recommender.tasks import Task
from tests.conftest import Client
from tests.service.document import body_schema

pytestmark = pytest.mark.anyio

QUESTION = {
    "task": "regression",
    "profile": {"outlier_rate": 0.08, "n": 5000, "residual_scale": 2.1},
    "goal": {"functional": "mean"},
    "rulebook": "article",
}


async def test_the_literal_question_gets_the_literal_answer(client: Client) -> None:
    async with client() as http:
        answer = (await http.post("/v1/recommend", json=QUESTION)).json()

    head = {"head": "output", "objective": "smooth_l1(beta=2.82)", "activation": "none"}
    assert answer["recommended"] == {"objective": "smooth_l1(beta=2.82)", "heads": [head], "rulebook": "article"}
    assert (answer["article"]["section"], answer["article"]["rule"]) == ("4", "regression.outliers")
    assert (answer["evidence"]["objective"], answer["agreement"]) == ("smooth_l1(beta=2.82)", "agree")
    parameter = answer["parameters"][0]
    assert (parameter["loss"], parameter["name"], parameter["value"]) == ("smooth_l1", "beta", 2.82)
    assert parameter["formula"] == "1.345 * residual_scale"
    fired = answer["fired"][0]
    expected = ("regression.outliers", "outlier_rate", 0.08, None, ">=", 0.003, 0.077)
    names = ("rule", "fact", "value", "interval", "operator", "threshold", "margin")
    assert tuple(fired[name] for name in names) == expected
    assert answer["counterfactual"] == {"fact": "outlier_rate", "below": 0.003, "objective": "mse"}
    assert {"nearly", "alternatives", "ruled_out", "warnings", "borderline", "snippets", "rules_hash"} <= set(answer)


async def test_answers_begin_with_a_summary_and_the_question_left_open(client: Client) -> None:
    arrays = {"task": "regression", "targets": [2.1, 3.9, 6.2, 7.8, 10.1, 40.0], "predictions": [2, 4, 6, 8, 10, 12]}
    async with client() as http:
        recommended = (await http.post("/v1/recommend", json=QUESTION)).json()
        advised = (await http.post("/v1/advise", json=arrays)).json()

    assert list(recommended)[:2] == list(advised)[:2] == ["summary", "ask"]
    assert recommended["ask"]["fact"] == "goal.outliers"
    assert advised["summary"] == advised["recommendation"]["summary"]
    assert advised["ask"] == advised["recommendation"]["ask"]


async def test_the_experiment_of_advice_on_a_dataset_names_it_and_its_target(client: Client) -> None:
    table = "y_true,y_pred\n" + "".join(f"{value},{value + 1}\n" for value in range(40))
    async with client() as http:
        kept = await http.post("/v1/datasets", content=table, headers={"content-type": "text/csv"})
        asked = {"dataset": kept.json()["id"], "task": "regression"}
        request = (await http.post("/v1/advise", json=asked)).json()["recommendation"]["experiment"]["request"]

    assert (request["dataset"], request["target"]) == (kept.json()["id"], "y_true")


async def test_the_book_in_force_is_a_setting_that_a_request_overrides(client: Client) -> None:
    rare = {"task": "binary", "profile": {"class_imbalance": 40}}
    async with client(rulebook="evidence") as http:
        by_default = (await http.post("/v1/recommend", json=rare)).json()["recommended"]
        asked = (await http.post("/v1/recommend", json={**rare, "rulebook": "article"})).json()["recommended"]

    assert (by_default["rulebook"], by_default["objective"]) == ("evidence", "bce")
    assert asked["rulebook"] == "article"


async def test_a_recommended_objective_can_be_evaluated(client: Client) -> None:
    async with client() as http:
        objective = (await http.post("/v1/recommend", json=QUESTION)).json()["recommended"]["objective"]
        body = {"loss": objective, "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}
        result = (await http.post("/v1/evaluate", json=body)).json()["results"][0]

    assert result["loss"] == objective
    assert result["value"] == pytest.approx(((0.5**2 + 2**2) / (2 * 2.82)) / 2, rel=1e-12)


SECTION_4 = [
    ({"task": "regression", "profile": {"outlier_rate": 0.0, "n": 100000}}, "mse", "4"),
    ({"task": "regression", "profile": {"outlier_rate": 0.08}}, "smooth_l1(beta=1.345)", "4"),
    ({"task": "regression", "profile": {"outlier_rate": 0.3}}, "mae", "4"),
    ({"task": "binary"}, "bce", "4"),
    ({"task": "multilabel"}, "bce", "4"),
    ({"task": "multiclass", "profile": {"label_encoding": "onehot"}}, "categorical_ce", "4"),
    ({"task": "multiclass", "profile": {"label_encoding": "integer"}}, "sparse_categorical_ce", "4"),
    ({"task": "binary", "profile": {"class_imbalance": 99.0}}, "focal(alpha=0.99)", "4"),
    ({"task": "multiclass", "profile": {"class_imbalance": 99.0}}, "focal_softmax", "4"),
    ({"task": "similarity"}, "triplet", "4"),
    ({"task": "generation"}, "adversarial_generator + adversarial_discriminator", "4"),
    ({"task": "segmentation"}, "dice", "4"),
    ({"scenario": "small_objects"}, "dice", "4"),
]


@pytest.mark.parametrize(("question", "objective", "section"), SECTION_4, ids=[str(row[0]) for row in SECTION_4])
async def test_every_row_of_the_articles_summary(
    client: Client, question: dict[str, object], objective: str, section: str
) -> None:
    async with client() as http:
        answer = (await http.post("/v1/recommend", json=question)).json()

    assert answer["recommended"]["objective"] == objective
    assert section in answer["article"]["section"]
    assert answer["fired"]


SCENARIOS = {
    "house_prices": "mse",
    "salaries": "mae",
    "box_regression": "smooth_l1",
    "spam": "bce",
    "disease_diagnosis": "bce",
    "multilabel_images": "bce",
    "image_classification": "categorical_ce",
    "text_many_classes": "sparse_categorical_ce",
    "small_objects": "dice",
    "rare_disease": "focal",
    "face_recognition": "triplet",
    "person_reidentification": "triplet",
    "similarity_matching": "triplet",
    "image_generation": "adversarial_generator + adversarial_discriminator",
    "style_transfer": "adversarial_generator + adversarial_discriminator",
    "super_resolution": "adversarial_generator + adversarial_discriminator",
    "tumour_segmentation": "dice",
}


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_every_scenario_of_the_article(client: Client, scenario: str) -> None:
    async with client() as http:
        answer = (await http.post("/v1/recommend", json={"scenario": scenario})).json()

    assert answer["recommended"]["objective"] == SCENARIOS[scenario]


async def test_the_task_decides_what_small_objects_take(client: Client) -> None:
    async with client() as http:
        answer = (await http.post("/v1/recommend", json={"scenario": "small_objects", "task": "detection"})).json()

    heads = {head["head"]: head["objective"] for head in answer["recommended"]["heads"]}
    assert heads == {"class": "focal", "box": "smooth_l1"}


async def test_reasons_are_given_in_chinese_when_asked(client: Client) -> None:
    async with client() as http:
        answer = (await http.post("/v1/recommend", json=QUESTION, headers={"accept-language": "zh-CN"})).json()

    assert any("一" <= letter <= "鿿" for letter in answer["fired"][0]["because"])


async def test_thresholds_come_from_a_file_and_from_the_request(client: Client, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[thresholds]\noutliers.some = 0.1\n")

    async with client(rules=rules) as http:
        from_file = (await http.post("/v1/recommend", json=QUESTION)).json()
        page = (await http.get("/v1/rules")).json()
        asked = {**QUESTION, "thresholds": {"outliers.some": 0.05}}
        from_request = (await http.post("/v1/recommend", json=asked)).json()

    assert from_file["recommended"]["objective"] == "mse"
    assert from_request["recommended"]["objective"] == "smooth_l1(beta=2.82)"
    assert from_file["rules_hash"] == page["rules_hash"] != from_request["rules_hash"]


async def test_a_measured_profile_can_be_pasted_into_the_question(client: Client) -> None:
    targets = [float(value % 7) for value in range(60)]
    predictions = [value + (9.0 if place % 12 == 0 else 0.1 * (place % 5)) for place, value in enumerate(targets)]

    async with client() as http:
        body = {"task": "regression", "targets": targets, "predictions": predictions}
        measured = (await http.post("/v1/profile", json=body)).json()
        question = {"task": measured["task"], "profile": measured["profile"]}
        answer = (await http.post("/v1/recommend", json=question)).json()

    assert measured["profile"]["outlier_rate"]["value"] == pytest.approx(5 / 60)
    assert answer["recommended"]["objective"].startswith("smooth_l1")
    assert answer["fired"][0]["interval"] is not None


@pytest.mark.parametrize("task", [*Task])
async def test_every_task_is_in_the_document_and_gets_an_answer(client: Client, task: str) -> None:
    async with client() as http:
        document = (await http.get("/openapi.json")).json()
        answer = await http.post("/v1/recommend", json={"task": task})
        losses = (await http.get("/v1/losses")).json()["losses"]

    body = body_schema(document, "/v1/recommend")
    assert task in body["properties"]["task"]["anyOf"][0]["enum"]
    assert answer.status_code == 200
    assert bool(answer.json()["recommended"]) == any(task in loss["tasks"] for loss in losses)
