"""The arithmetic of the families of the regret benchmark, on rows small enough to check by hand."""

import numpy as np
import pytest
import torch

from benchmarks.regret.families import recipes
from benchmarks.regret.families.classes import long_tail, wrong_labels
from benchmarks.regret.families.counts import deviance, pinball, thinned
from benchmarks.regret.families.grades import best_cuts, cut, kappa
from benchmarks.regret.families.lists import ndcg, pairs, reciprocal_rank
from benchmarks.regret.protocol import protocol
from benchmarks.regret.tables import Table
from benchmarks.regret.training import Candidate, Part, weighed
from recommender.metrics.metric import Judged
from recommender.metrics.table import METRICS

SEEN = np.arange(1000)


def table(targets: np.ndarray) -> Table:
    return Table("made", "made", np.zeros((len(targets), 1)), targets.astype(float))


def listed(scores: list[float], relevance: list[float]) -> tuple[torch.Tensor, Part]:
    taken = torch.tensor([[True] * len(scores) + [False]])
    return torch.tensor([[*scores, 9.0]]), Part(
        torch.zeros(1, len(scores) + 1, 1), torch.tensor([[*relevance, 0.0]]), taken
    )


def test_a_family_is_a_file_and_stands_in_the_protocol() -> None:
    listed = protocol().families

    assert {"classes", "counts", "grades", "lists", "quantiles"} == set(recipes())
    assert all(listed[name] is recipe.protocol or listed[name] == recipe.protocol for name, recipe in recipes().items())
    for recipe in recipes().values():
        assert sorted(recipe.strata) == recipe.protocol.strata
        assert set(recipe.told) <= set(recipe.strata)


def test_wrong_labels_are_in_another_class() -> None:
    targets = np.arange(1000) % 4

    changed, seen = wrong_labels(0.2)(table(targets), SEEN[:500], np.random.default_rng(0))

    assert (changed.targets[:500] != targets[:500]).mean() == pytest.approx(0.2)
    assert (changed.targets[500:] == targets[500:]).all()
    assert set(np.unique(changed.targets)) == {0, 1, 2, 3}
    assert (seen == SEEN[:500]).all()


def test_a_long_tail_keeps_a_twentieth_of_the_rarest_class() -> None:
    _, seen = long_tail(table(np.arange(1000) % 4), SEEN, np.random.default_rng(0))

    counts = sorted(np.bincount(seen % 4), reverse=True)
    assert (counts[0], counts[-1]) == (250, 12)


def test_thinned_counts_hardly_spread_more_than_their_mean() -> None:
    counts = np.random.default_rng(0).negative_binomial(0.5, 0.05, 20000)

    changed, _ = thinned(table(counts), SEEN, np.random.default_rng(0))

    assert counts.var() / counts.mean() > 15
    assert changed.targets.var() / changed.targets.mean() == pytest.approx(1.3, abs=0.1)


def test_quadratic_kappa_is_that_of_the_metrics() -> None:
    rng = np.random.default_rng(0)
    labels, decided = rng.integers(0, 5, 60), rng.integers(0, 5, 60)
    reference = METRICS["qwk"].compute

    assert reference is not None
    ours = kappa(torch.from_numpy(decided).double(), torch.from_numpy(labels).double())
    assert float(ours) == pytest.approx(reference(Judged(labels, np.eye(5)[decided])))


def test_the_best_cuts_undo_a_shrunken_mean() -> None:
    labels = torch.arange(5).repeat(20).double()
    means = (2 + 0.1 * (labels - 2))[None]

    cuts = best_cuts(means, labels, 4)

    assert float(kappa(means.round(), labels)) == 0
    assert float(kappa(cut(means, cuts), labels)) > 0.95


def test_lists_are_scored_without_the_places_that_nothing_takes() -> None:
    scores, part = listed([0.3, 0.2, 0.1], [0.0, 2.0, 1.0])
    gains = 3 / np.log2(3) + 1 / np.log2(4)

    assert float(ndcg(scores, part)) == pytest.approx(gains / (3 + 1 / np.log2(3)))
    assert float(pairs(scores, part)) == pytest.approx(1 / 3)
    assert float(reciprocal_rank(scores, part)) == pytest.approx(1 / 2)


def test_errors_of_counts_are_those_of_the_metrics() -> None:
    means, counts = np.array([0.5, 2.0, 4.0]), np.array([0.0, 3.0, 4.0])
    reference = METRICS["poisson_deviance"].compute

    assert reference is not None
    assert float(deviance(torch.tensor(means), torch.tensor(counts))) == pytest.approx(reference(Judged(counts, means)))
    assert float(pinball(torch.tensor([2.0, -2.0]), 0.9)) == pytest.approx((1.8 + 0.2) / 2)


def test_the_loss_of_each_replica_is_the_mean_over_its_items() -> None:
    part = Part(torch.zeros(3, 1), torch.tensor([0.0, 1.0, 2.0]))
    raw = torch.tensor([[[0.0], [0.0], [0.0]], [[1.0], [1.0], [2.0]]])

    assert weighed(Candidate("mse"), part)(raw).tolist() == pytest.approx([5 / 3, 1 / 3])


def test_corn_weighs_items_by_the_thresholds_they_reach() -> None:
    part = Part(torch.zeros(2, 1), torch.tensor([0.0, 2.0]))
    corn = Candidate("corn", lambda raw: {"predictions": raw.flatten(0, 1)})

    assert weighed(corn, part)(torch.zeros(1, 2, 2)).tolist() == pytest.approx([np.log(2)])
