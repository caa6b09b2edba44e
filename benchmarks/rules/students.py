"""The rule for distillation: a small model learns of what a larger one puts out."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from torch import Tensor

from benchmarks.regret.cells import seed_of
from benchmarks.regret.training import Candidate, Part, Roles, Sample
from benchmarks.rules.record import Case, Record, Rival
from recommender.profile import Profile
from recommender.tasks import Task

TAUGHT, SHOWN, CHECKED = 900, 120, 200
CLOSEST = 1e-9  # a probability to 0 in the logarithm of the teacher's


def digits(number: int) -> Case:
    """Return pictures with what a network of 64 units, trained on 900 others, makes of them beside the true class."""
    data = load_digits()
    rng = np.random.default_rng(seed_of("students", number))
    order = rng.permutation(len(data.target))
    pictures, labels = data.data[order] / 16 - 0.3, data.target[order].astype(np.float64)
    teacher = MLPClassifier(64, max_iter=60, random_state=number).fit(pictures[:TAUGHT], labels[:TAUGHT])
    known = np.log(teacher.predict_proba(pictures).clip(min=CLOSEST))
    targets = np.concatenate([labels[:, None], known], 1)
    ends = TAUGHT + np.cumsum([SHOWN, CHECKED, len(order)])
    x, y = torch.from_numpy(pictures).float(), torch.from_numpy(targets).float()
    shown, checked, judged = (
        Part(x[start:end], y[start:end]) for start, end in zip([TAUGHT, *ends[:-1]], ends, strict=True)
    )
    return Case(f"digits {number}", Sample(shown, checked, judged, Profile()))


def soft(objective: str, sample: Sample) -> Candidate:
    """Return the student's logits and the teacher's."""
    teacher = sample.train.targets[:, 1:]

    def inputs(raw: Tensor) -> Roles:
        student, known = raw.flatten(0, 1), teacher.repeat(len(raw), 1)
        return {"student": student, "teacher": known, "predictions": student, "targets": known.softmax(1)}

    return Candidate(objective, inputs)


def hard(objective: str, sample: Sample) -> Candidate:
    """Return the student's logits and the class that the teacher thinks likeliest."""
    likeliest = sample.train.targets[:, 1:].argmax(1).float()
    return Candidate(objective, lambda raw: {"predictions": raw.flatten(0, 1), "targets": likeliest.repeat(len(raw))})


def accuracy(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the share of true classes that the student finds."""
    return (predicted.argmax(-1) == part.targets[:, 0]).double().mean(-1)


RECORDS = (
    Record(
        rule="evidence.distillation.default",
        task=Task.DISTILLATION,
        data="8 x 8 digits of scikit-learn: a network of 64 units, taught by 900 of them, shows what it makes of 120 "
        "others to one of 16 units, which is judged on the rest.",
        metric="accuracy on true labels",
        better=1,
        relative=False,
        case=digits,
        reading=soft,
        against=(Rival("sparse_categorical_ce", hard, "on the teacher's likeliest class"), Rival("js_div", soft)),
        score=accuracy,
        hidden=16,
        outputs=lambda _: 10,
        repeats=16,
    ),
)
