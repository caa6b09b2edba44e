"""Rules for masks: digits drawn into photographs, found by the small dilated network of the regret benchmark."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.regret.canvases import Scene, draw, shapes, textures
from benchmarks.regret.cells import seed_of
from benchmarks.regret.segmentation import RATES, SEEDS, TEST, TRAIN, VALIDATION, Split, fit, outputs
from benchmarks.regret.training import Candidate, Part, Sample
from benchmarks.rules.record import Case, Outputs, Record, Rival
from losses.contract.expression import parse
from recommender.profile import Goal, Profile
from recommender.tasks import Task

COST = 5.0  # of a missed pixel, in false alarms
WALLS = ("brick", "grass", "gravel", "page")
SIZES = (9, 16)
NEVER_DRAWN = 0.4  # share of training masks that are left out
SCENES = "Digits drawn into photographs of scikit-image (32 x 32 pixels), a small dilated network; 64 pictures"


def scenes(profile: Profile, *, empty: float = 0.0, left_out: float = 0.0) -> Callable[[int], Case]:
    """Return repeats on one texture after another; `left_out`: the share of training masks that nobody drew."""

    def case(number: int) -> Case:
        wall, size = WALLS[number % len(WALLS)], SIZES[number // len(WALLS) % len(SIZES)]
        rng = np.random.default_rng(seed_of("masks", number))
        stock, walls = shapes(), textures()
        train, check, test = (
            Part(*map(torch.from_numpy, draw(Scene("mnist", wall, size, empty, 1.5), count, rng, stock, walls)))
            for count in (TRAIN, VALIDATION, TEST)
        )
        train.targets[torch.from_numpy(rng.random(TRAIN) < left_out)] = 0
        return Case(wall, Sample(train, check, test, profile))

    return case


def by_pixel(objective: str, _: Sample) -> Candidate:
    """Return a logit a pixel."""
    return Candidate(objective)


def convolved(entries: Sequence[Candidate], sample: Sample) -> Outputs:
    """Return logits (rates, seeds, n, side, side) under each loss on either part."""
    fitted = [fit(parse(entry.objective), Split(sample.train.features, sample.train.targets)) for entry in entries]

    def on(part: Part) -> list[Tensor]:
        with torch.no_grad():
            raw = [outputs(part.features, weights).movedim(1, 0) for weights in fitted]
        return [logits.reshape(len(RATES), SEEDS, *logits.shape[1:]) for logits in raw]

    return on(sample.validation), on(sample.test)


def _counts(predicted: Tensor, part: Part) -> tuple[Tensor, Tensor, Tensor]:
    """Return pixels found, missed and falsely found, by picture. Shapes: (..., n, side, side) -> (..., n)."""
    found, mask = predicted > 0, part.targets[:, 0] > 0
    return tuple(both.sum((-1, -2)).double() for both in (found & mask, ~found & mask, found & ~mask))  # type: ignore[return-value] # three of them


def dice(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the mean Dice of pictures, 1 of an empty one in which nothing is found."""
    hit, missed, alarms = _counts(predicted, part)
    whole = 2 * hit + missed + alarms
    return torch.where(whole > 0, 2 * hit / whole.clamp(min=1), 1.0).mean(-1)


def cost(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the mean over pictures of what their pixels cost, as a share of what missing the whole object costs."""
    hit, missed, alarms = _counts(predicted, part)
    return ((COST * missed + alarms) / (COST * (hit + missed)).clamp(min=1)).mean(-1)


def _record(
    rule: str,
    *against: str,
    data: str,
    case: Callable[[int], Case],
    goal: Goal | None = None,
    by_cost: bool = False,
) -> Record:
    return Record(
        rule=rule,
        task=Task.SEGMENTATION,
        data=data,
        metric="cost of pixels, a missed one counting as 5 false alarms" if by_cost else "Dice",
        better=-1 if by_cost else 1,
        relative=False,
        case=case,
        reading=by_pixel,
        against=[Rival(name, by_pixel) for name in against],
        score=cost if by_cost else dice,
        goal=goal or Goal(),
        fit=convolved,
        repeats=6,
    )


RECORDS = (
    _record(
        "evidence.segmentation.costs",
        "dice + bce",
        "focal_tversky",
        data=f"{SCENES}.",
        case=scenes(Profile()),
        goal=Goal(false_negative_cost=COST),
        by_cost=True,
    ),
    _record(
        "evidence.segmentation.missing_labels",
        "dice + bce",
        "bce",
        data=f"{SCENES}, of which 40 % of the masks seen in training are left empty.",
        case=scenes(Profile(missing_labels=True), left_out=NEVER_DRAWN),
    ),
    _record(
        "evidence.segmentation.empty_counted",
        "dice + bce",
        "dice",
        data=f"{SCENES}, one in five without an object, which counts.",
        case=scenes(Profile(), empty=0.2),
        goal=Goal(empty_masks=True),
    ),
)
