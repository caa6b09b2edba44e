"""Recommended probabilities are true once repaired, and recommended quantiles cover what they say."""

import pytest

from benchmarks.calibration import MOST_OFF_COVERAGE, MOST_OFF_PROBABILITY, coverages, probabilities


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_are_true_after_repair_whatever_the_decision(seed: int) -> None:
    off = dict(probabilities(seed))

    assert set(off) == {"probabilities", "ranking", "accuracy", "balanced"}
    assert max(off.values()) <= MOST_OFF_PROBABILITY


@pytest.mark.parametrize("seed", [1, 6])
def test_quantiles_cover_what_they_say(seed: int) -> None:
    off = dict(coverages(seed))

    assert max(abs(miss) for miss in off.values()) <= MOST_OFF_COVERAGE
