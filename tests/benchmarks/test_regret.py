"""The arithmetic of the regret benchmark on matrices small enough to check by hand, and what the engine reads."""

import json
from collections.abc import Mapping
from typing import get_args

import httpx
import numpy as np
import pytest

from benchmarks.regret.cells import Cell, Row, read, seed_of
from benchmarks.regret.policies import METRICS, Matrix, UntrainedError, asked, candidate, literal, mean_by_cluster
from benchmarks.regret.report import CITED, version
from benchmarks.regret.statistics import cluster_means, estimate, gap_closed
from recommender.evidence import measured, regrets
from recommender.rules import ROWS
from recommender.rules.table import Rulebook
from tests.conftest import Client

FAMILIES = ["regression", "binary", "segmentation"]
RMSE = METRICS["regression"][0]


def cell(half: str, cluster: str = "one") -> Cell:
    return Cell("regression", f"table of {cluster}", cluster, "natural", "linear", half)


def matrix(scores: Mapping[Cell, Mapping[str, float]]) -> Matrix:
    rows = [Row(of, name, name, "rmse", value, 0.1) for of, found in scores.items() for name, value in found.items()]
    profile = {"task": "regression", "profile": {"outlier_rate": 0.0}}
    return Matrix.of("regression", RMSE, rows, {of.key: profile for of in scores})


SMALL = matrix(
    {
        cell("a"): {"mse": 2.0, "mae": 3.0},
        cell("b"): {"mse": 5.0, "mae": 4.0},
    }
)


def test_the_oracle_is_chosen_in_the_other_half() -> None:
    assert (SMALL.oracle(cell("a")), SMALL.oracle(cell("b"))) == ("mae", "mse")
    assert SMALL.regret(cell("a"), "mse") == pytest.approx(2 / 3 - 1)
    assert SMALL.regret(cell("b"), "mae") == pytest.approx(4 / 5 - 1)
    assert SMALL.regret(cell("a"), "mae") == 0


def test_every_cluster_counts_the_same() -> None:
    values = {cell("a"): 1.0, cell("b"): 3.0, cell("a", "two"): 10.0}

    assert mean_by_cluster(list(values), values.__getitem__) == (2 + 10) / 2
    assert cluster_means(np.array([1.0, 3.0, 10.0]), ["x", "x", "y"]).tolist() == [2, 10]


def test_intervals_resample_clusters() -> None:
    steady = estimate(np.full(6, 0.02), ["a", "a", "b", "b", "c", "c"])
    spread = estimate(np.array([0.0, 0.0, 0.3, 0.3]), ["a", "a", "b", "b"])

    assert (steady.mean, steady.low, steady.high, steady.catastrophes) == pytest.approx((0.02, 0.02, 0.02, 0))
    assert (spread.mean, spread.low, spread.high, spread.catastrophes) == pytest.approx((0.15, 0, 0.3, 0.5))


def test_the_gap_closed_is_one_for_the_oracle_and_zero_for_the_constant() -> None:
    constant, names = np.array([0.1, 0.2, 0.3]), ["a", "b", "c"]

    assert gap_closed(np.zeros(3), constant, names)[0] == 1
    assert gap_closed(constant, constant, names) == (0, 0, 0)
    assert gap_closed(constant / 2, constant, names)[0] == pytest.approx(0.5)


def test_an_objective_that_was_not_trained_is_an_error_and_names_it() -> None:
    with pytest.raises(UntrainedError, match="huber was not trained"):
        candidate(SMALL, cell("a"), "huber")


def test_seeds_depend_on_names_alone() -> None:
    assert seed_of("a", 1) == seed_of("a", 1) != seed_of("a", 2)


def test_the_article_read_literally_has_no_computed_parameters() -> None:
    assert literal("focal(alpha=0.97)") == "focal"
    assert literal("smooth_l1(beta=2.82)") == "smooth_l1"
    assert literal("mae") == "mae"


def test_the_file_of_the_engine_belongs_to_the_stored_scores_and_to_rules_that_exist() -> None:
    cited = json.loads(CITED.read_text())

    assert cited["version"] == version() == measured().version
    assert set(cited["rules"]) <= {row.name for row in ROWS}
    found = regrets("evidence.regression.outliers")
    assert {entry.metric for entry in found} == {"RMSE"}
    assert all(entry.interval[0] <= entry.mean_regret <= entry.interval[1] for entry in found)


@pytest.mark.anyio
@pytest.mark.parametrize("family", FAMILIES)
async def test_the_benchmark_asks_what_http_answers(client: Client, family: str) -> None:
    rows, questions = read(family)
    scores = Matrix.of(family, METRICS[family][0], rows, questions)

    async with client() as http:
        for of in scores.cells[:: max(1, len(scores.cells) // 12)]:
            await _same_over_http(http, scores, of)


async def _same_over_http(http: httpx.AsyncClient, scores: Matrix, of: Cell) -> None:
    question = {**scores.questions[of.key], "goal": scores.metric.goal.model_dump(exclude_none=True)}
    for rulebook in get_args(Rulebook):
        answer = await http.post("/v1/recommend", json={**question, "rulebook": rulebook})

        objective, _ = asked(scores, of, rulebook, told=False)
        assert answer.json()["recommended"]["objective"] == objective
        assert candidate(scores, of, objective)
