"""The rule for the class head of a detector: hundreds of easy backgrounds to one object."""

import numpy as np
import torch
from torch import Tensor

from benchmarks.regret.tables import Array
from benchmarks.regret.training import Part
from benchmarks.rules.data import linear, nothing_known, simulated
from benchmarks.rules.readings import logit
from benchmarks.rules.record import Record, Rival
from recommender.tasks import Task

ANCHORS, SIZE, RARE = 6000, 3.0, -9.0  # simulated positions, and the spread and mean of their logits
DATA = (
    "Simulated positions of a detector: logistic in six normal features (size 3) about a logit of -9, so that one in a "
    "hundred or fewer holds an object, a small network; 6000 positions."
)


def anchors(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return features of positions and whether each holds an object."""
    x, scores = linear(rng, ANCHORS, SIZE)
    return x, (rng.random(ANCHORS) < 1 / (1 + np.exp(-(scores + RARE)))).astype(float)


def average_precision(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return average precision."""
    order = predicted.argsort(-1, descending=True)
    hit = part.targets.double().expand(predicted.shape).gather(-1, order)
    places = torch.arange(1, hit.shape[-1] + 1)
    return (hit.cumsum(-1) / places * hit).sum(-1) / hit.sum(-1).clamp(min=1)


RECORDS = (
    Record(
        rule="evidence.detection.class",
        task=Task.DETECTION,
        data=DATA,
        metric="average precision",
        better=1,
        relative=False,
        case=simulated(anchors, nothing_known),
        reading=logit,
        against=(Rival("bce", logit), Rival("bce(pos_weight=100)", logit)),
        score=average_precision,
        hidden=16,
        repeats=12,
    ),
)
