"""The arithmetic of the regret benchmark on matrices small enough to check by hand, and what the engine reads."""

import json
from collections.abc import Mapping
from typing import get_args

import httpx
import numpy as np
import pytest

from benchmarks.regret.ablation import fidelity
from benchmarks.regret.cells import Cell, Row, read, seed_of
from benchmarks.regret.cite import CITED, by_rule, version
from benchmarks.regret.policies import Matrix, UntrainedError, decided, literal
from benchmarks.regret.protocol import DeviationError, Metric, check, protocol
from benchmarks.regret.score import ARTICLE, BEST_CONSTANT, EVIDENCE, ORACLE, Family, Scored, best_constant
from benchmarks.regret.statistics import (
    WinCounts,
    cluster_means,
    estimate,
    gap_closed,
    noise_by_cluster,
    noise_of_mean,
    of_pairs,
    win_counts,
)
from benchmarks.regret.tuning import Tuner
from recommender.profile import Goal
from recommender.rules import ROWS
from recommender.rules.measured_regret import measured_regrets, regrets
from recommender.rules.table import RulebookName
from recommender.rules.thresholds import THRESHOLDS
from tests.conftest import Client

FAMILIES = list(protocol().families)
RMSE = protocol().families["regression"].metrics[0]
AUC = Metric(name="auc", shown="AUC", better=1, relative=False, goal=Goal(decision="ranking"))


def cell(half: str, cluster: str = "one") -> Cell:
    return Cell("regression", f"table of {cluster}", cluster, "t3 noise", "linear", half)


def matrix(scores: Mapping[Cell, Mapping[str, float]], metric: Metric = RMSE, rate: float = 0.0) -> Matrix:
    rows = [
        Row(of, name, name, metric.name, value, 0.1)
        for of, by_objective in scores.items()
        for name, value in by_objective.items()
    ]
    question = {"task": "regression", "profile": {"outlier_rate": rate, "residual_scale": 1 / 1.345}}
    return Matrix.of("regression", metric, rows, {of.key: question for of in scores})


SMALL = matrix(
    {
        cell("a"): {"mse": 2.0, "mae": 3.0},
        cell("b"): {"mse": 5.0, "mae": 4.0},
    }
)


def scored(scores: Matrix, **chosen: list[str]) -> Scored:
    named = {
        EVIDENCE: chosen["evidence"],
        ARTICLE: chosen["article"],
        BEST_CONSTANT: chosen["constant"],
        ORACLE: [scores.oracle(of) for of in scores.cells],
    }
    policies = {
        policy: np.array([scores.regret(of, name) for of, name in zip(scores.cells, names, strict=True)])
        for policy, names in named.items()
    }
    rules = {EVIDENCE: ["evidence.regression.clean"] * 2, ARTICLE: ["regression.no_outliers"] * 2}
    return Scored(scores, named, policies, rules, ["mae"])


def test_the_oracle_is_chosen_in_the_other_half() -> None:
    assert (SMALL.oracle(cell("a")), SMALL.oracle(cell("b"))) == ("mae", "mse")
    assert SMALL.regret(cell("a"), "mse") == pytest.approx(2 / 3 - 1)
    assert SMALL.regret(cell("b"), "mae") == pytest.approx(4 / 5 - 1)
    assert SMALL.regret(cell("a"), "mae") == 0


def test_scores_are_compared_by_difference() -> None:
    cells = matrix({cell("a"): {"bce": 0.8, "focal": 0.9}, cell("b"): {"bce": 0.7, "focal": 0.75}}, AUC)

    assert cells.regret(cell("a"), "bce") == pytest.approx(0.1)
    assert cells.regret(cell("b"), "bce") == pytest.approx(0.05)


def test_a_run_that_diverged_is_as_bad_as_the_worst_of_its_cell() -> None:
    cells = matrix({cell("a"): {"mse": float("nan"), "mae": 3.0, "log_cosh": 2.0}, cell("b"): {"mse": 1.0}})

    assert (cells.scores[cell("a")]["mse"], cells.diverged) == (3.0, 1)


def test_every_cluster_counts_the_same() -> None:
    assert cluster_means(np.array([1.0, 3.0, 10.0]), ["x", "x", "y"]).tolist() == [2, 10]
    assert estimate(np.array([1.0, 3.0, 10.0]), ["x", "x", "y"]).mean == (2 + 10) / 2


def test_halves_of_a_cell_are_averaged_before_the_tail_is_looked_at() -> None:
    assert of_pairs(np.array([0.2, -0.1, 0.0, 0.02])).tolist() == pytest.approx([0.05, 0.01])


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


def test_noise_shrinks_with_the_root_of_the_number_of_independent_runs() -> None:
    four, clusters = np.full(4, 0.01), ["a", "a", "b", "b"]

    assert noise_by_cluster(four, clusters).tolist() == pytest.approx([1.96 * 0.1 / 2**0.5] * 2)
    assert noise_of_mean(four, clusters) == pytest.approx(1.96 * 0.1 / 4**0.5)


def test_a_difference_within_the_noise_is_a_tie() -> None:
    assert win_counts(np.array([-0.2, 0.05, -0.05, 0.3]), np.full(4, 0.1)) == WinCounts(wins=1, ties=2, losses=1)


def test_policies_that_choose_alike_differ_by_no_noise() -> None:
    policies = scored(SMALL, evidence=["mse", "mae"], article=["mae", "mae"], constant=["mae", "mae"])

    assert policies.variances(EVIDENCE, BEST_CONSTANT).tolist() == pytest.approx([(0.1 / 3) ** 2, 0])
    assert policies.noise(ARTICLE, BEST_CONSTANT) == 0


def test_a_rule_is_cited_with_what_the_other_book_and_the_best_constant_cost_there() -> None:
    policies = scored(SMALL, evidence=["mse", "mse"], article=["mae", "mse"], constant=["mae", "mae"])

    entry = dict(by_rule(policies))["evidence.regression.clean"]

    assert entry.mean_regret == pytest.approx((-1 / 3 + 0) / 2, abs=1e-5)
    assert (entry.other_book, entry.best_constant) == pytest.approx((0, -0.1), abs=1e-5)
    assert (entry.cells, entry.clusters, entry.unit) == (2, 1, "relative")


def test_the_best_constant_is_chosen_without_the_clusters_it_is_scored_on() -> None:
    one = {cell(half, "one"): {"mse": 1.0, "mae": 2.0} for half in "ab"}
    two = {cell(half, "two"): {"mse": 1.5, "mae": 1.0} for half in "ab"}
    cells = matrix(one | two)

    assert (best_constant(cells, ["one"]), best_constant(cells, ["two"])) == ("mae", "mse")


def test_a_threshold_is_left_only_for_one_that_is_better_by_more_than_a_standard_error() -> None:
    name = "evidence.outliers.some"
    clusters = ("one", "two", "three")

    def tuned(first: float, *others: float) -> float:
        worth = zip(clusters, (first, *others), strict=True)
        cells = {cell(half, of): {"mse": 1.0, "smooth_l1": 1 + gain, "mae": 1.0} for of, gain in worth for half in "ab"}
        tuner = Tuner([matrix(cells, rate=0.005)], {name: [0.003, 0.01]})
        return tuner.tuned()[name]

    assert THRESHOLDS[name][0].default < 0.005
    assert tuned(0.1, 0.11, 0.09) == 0.01
    assert tuned(0.3, -0.1, -0.1) == THRESHOLDS[name][0].default


def test_printed_counterfactuals_are_checked_on_both_sides() -> None:
    policies = scored(SMALL, evidence=["mse", "mse"], article=["mse", "mse"], constant=["mae", "mae"])
    family = Family("regression", {"rmse": policies}, {}, {"one": {}})

    assert fidelity(family, policies) == (1, 1, 1)


def test_an_objective_that_was_not_trained_is_an_error_and_names_it() -> None:
    with pytest.raises(UntrainedError, match="huber was not trained"):
        SMALL.candidate(cell("a"), "huber")


def test_results_that_the_protocol_does_not_describe_are_refused() -> None:
    row = Row(cell("a")._replace(stratum="made up"), "mse", "mse", "rmse", 1.0, 0.1)

    with pytest.raises(DeviationError, match=r"strata of protocol and results differ in .*made up"):
        check("regression", [row])


@pytest.mark.parametrize("family", FAMILIES)
def test_stored_results_are_those_of_the_protocol(family: str) -> None:
    rows, questions = read(family)

    check(family, rows)
    assert {row.cell.key for row in rows} == set(questions)


def test_seeds_depend_on_names_alone() -> None:
    assert seed_of("a", 1) == seed_of("a", 1) != seed_of("a", 2)


def test_the_article_read_literally_has_no_computed_parameters() -> None:
    assert literal("focal(alpha=0.97)") == "focal"
    assert literal("smooth_l1(beta=2.82)") == "smooth_l1"
    assert literal("dice(group=batch)") == "dice"
    assert literal("mae") == "mae"


def test_the_file_of_the_engine_belongs_to_the_stored_scores_and_to_rules_that_exist() -> None:
    cited = json.loads(CITED.read_text())

    assert cited["version"] == version() == measured_regrets().version
    assert set(cited["rules"]) <= {row.name for row in ROWS}
    entries = regrets("evidence.regression.outliers")
    assert {entry.metric for entry in entries} == {"RMSE"}
    assert all(entry.interval[0] <= entry.mean_regret <= entry.interval[1] for entry in entries)


@pytest.mark.anyio
@pytest.mark.parametrize("family", FAMILIES)
async def test_what_tuning_reads_off_the_rules_is_what_http_answers(client: Client, family: str) -> None:
    rows, questions = read(family)

    async with client() as http:
        for metric in protocol().families[family].metrics:
            scores = Matrix.of(family, metric, rows, questions)
            for of in scores.cells[:: max(1, len(scores.cells) // 12)]:
                await _same_over_http(http, scores, of)


async def _same_over_http(http: httpx.AsyncClient, scores: Matrix, of: Cell) -> None:
    question = scores.question(of, {}, told=True)
    for rulebook in get_args(RulebookName):
        answer = await http.post("/v1/recommend", json={**question, "rulebook": rulebook})

        if rulebook == "article" and answer.json()["article"] is None:  # a task that it does not speak of
            assert not scores.situation(of).task.row.in_article
            continue
        objective = answer.json()["recommended"]["objective"]
        assert objective == decided(scores.situation(of), rulebook)
        assert scores.candidate(of, objective)
