"""Rules for one of two classes: costs, cuts, wrong labels, and what is told of the share of positives."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.regret.tables import Array, Table
from benchmarks.regret.training import Candidate, Part, Sample
from benchmarks.rules.data import known, nothing_known, real, tables
from benchmarks.rules.readings import logit
from benchmarks.rules.record import Record, Rival
from losses.contract.expression import parse
from losses.description.probability import probability_map
from recommender.measure import measure_profile
from recommender.profile import Goal, Profile
from recommender.tasks import Task

COST = 10.0  # of a missed positive, in false alarms
HALF = 0.5
CLOSEST = 1e-6  # a probability to 0 or 1 in the log loss
IMBALANCED = 9.0  # the article's some imbalance, from which the rule speaks
REPEATS = 54  # as many as there are tables
DATA = "Real binary tables, most of them imbalanced, out of the regret benchmark, as they are."
FLIPPED = "Real binary tables out of the regret benchmark, {} of the labels seen in training flipped."


def every() -> Sequence[Table]:
    """Return all binary tables."""
    return tables("binary")


def imbalanced() -> Sequence[Table]:
    """Return those with at least nine negatives to a positive."""
    return [table for table in every() if table.targets.mean() <= 1 / (1 + IMBALANCED)]


def flipped(share: float) -> Callable[[Array, np.random.Generator], Array]:
    """Return what flips that share of labels, each as likely."""

    def spoil(targets: Array, rng: np.random.Generator) -> Array:
        hit = rng.random(len(targets)) < share
        return np.where(hit, 1 - targets, targets)

    return spoil


def repaired(objective: str, sample: Sample) -> Candidate:
    """Return the output as a logit, judged as the probability that the printed repair makes of it."""
    entry, repair = logit(objective, sample), probability_map(parse(objective))
    if repair is None:
        return entry
    names: dict[str, Callable[[Tensor], Tensor]] = {}
    exec(repair.code, names)  # noqa: S102 - the code a reader of a recommendation is given
    return Candidate(objective, entry.inputs, lambda raw: names["probability"](entry.predict(raw).double().logit()))


def _hits(predicted: Tensor, part: Part, cut: float | Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return how many positives are found, missed, and falsely found. Shapes: (..., n) -> (...)."""
    found, positive = predicted >= cut, part.targets > 0
    return (found & positive).sum(-1), (~found & positive).sum(-1), (found & ~positive).sum(-1)


def cost_at(cut: float) -> Callable[[Tensor, Part, Tensor, Part], Tensor]:
    """Return the mean cost an item where probabilities are cut there."""

    def score(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
        _, missed, alarms = _hits(predicted, part, cut)
        return (COST * missed + alarms) / len(part.targets)

    return score


def _f1(predicted: Tensor, part: Part, cut: float | Tensor) -> Tensor:
    hit, missed, alarms = _hits(predicted, part, cut)
    return 2 * hit / (2 * hit + missed + alarms).clamp(min=1)


def f1_at_half(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return F1 of probabilities cut at a half."""
    return _f1(predicted, part, HALF)


def f1_tuned(held: Tensor, kept: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return F1 of probabilities cut where F1 is highest on the validation part."""
    cuts = torch.quantile(held, torch.linspace(0.02, 0.98, 49, dtype=held.dtype), dim=-1)
    best = torch.stack([_f1(held, kept, cut[..., None]) for cut in cuts]).argmax(0)
    cut = cuts.gather(0, best[None])[0]
    return _f1(predicted, part, cut[..., None])


def _balanced(predicted: Tensor, part: Part, cut: float) -> Tensor:
    hit, missed, alarms = _hits(predicted, part, cut)
    negatives = len(part.targets) - hit - missed
    return (hit / (hit + missed) + 1 - alarms / negatives) / 2


def balanced_at_half(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return balanced accuracy of probabilities cut at a half."""
    return _balanced(predicted, part, HALF)


def balanced_at_share(_: Tensor, kept: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return balanced accuracy of probabilities cut at the share of positives on the validation part."""
    return _balanced(predicted, part, float(kept.targets.mean()))


def accuracy(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the share of right labels where probabilities are cut at a half."""
    return ((predicted >= HALF) == (part.targets > 0)).double().mean(-1)


def brier(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the Brier score."""
    return (predicted - part.targets).square().mean(-1)


def log_loss(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the log loss."""
    p = predicted.double().clamp(CLOSEST, 1 - CLOSEST)
    return -torch.where(part.targets > 0, p, 1 - p).log().mean(-1)


def share_alone(targets: Tensor) -> Profile:
    """Return how many positives there are, and nothing else."""
    return Profile(positive_share=measure_profile("binary", targets).profile.positive_share)


def measured(targets: Tensor) -> Profile:
    """Return the whole profile."""
    return measure_profile("binary", targets).profile


RECORDS = (
    Record(
        rule="evidence.classification.costs",
        task=Task.BINARY,
        goal=Goal(false_negative_cost=COST),
        data=DATA,
        metric="cost an item, a miss counting as 10 false alarms",
        better=-1,
        relative=False,
        repeats=REPEATS,
        case=real(every),
        reading=logit,
        decided="cut at 1/11",
        against=(
            Rival("bce", logit, "cut at 1/2", cost_at(HALF)),
            Rival(f"bce(pos_weight={COST})", logit, "cut at 1/2", cost_at(HALF)),
        ),
        score=cost_at(1 / (1 + COST)),
    ),
    Record(
        rule="evidence.classification.tuned_cut",
        task=Task.BINARY,
        goal=Goal(metric="f1"),
        data=DATA,
        metric="F1",
        better=1,
        relative=False,
        repeats=REPEATS,
        case=real(every),
        reading=logit,
        decided="cut where F1 is highest on the validation part",
        against=(
            Rival("bce", logit, "cut at 1/2", f1_at_half),
            Rival("focal", logit, "cut at 1/2", f1_at_half),
        ),
        score=f1_tuned,
    ),
    Record(
        rule="evidence.classification.balanced",
        task=Task.BINARY,
        goal=Goal(decision="balanced"),
        data=DATA,
        metric="balanced accuracy",
        better=1,
        relative=False,
        repeats=REPEATS,
        case=real(every, nothing_known),
        reading=logit,
        decided="cut at the share of positives",
        against=(
            Rival("bce", logit, "cut at 1/2", balanced_at_half),
            Rival("bce(label_smoothing=0.05)", repaired, "cut at the share of positives", balanced_at_share),
        ),
        score=balanced_at_share,
    ),
    Record(
        rule="evidence.classification.noisy_log_loss",
        task=Task.BINARY,
        goal=Goal(decision="probabilities"),
        data=FLIPPED.format("10 %"),
        metric="log loss",
        better=-1,
        relative=False,
        repeats=REPEATS,
        case=real(every, known(label_noise=0.1), flipped(0.1)),
        reading=repaired,
        against=(Rival("bce(label_smoothing=0.1)", repaired), Rival("focal", repaired)),
        score=log_loss,
    ),
    Record(
        rule="evidence.classification.noisy",
        task=Task.BINARY,
        goal=Goal(metric="brier"),
        data=FLIPPED.format("10 %"),
        metric="Brier score",
        better=-1,
        relative=False,
        repeats=REPEATS,
        case=real(every, known(label_noise=0.1), flipped(0.1)),
        reading=repaired,
        against=(Rival("bce", logit), Rival("focal", repaired)),
        score=brier,
    ),
    Record(
        rule="evidence.classification.very_noisy",
        task=Task.BINARY,
        goal=Goal(metric="brier"),
        data=FLIPPED.format("20 %"),
        metric="Brier score",
        better=-1,
        relative=False,
        repeats=REPEATS,
        case=real(every, known(label_noise=0.2), flipped(0.2)),
        reading=repaired,
        against=(Rival("bce", logit), Rival("focal", repaired)),
        score=brier,
    ),
    Record(
        rule="evidence.classification.imbalanced_accuracy",
        task=Task.BINARY,
        goal=Goal(decision="accuracy"),
        data="Real binary tables with nine negatives or more to a positive, out of the regret benchmark, as they are.",
        metric="accuracy",
        better=1,
        relative=False,
        case=real(imbalanced, lambda targets: measured(targets).model_copy(update={"class_imbalance": IMBALANCED})),
        reading=logit,
        against=(
            Rival("bce_logit_adjusted", logit),
            Rival("hinge", logit),
            Rival("focal", logit),
            Rival("bce(pos_weight=10.0)", logit),
        ),
        score=accuracy,
    ),
)
