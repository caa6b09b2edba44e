"""Facts of targets and predictions of a regression."""

from recommender.measure import warnings
from recommender.measure.infer_task import infer_task
from recommender.measure.measurement import Facts, Given, RequiredItems, TaskMeasurement
from recommender.measure.numbers.heteroscedasticity import (
    SAMPLED,
    heteroscedasticity,
    relation_details,
    variance_power,
)
from recommender.measure.numbers.residual_blocks import ResidualStream
from recommender.measure.numbers.residual_scores import ResidualSummary, summarise
from recommender.measure.numbers.residuals import (
    mean_median_gap,
    one_sidedness,
    outlier_magnitude,
    outlier_rate,
    outlier_sum_share,
    residual_details,
    residual_scale,
    skewness,
    tail_index,
    total_under_huber,
    total_under_mae,
)
from recommender.measure.numbers.target_values import (
    Amounts,
    amount_details,
    amounts,
    are_counts,
    dispersion,
    support,
    zero_share,
)
from recommender.tasks import Task

ENOUGH_FOR_TAIL = 400  # items: 40 in the tail, and the index known to 31 %
ENOUGH_FOR_SHAPE = 250  # items: the medcouple known to 0.14, the ratio of two spreads to a factor of 1.6


def regression(given: Given) -> TaskMeasurement:
    """Return the facts of residuals; without predictions, those of the targets.

    Raises: ShapeMismatch, NonFiniteInput.
    """
    stream = ResidualStream(given.targets, given.predictions)
    target_amounts = amounts(stream)
    residuals = summarise(stream)
    warning_texts = []
    task, reason = infer_task(given.targets)
    if given.task is Task.REGRESSION is not task:
        warning_texts.append(warnings.looks_like(task, reason))
    if given.task is Task.COUNT and not are_counts(target_amounts):
        warning_texts.append(warnings.NOT_COUNTS)
    if given.predictions is None:
        warning_texts.append(warnings.ON_TARGETS)
    evidence = RequiredItems(stream.items)
    facts = residual_facts(residuals, evidence) | _target_facts(target_amounts, stream, given.features)
    details = residual_details(residuals) | amount_details(target_amounts, stream)
    if facts["residual_scale"] is None:
        warning_texts.append(warnings.NO_SPREAD)
    if given.predictions is not None and stream.width == 1:
        _add_spread_relations(stream, facts, evidence)
        if evidence.enough("breusch_pagan", ENOUGH_FOR_SHAPE):
            details |= relation_details(stream.sample(SAMPLED), stream.items)
    elif given.predictions is not None:
        warning_texts.append(warnings.SEVERAL_OUTPUTS)
    if evidence.short:
        warning_texts.append(warnings.too_few(evidence))
    return TaskMeasurement(facts, warning_texts, details)


def residual_facts(summary: ResidualSummary, evidence: RequiredItems) -> Facts:
    """Return every fact of the residuals for which there are enough items."""
    skewed, gap = (evidence.enough(name, ENOUGH_FOR_SHAPE) for name in ("skewness", "mean_median_gap"))
    return {
        "outlier_rate": outlier_rate(summary),
        "residual_scale": residual_scale(summary),
        "one_sidedness": one_sidedness(summary),
        "outlier_magnitude": outlier_magnitude(summary),
        "outlier_sum_share": outlier_sum_share(summary),
        "total_under_huber": total_under_huber(summary),
        "total_under_mae": total_under_mae(summary),
        "tail_index": tail_index(summary) if evidence.enough("tail_index", ENOUGH_FOR_TAIL) else None,
        "skewness": skewness(summary) if skewed else None,
        "mean_median_gap": mean_median_gap(summary) if gap else None,
    }


def _target_facts(target_amounts: Amounts, stream: ResidualStream, features: int | None) -> Facts:
    """Return the facts of the targets alone: support, share of zeros, and dispersion of counts.

    `features` is the model's number of features, None where unknown. The dispersion is None unless targets are counts.
    """
    target_support = support(target_amounts)
    counts_dispersion = None
    if target_support == "counts":
        has_predictions = stream.predictions is not None
        counts_dispersion = dispersion(target_amounts, stream.items, judged=has_predictions, features=features)
    zeros = zero_share(target_amounts, stream.items)
    return {"support": target_support, "zero_share": zeros, "dispersion": counts_dispersion}


def _add_spread_relations(stream: ResidualStream, facts: Facts, evidence: RequiredItems) -> None:
    """Add to `facts` how the spread of residuals depends on the predictions, measured on a sample of the items."""
    positive = facts["support"] in {"counts", "positive", "nonnegative"}
    block = stream.sample(SAMPLED)
    if evidence.enough("heteroscedasticity", ENOUGH_FOR_SHAPE):
        facts["heteroscedasticity"] = heteroscedasticity(block, stream.items)
    if positive and evidence.enough("variance_power", ENOUGH_FOR_SHAPE):
        facts["variance_power"] = variance_power(block, stream.items)
