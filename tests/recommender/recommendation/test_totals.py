"""Whether the total is kept: what the flagged items carry, what robust losses would add up to, and who says so."""

import math
from typing import get_args

import numpy as np
import pytest
import torch

from losses.contract.registry import catalogue
from recommender.measure import measure_profile
from recommender.profile import Goal, Profile
from recommender.recommendation.checks.goal import _FUNCTIONALS
from recommender.recommendation.recommend import recommend
from recommender.rules.table import RulebookName
from tests.recommender.measure.measured import number

AMOUNTS = torch.from_numpy(np.random.default_rng(7).lognormal(0, 1, 20_000))
MEAN = Goal(functional="mean")


def test_flagged_items_carry_their_share_of_the_sum() -> None:
    targets = torch.cat([torch.arange(1.0, 100.0), torch.tensor([1000.0, 3000.0])])

    measured = measure_profile("regression", targets)

    share = measured.profile.outlier_sum_share
    assert number(measured, "outlier_sum_share") == pytest.approx(4000 / (4000 + 99 * 50))
    assert share is not None
    assert share.interval[0] < share.value < share.interval[1]  # type: ignore[union-attr,index] # measured with an interval


def test_its_interval_is_that_of_a_ratio_of_sums() -> None:
    drawn = np.random.default_rng(3)
    shares = []
    for _ in range(200):
        sample = torch.from_numpy(drawn.lognormal(0, 1, 500))
        shares.append(measure_profile("regression", sample).profile.number("outlier_sum_share"))
    one = measure_profile("regression", torch.from_numpy(drawn.lognormal(0, 1, 500))).profile

    low, high = one.interval("outlier_sum_share") or (math.nan, math.nan)
    assert (high - low) / 3.92 == pytest.approx(np.std([share or 0 for share in shares]), rel=0.5)


@pytest.mark.parametrize("targets", [torch.tensor([-1.0, 1.0, 50.0]), torch.zeros(9)], ids=["signed", "nothing"])
def test_totals_that_mean_nothing_are_not_measured(targets: torch.Tensor) -> None:
    profile = measure_profile("regression", targets).profile

    assert (profile.outlier_sum_share, profile.total_under_huber, profile.total_under_mae) == (None, None, None)


def test_what_robust_losses_add_up_to_is_their_centre_over_the_mean() -> None:
    measured = measure_profile("regression", AMOUNTS)

    mean, median = float(AMOUNTS.mean()), float(np.median(AMOUNTS))
    scale = number(measured, "residual_scale")
    centre = median
    for _ in range(200):
        weights = (1.345 * scale / (AMOUNTS - centre).abs().clamp(min=1e-12)).clamp(max=1)
        centre = float((weights * AMOUNTS).sum() / weights.sum())
    assert number(measured, "total_under_mae") == pytest.approx(median / mean, rel=1e-4)
    assert number(measured, "total_under_huber") == pytest.approx(centre / mean, rel=1e-3)


def test_symmetric_errors_keep_the_total_under_every_loss() -> None:
    level = 10 + torch.randn(4000, generator=torch.Generator().manual_seed(2))

    measured = measure_profile("regression", level, torch.full((4000,), 10.0))

    assert number(measured, "total_under_mae") == pytest.approx(1, abs=0.01)
    assert number(measured, "total_under_huber") == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("profile", "objective"),
    [
        (Profile(support="positive", outlier_rate=0.08, outlier_sum_share=0.3), "mse"),
        (Profile(support="positive", outlier_rate=0.15, outlier_sum_share=0.3, tail_index=1.5), "mse"),
        (Profile(support="positive", outlier_rate=0.08, one_sidedness=0.9), "mse"),
        (Profile(support="nonnegative", tail_index=1.5), "mse"),
        (Profile(support="nonnegative", outlier_rate=0.15, zero_share=0.9), "mse"),
        (Profile(support="nonnegative", zero_share=0.9, variance_power=1.6), "tweedie(power=1.6)"),
        (Profile(support="nonnegative", zero_share=0.9, variance_power=1.6, n=2010), "tweedie(power=1.6)"),
        (Profile(support="nonnegative", zero_share=0.9, variance_power=1.6, n=1990), "mse"),
        (Profile(support="counts", outlier_rate=0.15, dispersion=4.0), "poisson_nll"),
        (Profile(support="counts", outlier_rate=0.15), "poisson_nll"),
        (Profile(support="real", outlier_rate=0.08, one_sidedness=0.9, residual_scale=1.0), "smooth_l1(beta=1.34)"),
        (
            Profile(support="positive", outlier_rate=0.02, outlier_sum_share=0.05, residual_scale=1.0),
            "smooth_l1(beta=1.34)",
        ),
    ],
)
def test_what_nobody_called_errors_is_kept_where_it_carries_the_total(profile: Profile, objective: str) -> None:
    assert recommend("regression", profile=profile, goal=MEAN, rulebook="evidence").objective == objective


def test_items_that_were_called_errors_are_left_out() -> None:
    profile = Profile(support="positive", outlier_rate=0.15, outlier_sum_share=0.3, residual_scale=1.0)

    answer = recommend("regression", profile=profile, goal=Goal(outliers="errors"), rulebook="evidence")

    assert answer.objective == "tukey_biweight(c=4.68)"
    assert "total-is-missed" not in {notice.code for notice in answer.warnings}


def test_zeros_and_counts_are_told_before_outliers_whatever_these_are() -> None:
    for outliers in ("errors", "signal", "unknown"):
        goal = Goal(functional="mean", outliers=outliers)
        zeros = Profile(support="nonnegative", zero_share=0.9, outlier_rate=0.1, variance_power=1.5)
        counts = Profile(support="counts", outlier_rate=0.1)

        answers = [recommend("regression", profile=some, goal=goal, rulebook="evidence") for some in (zeros, counts)]

        assert [answer.objective for answer in answers] == ["tweedie(power=1.5)", "poisson_nll"]


@pytest.mark.parametrize("rulebook", get_args(RulebookName))
def test_the_literal_article_is_given_with_the_total_it_would_cost(rulebook: RulebookName) -> None:
    profile = measure_profile("regression", AMOUNTS).profile

    answer = recommend("regression", profile=profile, goal=MEAN, rulebook=rulebook)

    assert answer.article
    assert answer.article.objective.startswith("smooth_l1")
    code = "total-is-missed" if rulebook == "article" else "article-misses-total"
    text = {notice.code: notice.text for notice in answer.warnings}[code]
    assert f"{profile.number('total_under_huber'):.0%} of the true total" in text


def test_what_every_loss_of_numbers_learns_is_known() -> None:
    learnt = {loss.elicits for loss in catalogue().values() if {"regression", "count"} & set(loss.tasks)}

    assert learnt <= set(_FUNCTIONALS)


@pytest.mark.parametrize(("functional", "known"), [("mean", True), ("median", True), ("quantile", False)])
def test_a_loss_that_learns_something_else_is_told(functional: str, known: bool) -> None:  # noqa: FBT001 - a column of the table
    profile = Profile(outlier_rate=0.15, residual_scale=1.0)
    goal = Goal(functional=functional, outliers="errors", quantile=0.95 if functional == "quantile" else None)  # type: ignore[arg-type] # the literals of Goal

    answer = recommend("regression", profile=profile, goal=goal)

    text = {notice.code: notice.text for notice in answer.warnings}["goal-not-elicited"]
    assert ("They agree where errors are symmetric" in text) == known


def test_tukey_under_a_goal_of_the_mean_is_told() -> None:
    profile = Profile(outlier_rate=0.15, residual_scale=1.0)

    answer = recommend("regression", profile=profile, goal=MEAN, rulebook="evidence")

    assert answer.objective.startswith("tukey_biweight")
    assert "goal-not-elicited" in {notice.code for notice in answer.warnings}


def test_shares_learnt_by_cross_entropy_keep_their_mean() -> None:
    shares = torch.from_numpy(np.random.default_rng(5).beta(0.2, 2, 2000))

    answer = recommend("regression", profile=measure_profile("regression", shares).profile, rulebook="evidence")

    assert answer.objective == "bce"
    assert "total-is-missed" not in {notice.code for notice in answer.warnings}
