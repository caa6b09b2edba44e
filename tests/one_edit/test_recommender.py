"""A rule, a threshold and a task are one row each; everything else finds them."""

import json
from typing import Any

from tests.one_edit.copies import Copy

BOOK = "recommender/rules/evidence/regression/boxes.py"
FIRST_ROW = '    Rule(\n        name="evidence.regression.boxes_iou",\n'
RULE = """    Rule(
        name="evidence.regression.windfalls",
        book="evidence",
        tasks=TASKS,
        when=(fact("boxes").is_false(), fact("outlier_rate") >= BOUND),
        recommend="tukey_biweight(c=2)",
        because=Text(en="What is no box may have windfalls.", zh="不是边界框的目标可能有意外之财。"),
        source=Evidence("D", "a test of one edit"),
        fires=with_goal(boxes=False, outlier_rate=RATE),
        silent=with_goal(boxes=False, outlier_rate=RATE - 0.001),
    ),
"""
THRESHOLD = """Threshold(
            "evidence.windfalls", RATE, "a test of one edit", Text(en="A quarter.", zh="四分之一。")
        )"""
LAST_TASK = "\n\nMETRIC_OF_AIM = {"
TASK = """    WEATHER = (
        "weather",
        TaskRow(
            title=Text("rain tomorrow", "明日降雨"),
            other_names=("meteorology",),
            default_goal=Goal(functional="mean"),
            aim="functional",
            measured_as="numbers",
        ),
    )

"""


def recommend(rate: float, **more: object) -> dict[str, Any]:
    facts = {"boxes": False, "outlier_rate": rate}
    body = {"task": "regression", "rulebook": "evidence", "profile": facts, **more}
    return {"method": "POST", "url": "/v1/recommend", "json": body}


def objectives(answers: list[tuple[int, bytes]]) -> list[str]:
    return [json.loads(body)["recommended"]["objective"] for _, body in answers]


def test_a_rule_is_listed_decides_and_is_under_the_laws(copy: Copy) -> None:
    copy.insert(BOOK, FIRST_ROW, RULE.replace("BOUND", THRESHOLD).replace("RATE", "0.12"))

    listings = copy.listings(recommend(0.12), recommend(0.119))
    decided, silent = objectives(listings.answers)

    assert listings.places("evidence.regression.windfalls") >= {"/v1/rules", "docs: rules evidence"}
    assert decided == "tukey_biweight(c=2)"
    assert silent != decided
    assert json.loads(listings.answers[0][1])["evidence"]["rule"] == "evidence.regression.windfalls"
    assert json.loads(listings.answers[1][1])["counterfactual"]["objective"] == decided
    assert copy.laws("windfalls", "tests/recommender/rules/test_rule_table.py") > 5


def test_a_threshold_is_listed_and_overridden_by_request_and_by_file(copy: Copy) -> None:
    copy.insert(BOOK, FIRST_ROW, RULE.replace("BOUND", THRESHOLD).replace("RATE", "0.25"))
    copy.append("rules.toml", "[thresholds]\nevidence.windfalls = 0.3\n")

    listings = copy.listings(recommend(0.25), recommend(0.2), recommend(0.2, thresholds={"evidence.windfalls": 0.15}))
    moved = copy.listings(recommend(0.25), recommend(0.3), LOSSARY_RULES="rules.toml")

    decides = [text == "tukey_biweight(c=2)" for text in objectives([*listings.answers, *moved.answers])]
    assert decides == [True, False, True, False, True]
    assert listings.places("evidence.windfalls") >= {"/v1/rules", "docs: thresholds"}


def test_a_task_is_listed_measured_and_answered(copy: Copy) -> None:
    copy.insert("recommender/tasks.py", LAST_TASK, TASK)

    listings = copy.listings(
        {"method": "POST", "url": "/v1/recommend", "json": {"task": "weather"}},
        {"method": "POST", "url": "/v1/profile", "json": {"task": "weather", "targets": [0.5, 2.0, 3.0]}},
        {"method": "POST", "url": "/v1/recommend", "json": {"task": "meteorology"}},
    )
    answer, measured, hint = (json.loads(body) for _, body in listings.answers)

    assert [status for status, _ in listings.answers] == [200, 200, 422]
    assert listings.places('"weather"') >= {"/openapi.json"}
    assert listings.places("`weather`") >= {"docs: tasks"}
    assert (answer["task"], answer["recommended"], answer["evidence"]) == ("weather", None, None)
    assert {"article-silent", "evidence-silent"} <= {warning["code"] for warning in answer["warnings"]}
    assert answer["summary"].startswith("No book has a rule for weather ")
    assert answer["experiment"]["metric"] == "root mean squared error"
    assert (measured["profile"]["n"]["value"], measured["profile"]["support"]) == (3, "positive")
    assert hint["did_you_mean"] == "weather"
