"""Predictions of lists from the user's own loop are judged by nDCG, query by query."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from recommender.errors import BadExperiment
from recommender.experiment import ScoresQuestion, verdict_of_scores
from recommender.metrics import Judged, score

FOLDS, QUERIES, LENGTH = 5, 6, 7
DRAW = np.random.default_rng(5)
QUERY = [np.repeat(np.arange(QUERIES), LENGTH) + fold * QUERIES for fold in range(FOLDS)]
RELEVANCE = [DRAW.integers(0, 4, QUERIES * LENGTH).astype(float) for _ in range(FOLDS)]
SCORES = {
    "noise": [DRAW.normal(size=own.shape) for own in RELEVANCE],
    "near": [own + DRAW.normal(0, 0.5, own.shape) for own in RELEVANCE],
}


def lists(**fields: Any) -> ScoresQuestion:  # noqa: ANN401 - any field of the question
    body = {
        "metric": "ndcg",
        "folds": FOLDS,
        "predictions": {name: [own.tolist() for own in folds] for name, folds in SCORES.items()},
        "targets": [own.tolist() for own in RELEVANCE],
        "queries": [own.tolist() for own in QUERY],
    }
    return ScoresQuestion.model_validate(body | fields)


def test_lists_are_judged_as_their_scores_are() -> None:
    ndcg = {
        name: [
            score("ndcg", Judged(targets, own, queries=queries))
            for targets, own, queries in zip(RELEVANCE, folds, QUERY, strict=True)
        ]
        for name, folds in SCORES.items()
    }

    verdict = verdict_of_scores(lists())
    of_scores = verdict_of_scores(ScoresQuestion(metric="ndcg", scores=ndcg, folds=FOLDS, rows=verdict.rows_judged))

    assert (verdict.chosen, verdict.better, verdict.rows_judged) == ("near", True, FOLDS * QUERIES * LENGTH)
    assert {row.name: row.value for row in verdict.standings} == pytest.approx(
        {name: np.mean(values) for name, values in ndcg.items()}
    )
    assert verdict.model_copy(update={"rows_judged": None}) == of_scores


def test_queries_may_have_any_names_and_their_rows_any_order() -> None:
    order = np.random.default_rng(1).permutation(QUERIES * LENGTH)
    moved = lists(
        predictions={name: [own[order].tolist() for own in folds] for name, folds in SCORES.items()},
        targets=[own[order].tolist() for own in RELEVANCE],
        queries=[[f"query {query}" for query in own[order]] for own in QUERY],
    )
    far = lists(queries=[[int(query) + (1 << 60) for query in own] for own in QUERY])

    verdicts = [verdict_of_scores(question) for question in (lists(), moved, far)]

    values = [{row.name: row.value for row in verdict.standings} for verdict in verdicts]
    assert values[0] == pytest.approx(values[1])
    assert values[0] == values[2]


def test_queries_without_an_order_are_left_out_and_it_is_said() -> None:
    alike = [np.where(queries % QUERIES == 0, 2.0, own) for own, queries in zip(RELEVANCE, QUERY, strict=True)]

    verdict = verdict_of_scores(lists(targets=[own.tolist() for own in alike]))

    assert verdict.rows_judged == FOLDS * (QUERIES - 1) * LENGTH
    assert verdict.warnings[0].startswith(f"{FOLDS} queries")


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"queries": None}, "queries", "send queries beside targets"),
        ({"queries": [[0] * 3] * FOLDS}, "queries", "a query for each target"),
        ({"queries": [list(range(QUERIES * LENGTH))] * FOLDS}, "queries", "No query of fold 0"),
        ({"metric": "mae"}, "queries", "leave them out"),
        ({"targets": [(own - 1).tolist() for own in RELEVANCE]}, "targets", "non-negative"),
        (
            {"predictions": dict.fromkeys("ab", [[[0.0, 1.0]] * QUERIES * LENGTH] * FOLDS)},
            "predictions",
            "a number a row",
        ),
    ],
)
def test_lists_that_cannot_be_judged_are_refused(fields: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(BadExperiment, match=said) as refusal:
        verdict_of_scores(lists(**fields))

    assert refusal.value.facts["field"] == field


@pytest.mark.parametrize("queries", [[[0.5], [1]], [[None], [1]], [[True], [1]]])
def test_queries_that_name_nothing_are_refused(queries: list[list[object]]) -> None:
    with pytest.raises(ValidationError):
        lists(queries=queries)


def test_queries_beside_scores_alone_are_refused() -> None:
    with pytest.raises(ValidationError, match="go with predictions"):
        ScoresQuestion(metric="ndcg", scores={"a": [0.1, 0.2], "b": [0.1, 0.3]}, folds=2, queries=[[1], [2]])
