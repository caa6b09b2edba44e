"""Ranking: queries stay whole, losses of lists train side by side, and nDCG of each query judges."""

from typing import Any

import numpy as np
import pytest
import torch

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from recommender.errors import BadExperiment
from recommender.experiment import ExperimentQuestion, plan, quick, run_unit, verdict
from recommender.experiment.candidates import USUAL
from recommender.experiment.training.batches import ABSENT, LONGEST, Fold, Lists, row_batches, spread_batches
from recommender.experiment.training.inputs import prepared_folds
from recommender.experiment.training.reading import Reading
from recommender.experiment.training.replica_losses import Trained, mean_loss
from recommender.metrics import Judged, score
from recommender.tasks import Task

QUERIES = 60


def table(seed: int = 0, queries: int = QUERIES, per_query: int = 8) -> dict[str, Any]:
    """Return lists of about eight rows whose relevance, 0 to 4, follows from `a` and `b` within each query."""
    rng = np.random.default_rng(seed)
    n = queries * per_query
    query = rng.permutation(np.arange(n) % queries)
    x = rng.normal(size=(n, 3))
    relevance = np.clip(np.round(x @ np.array([1.5, -1.0, 0.0]) + rng.normal(0, 0.5, n) + 1), 0, 4)
    return {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "query": query, "relevance": relevance}


def asked(**fields: Any) -> ExperimentQuestion:  # noqa: ANN401 - any field of the question
    usual = {"target": "relevance", "query": "query", "models": ["linear"], "folds": 3, "repeats": 1}
    return ExperimentQuestion(**{**usual, **fields})


def test_lists_are_learnt_under_every_loss_and_judged_by_ndcg() -> None:
    planned = plan(asked(models=["linear", "mlp"]), table())

    report = verdict(planned, [run_unit(planned, unit, rates=(0.03,), steps=60) for unit in planned.units])

    assert (report.task, report.metric, report.verdict.incumbent) == ("ranking", "ndcg", "lambda_loss")
    assert {standing.objective for standing in report.standings} == set(USUAL[Task.RANKING])
    assert all(0.8 < standing.value <= 1 for standing in report.standings if standing.value is not None)
    assert not any(standing.diverged for standing in report.standings)
    assert report.difference_unit == "absolute"
    assert f"the mean over {QUERIES} queries" in report.verdict.selection
    assert report.extreme_rows == []


def test_no_query_is_split_between_folds() -> None:
    planned = plan(asked(repeats=3), table())

    for partition in planned.partitions:
        assert planned.queries is not None
        assert all(len(set(partition[planned.queries == query])) == 1 for query in range(QUERIES))
        assert set(partition) == {0, 1, 2}


BAD = [
    ("no query", {"query": None, "task": "ranking"}, {}, "query", "says which query a row belongs to in query."),
    ("no such column", {"query": "queries"}, {}, "query", "Did you mean query"),
    ("another task", {"task": "regression"}, {}, "query", "ask with groups"),
    ("queries of one row", {}, {"query": np.arange(480)}, "query", "Every query has one row"),
    ("one relevance a query", {}, {"relevance": table()["query"] % 5}, "target", "all as relevant"),
    ("few queries", {"folds": 5}, {"query": np.arange(480) % 19}, "query", "19 queries"),
    ("a missing query", {}, {"query": [None, *["q"] * 479]}, "query", "missing values"),
    ("relevance below 0", {}, {"relevance": table()["relevance"] - 1}, "target", "0 or more"),
    ("texts as relevance", {}, {"relevance": ["good", "bad"] * 240}, "target", "texts"),
    ("groups", {"groups": "c"}, {}, "groups", "leave groups out"),
    ("weights", {"weights": "w"}, {"w": np.ones(480)}, "weights", "leave weights out"),
    ("order", {"order": "a"}, {}, "order", "leave order out"),
    ("half of a query held out", {"held_out": "h"}, {"h": np.arange(480) < 100}, "held_out", "in part"),
    ("a loss of classes", {"candidates": ["bce"]}, {}, "candidates", "lambda_loss"),
    ("another metric", {"goal": {"metric": "rmse"}}, {}, "goal.metric", "these do: ndcg"),
]


@pytest.mark.parametrize(("fields", "columns", "field", "said"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_what_cannot_be_ranked_is_refused_before_anything_trains(
    fields: dict[str, Any], columns: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(BadExperiment) as refusal:
        plan(asked(**fields), {**table(), **columns})

    assert refusal.value.facts["field"] == field
    assert said in str(refusal.value)


def test_queries_without_an_order_are_left_out_and_it_is_said() -> None:
    columns = table()
    columns["relevance"] = np.where(columns["query"] < 5, 2.0, columns["relevance"])

    planned = plan(asked(), columns)

    assert planned.n == 480 - 5 * 8
    assert (columns["query"][planned.rows] >= 5).all()
    assert any(text.en.startswith("5 queries") for text in planned.notices)


@pytest.mark.parametrize("field", ["query", "groups"])
def test_ids_beyond_what_float64_tells_apart_are_not_merged(field: str) -> None:
    columns = table()
    far = {**columns, "query": columns["query"] + (1 << 62)}
    fields = {"query": "query"} if field == "query" else {"query": None, "groups": "query", "task": "regression"}

    near_by, far_away = plan(asked(**fields), columns), plan(asked(**fields), far)

    assert [split.tolist() for split in far_away.partitions] == [split.tolist() for split in near_by.partitions]


def test_a_sample_holds_whole_queries() -> None:
    columns = table()

    planned = plan(asked(), columns, most_rows=200)

    sampled = set(columns["query"][planned.rows])
    assert planned.n == np.isin(columns["query"], list(sampled)).sum() <= 200


def test_a_quick_experiment_ranks_too() -> None:
    report, _ = quick(asked(), table())

    assert report.standings[0].value is not None
    assert report.standings[0].value > 0.8


def test_rows_held_out_are_judged_query_by_query() -> None:
    columns = table()
    planned = plan(asked(held_out="last", candidates=["ranknet"]), {**columns, "last": columns["query"] >= 40})

    report = verdict(planned, [run_unit(planned, planned.units[0], rates=(0.03,), steps=60)])

    assert all(standing.held_out == pytest.approx(standing.value, abs=0.1) for standing in report.standings)


def test_nothing_of_the_queries_that_a_fold_holds_out_enters_its_models() -> None:
    columns = table()
    question = asked(candidates=["ranknet", "mse"])
    is_held_out = plan(question, columns).partitions[0] == 0
    moved = {**columns, "relevance": np.where(is_held_out, 4 - columns["relevance"], columns["relevance"])}

    first, second = (
        run_unit(own, own.units[0], rates=(0.03,), steps=40).predictions
        for own in (plan(question, columns), plan(question, moved))
    )

    apart = abs(first - second).max((0, 1, 2))
    assert apart[is_held_out].max() < 1e-5
    assert apart[~is_held_out].max() > 0.1


@pytest.mark.parametrize("objective", [name for name in USUAL[Task.RANKING] if name != "mse"])
def test_replicas_of_padded_lists_have_the_losses_of_the_lists_alone(objective: str) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.tensor([[[0, 1, 2, 3], [4, 5, 6, ABSENT]], [[7, 8, ABSENT, ABSENT], [9, 10, 11, 12]]])
    raw = torch.randn(2, 3, 8, 1, generator=generator, dtype=torch.float64)
    relevance = torch.tensor([0.0, 1, 2, 0, 3, 1, 0, 2, 1, 0, 4, 1, 1], dtype=torch.float64)
    zeros = torch.zeros(2, 1, 1, 1, dtype=torch.float64)
    entry = Trained(parse(objective), Reading("order", zeros, zeros + 1), relevance)

    means = mean_loss(entry, raw, rows, None)

    for fold in range(2):
        for replica in range(3):
            scores, kept = raw[fold, replica, :, 0].reshape(2, 4), rows[fold] != ABSENT
            given = {"predictions": scores, "targets": relevance[rows[fold].clamp(min=0)]}
            alone = evaluate(parse(objective), given, mask=kept).value
            assert float(means[fold, replica]) == pytest.approx(alone, rel=1e-12)


def test_pointwise_losses_count_the_rows_that_there_are() -> None:
    rows = torch.tensor([[[0, 1], [2, ABSENT]]])
    raw = torch.tensor([[[[1.0], [2.0], [3.0], [99.0]]]])
    zeros = torch.zeros(1, 1, 1, 1)
    entry = Trained(parse("mse"), Reading("identity", zeros, zeros + 1), torch.zeros(3))

    assert mean_loss(entry, raw, rows, None).item() == pytest.approx((1 + 4 + 9) / 3)


def test_batches_are_whole_lists_of_training_rows_and_long_ones_are_drawn_from() -> None:
    query = torch.arange(299) % 3  # 33 rows of each after the first 200
    query[:200] = 3  # more rows than a batch has room for
    train = (query != 1).nonzero()[:, 0]
    fold = Fold(torch.zeros(299, 1), train, (query == 1).nonzero()[:, 0], Lists.of(train, query))

    drawn = list(row_batches([fold], 0, 6, 128))

    lists = [[row for row in rows if row != ABSENT] for batch in drawn for rows in batch[0].tolist()]
    assert {len(own) for own in lists} == {33, LONGEST}
    assert all(len(set(query[own].tolist())) == 1 and len(set(own)) == len(own) for own in lists)
    assert not {1} & {int(query[own[0]]) for own in lists}
    long = [own for own in lists if query[own[0]] == 3]
    assert long[0] != long[1]
    first, second = (torch.cat([batch.flatten() for batch in spread_batches([fold], 128, 2)]) for _ in range(2))
    assert torch.equal(first, second)


def test_folds_know_the_lists_of_their_own_training_rows() -> None:
    planned = plan(asked(), table())

    for place, fold in enumerate(prepared_folds(planned, 0)):
        assert fold.lists is not None
        assert planned.queries is not None
        assert fold.items == len(set(planned.queries[planned.training_rows(0, place)]))
        assert sorted(fold.lists.rows.tolist()) == fold.train.tolist()


def test_equal_scores_gain_what_a_random_order_gains_on_average() -> None:
    relevance = np.array([3.0, 0.0])
    judged = Judged(relevance, np.zeros(2), queries=np.zeros(2, int))

    both = [score("ndcg", judged._replace(predictions=np.array(order))) for order in ([1.0, 0.0], [0.0, 1.0])]

    assert score("ndcg", judged) == pytest.approx(np.mean(both))
    assert both[0] == 1


def test_the_relevance_of_a_list_may_be_as_large_as_float64_holds() -> None:
    judged = Judged(np.array([5000.0, 4999.0, 0.0]), np.array([1.0, 2.0, 0.0]), queries=np.zeros(3, int))

    assert score("ndcg", judged) == pytest.approx((0.5 + 1 / np.log2(3)) / (1 + 0.5 / np.log2(3)))


def test_a_seed_gives_the_same_ranking_verdict_twice() -> None:
    planned = plan(asked(candidates=["ranknet", "approx_ndcg"]), table())

    first, second = (run_unit(planned, planned.units[0], rates=(0.03,), steps=30) for _ in range(2))

    assert verdict(planned, [first]) == verdict(planned, [second])
