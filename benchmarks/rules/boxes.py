"""Rules for boxes: regressed from features that tell of them with noise, judged by overlap or by their coordinates."""

import numpy as np
import torch
from torch import Tensor

from benchmarks.regret.tables import Array
from benchmarks.regret.training import Candidate, Part, Roles, Sample
from benchmarks.rules.data import known, nothing_known, simulated
from benchmarks.rules.record import Record, Rival
from recommender.profile import Goal
from recommender.tasks import Scenario, Task

ROWS, NOISE = 500, 0.3
PILOT = 0.047  # 1.4826 times the median deviation of residuals of a linear fit, as the profile would measure it
DATA = (
    "Simulated boxes in a unit square, centres uniform and sides lognormal about 0.2 (0.5), from twelve noisy features "
    "of centre and logarithmic sides (noise 0.3), a small network; 500 rows."
)
TOLD = f"{DATA} The question tells that the residuals of a linear fit spread by {PILOT}."


def boxes(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return features (n, 12) and boxes (n, 4) as their two corners."""
    centres = rng.uniform(0.2, 0.8, (ROWS, 2))
    sides = 0.2 * np.exp(0.5 * rng.normal(size=(ROWS, 2)))
    plain = np.concatenate([(centres - 0.5) / 0.17, np.log(sides / 0.2) / 0.5], 1)
    features = np.tile(plain, 3) + NOISE * rng.standard_t(3, (ROWS, 12))
    return features, np.concatenate([centres - sides / 2, centres + sides / 2], 1)


def corners(objective: str, _: Sample) -> Candidate:
    """Return centre and sides as two corners, the sides by an exponential."""

    def predict(raw: Tensor) -> Tensor:
        centre, sides = 0.5 + 0.17 * raw[..., :2], 0.2 * (0.5 * raw[..., 2:]).clamp(-6, 6).exp()
        return torch.cat([centre - sides / 2, centre + sides / 2], -1)

    def inputs(raw: Tensor) -> Roles:
        return {"predictions": predict(raw).flatten(0, 1)}

    return Candidate(objective, inputs, predict)


def overlap(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the mean intersection over union."""
    low = predicted[..., :2].maximum(part.targets[:, :2])
    high = predicted[..., 2:].minimum(part.targets[:, 2:])
    both = (high - low).clamp(min=0).prod(-1)
    sizes = [(box[..., 2:] - box[..., :2]).prod(-1) for box in (predicted, part.targets)]
    return (both / (sizes[0] + sizes[1] - both)).mean(-1)


def coordinates(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the mean absolute error of a coordinate."""
    return (predicted - part.targets).abs().mean((-1, -2))


def _record(
    rule: str, *against: str, by_overlap: bool, case: object, task: Task = Task.REGRESSION, **asked: object
) -> Record:
    return Record(
        rule=rule,
        task=task,
        data=DATA if by_overlap else TOLD,
        metric="mean intersection over union" if by_overlap else "mean absolute error of a coordinate",
        better=1 if by_overlap else -1,
        relative=not by_overlap,
        case=case,  # type: ignore[arg-type] # cases
        reading=corners,
        against=[Rival(name, corners) for name in against],
        score=overlap if by_overlap else coordinates,
        hidden=16,
        outputs=lambda _: 4,
        **asked,  # type: ignore[arg-type] # goal and scenario
    )


RECORDS = (
    _record(
        "evidence.regression.boxes_iou",
        "ciou",
        "smooth_l1",
        "mse",
        by_overlap=True,
        case=simulated(boxes, known(boxes=True)),
        goal=Goal(boxes="iou"),
    ),
    _record(
        "evidence.regression.boxes",
        "giou",
        "mae",
        "mse",
        by_overlap=False,
        case=simulated(boxes, known(boxes=True, residual_scale=PILOT)),
        goal=Goal(boxes="coordinates"),
    ),
    _record(
        "evidence.regression.box_regression",
        "giou",
        "mae",
        "mse",
        by_overlap=False,
        case=simulated(boxes, known(residual_scale=PILOT)),
        scenario=Scenario.BOX_REGRESSION,
    ),
    _record(
        "evidence.regression.box_regression_iou",
        "ciou",
        "smooth_l1",
        "mse",
        by_overlap=True,
        case=simulated(boxes, nothing_known),
        scenario=Scenario.BOX_REGRESSION,
        goal=Goal(boxes="iou"),
    ),
    _record(
        "evidence.detection.box",
        "ciou",
        "diou",
        "iou",
        by_overlap=True,
        case=simulated(boxes, nothing_known),
        task=Task.DETECTION,
    ),
    _record(
        "evidence.detection.box_coordinates",
        "giou",
        "mae",
        "mse",
        by_overlap=False,
        case=simulated(boxes, known(residual_scale=PILOT)),
        task=Task.DETECTION,
        goal=Goal(boxes="coordinates"),
    ),
)
