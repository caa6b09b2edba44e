"""The rule for classes that are the leaves of a tree, where some mistakes are nearer than others."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from benchmarks.regret.tables import Array
from benchmarks.regret.training import Candidate, Part, Sample
from benchmarks.rules.data import known, linear, simulated
from benchmarks.rules.record import Record, Rival
from benchmarks.rules.several import in_rows
from recommender.tasks import Task

LEVELS = 3
LEAVES = 2**LEVELS
DOUBT = (0.3, 0.6, 1.2)  # standard deviation of what decides a branch beside the features, from the root on
NEARNESS = 1.0  # by how much the logarithm of a soft label falls with each level that two leaves lie apart
DATA = (
    "Simulated: eight classes at the leaves of a tree of three levels, each branch the sign of a linear function of "
    "six normal features with normal noise (0.3, 0.6, 1.2 from the root on); 600 rows."
)


def _apart() -> Tensor:
    """Return how many levels up two leaves meet, (leaves, leaves)."""
    bits = torch.arange(LEAVES)
    return sum(((bits[:, None] >> level) != (bits[None, :] >> level)).float() for level in range(LEVELS))  # type: ignore[return-value] # a sum of tensors


APART = _apart()


def leaves(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return features and leaves: branch after branch."""
    x, _ = linear(rng)
    targets = np.zeros(len(x))
    for doubt in DOUBT:
        slopes = rng.normal(size=x.shape[1])
        score = x @ slopes / np.linalg.norm(slopes) + doubt * rng.normal(size=len(x))
        targets = 2 * targets + (score > 0)
    return x, targets


def soft_rows(objective: str, sample: Sample) -> Candidate:
    """Return all outputs as logits, with targets that say how near the other leaves are."""
    rows = (-NEARNESS * APART).softmax(1)[sample.train.targets.long()]
    return Candidate(
        objective,
        lambda raw: {"predictions": raw.flatten(0, 1), "targets": rows.repeat(len(raw), 1)},
        lambda raw: F.softmax(raw.double(), -1),
    )


def distance_of_likeliest(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return how many levels up the likeliest leaf and the true one meet, on average."""
    return APART[predicted.argmax(-1), part.targets.long()].mean(-1)


def least_distance(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the same of the leaf of least expected distance."""
    expected = predicted.double() @ APART.double()
    return APART[expected.argmin(-1), part.targets.long()].mean(-1)


RECORDS = (
    Record(
        rule="evidence.multiclass.hierarchy",
        task=Task.MULTICLASS,
        data=DATA,
        metric="levels up to where the answer and the truth meet",
        better=-1,
        relative=True,
        case=simulated(leaves, known(hierarchy=True)),
        reading=in_rows,
        decided="the leaf of least expected distance",
        against=(
            Rival("categorical_ce", in_rows, "the likeliest leaf", distance_of_likeliest),
            Rival("kl_div", soft_rows, "the likeliest leaf, of soft labels", distance_of_likeliest),
        ),
        score=least_distance,
        outputs=lambda _: LEAVES,
        repeats=12,
    ),
)
