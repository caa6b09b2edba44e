"""Rules for pictures that have a target: digits made larger, and digits with noise."""

from collections.abc import Callable
from functools import cache

import numpy as np
from sklearn.datasets import load_digits
from torch import Tensor

from benchmarks.regret.cells import seed_of
from benchmarks.regret.tables import Array
from benchmarks.regret.training import Candidate, Part, Roles, Sample
from benchmarks.rules.data import Facts, known, nothing_known, split
from benchmarks.rules.record import Case, Record, Rival
from losses.contract.expression import parse
from recommender.profile import Goal
from recommender.tasks import Scenario, Task

SIDE, BRIGHTEST, ROWS = 8, 16, 600
NOISE = 0.3  # of a pixel from 0 to 1
DARKEST = 1e-8  # mean squared error of a picture that counts as met
SMALL = "8 x 8 digits of scikit-learn from the means of their 2 x 2 blocks, a small network; 600 pictures."
NOISY = "8 x 8 digits of scikit-learn from themselves with normal noise (0.3 of the brightest), a small network; 600."


@cache
def _pictures() -> Array:
    return load_digits().data.astype(np.float64) / BRIGHTEST


def smaller(pictures: Array, _: np.random.Generator) -> Array:
    """Return the means of blocks of four pixels. Shapes: (n, 64) -> (n, 16)."""
    half = SIDE // 2
    return pictures.reshape(-1, half, 2, half, 2).mean((2, 4)).reshape(-1, half * half)


def noisy(pictures: Array, rng: np.random.Generator) -> Array:
    """Return the pictures with noise."""
    return pictures + rng.normal(0, NOISE, pictures.shape)


def seen_as(
    change: Callable[[Array, np.random.Generator], Array], facts: Facts = nothing_known
) -> Callable[[int], Case]:
    """Return repeats on other pictures each, of which a change is seen."""

    def case(number: int) -> Case:
        rng = np.random.default_rng(seed_of("pictures", number))
        pictures = rng.permutation(_pictures())[:ROWS]
        return Case(f"draw {number}", split(change(pictures, rng), pictures, rng, facts))

    return case


def as_pictures(objective: str, sample: Sample) -> Candidate:
    """Return all outputs as the pixels of one picture."""

    def framed(flat: Tensor) -> Tensor:
        return flat.reshape(-1, 1, SIDE, SIDE)

    def inputs(raw: Tensor) -> Roles:
        return {"predictions": framed(raw), "targets": framed(sample.train.targets.repeat(len(raw), 1))}

    return Candidate(objective, inputs)


def psnr(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the mean peak signal-to-noise ratio, in decibels."""
    return -10 * (predicted - part.targets).square().mean(-1).clamp(min=DARKEST).log10().mean(-1)


def structure(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the mean structural similarity."""
    shape = (*predicted.shape[:-1], 1, SIDE, SIDE)
    frames = predicted.reshape(-1, 1, SIDE, SIDE), part.targets.expand(predicted.shape).reshape(-1, 1, SIDE, SIDE)
    unlike = parse("ssim").terms[0][1](dict(zip(("predictions", "targets"), frames, strict=True)), None)
    assert isinstance(unlike, Tensor)  # noqa: S101 - of a loss an item
    return 1 - unlike.reshape(shape[:-3]).mean(-1)


def _record(
    rule: str, *against: str, case: Callable[[int], Case], data: str, by_structure: bool = False, **asked: object
) -> Record:
    return Record(
        rule=rule,
        task=Task.GENERATION,
        data=data,
        metric="structural similarity" if by_structure else "peak signal-to-noise ratio, in dB",
        better=1,
        relative=True,
        case=case,
        reading=as_pictures,
        against=[Rival(name, as_pictures) for name in against],
        score=structure if by_structure else psnr,
        hidden=32,
        outputs=lambda _: SIDE * SIDE,
        repeats=12,
        **asked,  # type: ignore[arg-type] # goal and scenario
    )


CHARBONNIER = "barron_general(scale=0.001)"
RECORDS = (
    _record(
        "evidence.generation.super_resolution",
        "mse",
        CHARBONNIER,
        case=seen_as(smaller),
        data=SMALL,
        scenario=Scenario.SUPER_RESOLUTION,
    ),
    _record("evidence.generation.paired", "mse", CHARBONNIER, case=seen_as(noisy, known(paired=True)), data=NOISY),
    _record("evidence.generation.signal_to_noise", "mse", case=seen_as(smaller), data=SMALL, goal=Goal(metric="psnr")),
    _record(
        "evidence.generation.structure",
        "mae",
        "mse",
        case=seen_as(smaller),
        data=SMALL,
        by_structure=True,
        goal=Goal(metric="ssim"),
    ),
)
