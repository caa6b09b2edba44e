"""Rules for one of several classes that are told in rows, or have an order."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from benchmarks.regret.families.classes import probabilities, wrong_labels
from benchmarks.regret.families.grades import candidates as of_grades
from benchmarks.regret.tables import Array, Table
from benchmarks.regret.training import Candidate, Part, Sample
from benchmarks.rules.data import Spoil, known, real, tables
from benchmarks.rules.readings import class_logits
from benchmarks.rules.record import Record, Rival
from recommender.profile import Goal
from recommender.tasks import Scenario, Task

CLOSEST = 1e-6  # a probability to 0 in the log loss
IMBALANCED, MANY = 9.0, 10
REPEATS = 22  # as many as there are tables
DATA = "Real tables with several classes, out of the regret benchmark, as they are."
WRONG = "Real tables with several classes, out of the regret benchmark, 10 % of the labels seen put into another."


def every() -> Sequence[Table]:
    """Return all tables with classes."""
    return tables("classes")


def imbalanced() -> Sequence[Table]:
    """Return those whose largest class is at least nine times the smallest."""
    return [table for table in every() if _imbalance(table) >= IMBALANCED]


def many() -> Sequence[Table]:
    """Return those with at least ten classes."""
    return [table for table in every() if table.targets.max() + 1 >= MANY]


def graded() -> Sequence[Table]:
    """Return all tables with grades."""
    return tables("grades")


def _imbalance(table: Table) -> float:
    counts = torch.bincount(torch.from_numpy(table.targets).long())
    return float(counts.max() / counts.min())


def in_rows(objective: str, sample: Sample) -> Candidate:
    """Return all outputs as logits, with targets as one-hot rows; judged as repaired probabilities."""
    rows = F.one_hot(sample.train.targets.long(), sample.classes).float()
    entry = Candidate(objective, lambda raw: {"predictions": raw.flatten(0, 1), "targets": rows.repeat(len(raw), 1)})
    return Candidate(objective, entry.inputs, lambda raw: probabilities(entry, raw))


def from_shares(objective: str, sample: Sample) -> Candidate:
    """Return the same with biases that start at the logarithms of the shares of the classes."""
    entry = in_rows(objective, sample)
    counts = torch.bincount(sample.train.targets.long(), minlength=sample.classes).float().clamp(min=0.5)
    start = (counts / counts.sum()).log()
    return Candidate(objective, lambda raw: entry.inputs(raw + start), lambda raw: entry.predict(raw + start))


def in_ids(objective: str, sample: Sample) -> Candidate:
    """Return all outputs as logits, with targets as ids; judged as repaired probabilities."""
    entry = class_logits(objective, sample)
    return Candidate(objective, entry.inputs, lambda raw: probabilities(entry, raw), entry.of_classes)


def grades(objective: str, sample: Sample) -> Candidate:
    """Return what an ordinal loss reads, judged as the probability of each grade."""
    return of_grades(sample)[objective]


def log_loss(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the log loss of probabilities (..., n, C)."""
    right = predicted[..., torch.arange(len(part.targets)), part.targets.long()]
    return -right.clamp(min=CLOSEST).log().mean(-1)


def accuracy(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the share of items whose likeliest class is theirs."""
    return (predicted.argmax(-1) == part.targets).double().mean(-1)


def grade_error(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the mean absolute error of the median grade."""
    median = (predicted.cumsum(-1) < 1 / 2).sum(-1).clamp(max=predicted.shape[-1] - 1)
    return (median - part.targets).abs().mean(-1)


def spoilt(share: float) -> Spoil:
    """Return what puts a share of labels into another class."""

    def spoil(targets: Array, rng: np.random.Generator) -> Array:
        table = Table("", "", np.zeros((len(targets), 1)), targets)
        return wrong_labels(share)(table, np.arange(len(targets)), rng)[0].targets

    return spoil


def _classes(sample: Sample) -> int:
    return sample.classes


_AGAINST = (Rival("focal_softmax", in_ids), Rival("logit_adjusted", in_ids))

RECORDS = (
    Record(
        rule="evidence.multiclass.default",
        task=Task.MULTICLASS,
        data=DATA,
        metric="log loss",
        better=-1,
        relative=False,
        case=real(every),
        reading=in_rows,
        against=_AGAINST,
        score=log_loss,
        outputs=_classes,
        repeats=REPEATS,
    ),
    Record(
        rule="evidence.multiclass.onehot",
        task=Task.MULTICLASS,
        data=DATA,
        metric="log loss",
        better=-1,
        relative=False,
        case=real(every, known(label_encoding="onehot")),
        reading=in_rows,
        against=(Rival("sparse_categorical_ce", in_ids), Rival("logit_adjusted", in_ids)),
        score=log_loss,
        outputs=_classes,
        repeats=REPEATS,
    ),
    Record(
        rule="evidence.multiclass.imbalanced_onehot",
        task=Task.MULTICLASS,
        data="Real tables whose largest class is at least nine times the smallest, out of the regret benchmark, a "
        "small network.",
        metric="log loss",
        better=-1,
        relative=False,
        case=real(imbalanced, known(label_encoding="onehot", class_imbalance=IMBALANCED, model="flexible")),
        reading=from_shares,
        decided="started from the shares",
        against=(Rival("categorical_ce", in_rows, "started from zero"), *_AGAINST),
        score=log_loss,
        hidden=16,
        outputs=_classes,
    ),
    Record(
        rule="evidence.multiclass.noisy_log_loss",
        task=Task.MULTICLASS,
        data=WRONG,
        metric="log loss",
        better=-1,
        relative=False,
        case=real(every, known(label_encoding="onehot", label_noise=0.1), spoilt(0.1)),
        reading=in_rows,
        against=(Rival("categorical_ce(label_smoothing=0.1)", in_rows), Rival("focal_softmax", in_ids)),
        score=log_loss,
        outputs=_classes,
        repeats=REPEATS,
    ),
    Record(
        rule="evidence.multiclass.noisy_onehot",
        task=Task.MULTICLASS,
        goal=Goal(decision="accuracy"),
        data=WRONG,
        metric="accuracy",
        better=1,
        relative=False,
        case=real(every, known(label_encoding="onehot", label_noise=0.1), spoilt(0.1)),
        reading=in_rows,
        against=(Rival("categorical_ce", in_rows), Rival("focal_softmax", in_ids)),
        score=accuracy,
        outputs=_classes,
        repeats=REPEATS,
    ),
    Record(
        rule="evidence.multiclass.text_many_classes",
        task=Task.MULTICLASS,
        scenario=Scenario.TEXT_MANY_CLASSES,
        data="Real tables with ten classes or more, out of the regret benchmark, as they are.",
        metric="log loss",
        better=-1,
        relative=False,
        case=real(many),
        reading=in_ids,
        against=(Rival("categorical_ce", in_rows), Rival("logit_adjusted", in_ids)),
        score=log_loss,
        outputs=_classes,
    ),
    Record(
        rule="evidence.multiclass.ordered",
        task=Task.MULTICLASS,
        goal=Goal(decision="probabilities"),
        data="Real tables with grades, out of the regret benchmark, as they are.",
        metric="MAE of the median grade",
        better=-1,
        relative=False,
        case=real(graded, known(ordered=True)),
        reading=grades,
        against=(Rival("sparse_categorical_ce", grades), Rival("ordinal_emd2", grades)),
        score=grade_error,
        outputs=_classes,
        repeats=32,
    ),
)
