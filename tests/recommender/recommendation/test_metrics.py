"""A metric by name decides the rest of the goal, and by that the loss."""

import pytest

from recommender.errors import UnknownMetric
from recommender.metrics import METRICS
from recommender.profile import Goal, Profile
from recommender.recommendation.recommend import recommend

NAMED = [(name, task) for name, metric in METRICS.items() for task in metric.tasks]
OUTLIERS = Profile(outlier_rate=0.08, residual_scale=1.0, model="linear")
RARE = Profile(positive_share=0.05, class_imbalance=19)


@pytest.mark.parametrize(("metric", "task"), NAMED)
def test_every_metric_can_be_asked_for_and_says_what_follows_from_it(metric: str, task: str) -> None:
    answer = recommend(task, goal=Goal(metric=metric), rulebook="evidence")

    assert answer.experiment.metric == METRICS[metric].title.en
    followed = {part: value for part, value in METRICS[metric].goal.items() if getattr(answer.goal, part) == value}
    assert followed or not METRICS[metric].goal
    codes = {notice.code for notice in answer.warnings}
    assert not codes & {"metric-of-another-task", "metric-has-another-goal", "goal-not-used", "goal-not-elicited"}


@pytest.mark.parametrize(
    ("task", "profile", "metric", "objective"),
    [
        ("regression", OUTLIERS, "rmse", "smooth_l1(beta=1.34)"),
        ("regression", OUTLIERS, "mae", "mae"),
        ("regression", OUTLIERS, "rmsle", "msle"),
        ("regression", OUTLIERS, "mape", "mape"),
        ("regression", OUTLIERS, "smape", "smape"),
        ("regression", OUTLIERS, "crps", "crps_gaussian"),
        ("regression", OUTLIERS, "interval_score", "interval_score"),
        ("regression", Profile(), "ratio_of_totals", "mse"),
        ("count", Profile(), "poisson_deviance", "poisson_nll"),
        ("count", Profile(), "rmsle", "msle"),
        ("binary", RARE, "log_loss", "bce"),
        ("binary", RARE, "auc", "bce"),
        ("binary", RARE, "f1", "bce"),
        ("binary", RARE, "balanced_accuracy", "bce"),
        ("multiclass", Profile(), "top_k_accuracy", "categorical_ce"),
        ("ordinal", Profile(), "qwk", "ordinal_emd2"),
        ("ordinal", Profile(), "ranked_probability_score", "corn"),
        ("ranking", Profile(), "ndcg", "lambda_loss"),
        ("ranking", Profile(), "mrr", "lambda_loss"),
        ("survival", Profile(), "concordance", "cox"),
        ("segmentation", Profile(), "iou", "dice + bce"),
        ("segmentation", Profile(), "hd95", "dice + hausdorff_dt"),
        ("detection", Profile(), "mean_average_precision", "focal + giou"),
        ("generation", Profile(), "psnr", "mae"),
        ("generation", Profile(), "ssim", "0.16*mae + 0.84*ssim"),
        ("similarity", Profile(), "recall_at_1", "triplet(margin=0.2)"),
    ],
)
def test_the_loss_follows_from_the_metric(task: str, profile: Profile, metric: str, objective: str) -> None:
    assert recommend(task, profile=profile, goal=Goal(metric=metric), rulebook="evidence").objective == objective


def test_a_metric_says_where_its_cut_comes_from() -> None:
    costly = Goal(metric="expected_cost", false_negative_cost=9.0)
    decided = {metric: recommend("binary", goal=Goal(metric=metric)) for metric in ("f1", "expected_cost", "log_loss")}
    warned = {metric: {notice.code for notice in answer.warnings} for metric, answer in decided.items()}

    assert ["no-threshold" in codes for codes in warned.values()] == [True, True, False]
    with_cost = recommend("binary", goal=costly).decision
    assert with_cost
    assert with_cost.threshold == 0.1


def test_an_unknown_metric_is_told_the_near_name() -> None:
    with pytest.raises(UnknownMetric, match="Did you mean rmse"):
        recommend("regression", goal=Goal(metric="rmsee"))


def test_what_was_said_beside_the_metric_decides_and_the_difference_is_told() -> None:
    answer = recommend("regression", goal=Goal(metric="mae", functional="mean"))
    other = recommend("binary", goal=Goal(metric="rmse"))

    assert answer.goal.functional == "mean"
    assert "metric-has-another-goal" in {notice.code for notice in answer.warnings}
    assert "metric-of-another-task" in {notice.code for notice in other.warnings}


def test_a_coverage_is_a_goal_of_an_interval() -> None:
    answer = recommend("regression", goal=Goal(coverage=0.8), rulebook="evidence")

    assert (answer.goal.functional, answer.objective) == ("interval", "interval_score(alpha=0.2)")


def test_angles_have_a_loss_of_angles() -> None:
    assert recommend("regression", profile=Profile(support="circular"), rulebook="evidence").objective == "von_mises"
