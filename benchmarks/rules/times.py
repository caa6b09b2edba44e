"""Rules for times until an event that some items have not reached: what is censored counts by not being over."""

from functools import cache

import numpy as np
import pandas as pd
from scipy.io import arff
from torch import Tensor

from benchmarks.regret.cells import seed_of
from benchmarks.regret.tables import Array, package
from benchmarks.regret.tables.frames import Frame, frame, numbers
from benchmarks.regret.training import Candidate, Part, Roles, Sample
from benchmarks.rules.data import linear, simulated, split
from benchmarks.rules.record import Case, Record, Rival
from recommender.profile import Goal
from recommender.tasks import Task

MOST_ROWS = 700
REPEATS = 24
# file, time, event
FRAMES = (
    (Frame("lifelines", "datasets/rossi.csv", "week"), "arrest"),
    (Frame("lifelines", "datasets/gbsg2.csv", "time"), "cens"),
    (Frame("lifelines", "datasets/lung.csv", "time"), "status"),
    (
        Frame("lifelines", "datasets/ACTG175.csv", "days", ("Unnamed: 0", "pidnum", "cd420", "cd820", "cd496", "r")),
        "cens",
    ),
    (Frame("lifelines", "datasets/kidney_transplant.csv", "time"), "death"),
    (Frame("lifelines", "datasets/larynx.csv", "time"), "death"),
    (Frame("sksurv", "datasets/data/veteran.arff", "Survival_in_days"), "Status"),
    (Frame("sksurv", "datasets/data/whas500.arff", "lenfol"), "fstat"),
)
SHAPE, CENSORED_AT = 1.5, 0.7  # of Weibull's times; the scale of exponential times of leaving


def _read(source: Frame) -> pd.DataFrame:
    if not source.file.endswith(".arff"):
        return frame(source)
    table = pd.DataFrame(arff.loadarff(package(source.package) / source.file)[0])
    texts = table.select_dtypes(object)
    return table.assign(**{name: texts[name].str.decode("utf-8") for name in texts}).dropna()


@cache
def _tables() -> list[tuple[str, Array, Array]]:
    """Return name, features and (time, event) of every table."""
    listed = []
    for source, event in FRAMES:
        table = _read(source).sample(frac=1, random_state=0)[:MOST_ROWS]
        happened = table[event].astype(str).isin(["1", "1.0", "2", "dead", "True"]).to_numpy(float)
        if event == "status":  # of lung: 1 is censored and 2 is dead
            happened = (table[event].astype(float) == table[event].astype(float).max()).to_numpy(float)
        times = table[source.target].to_numpy(float).clip(min=0.5)
        listed.append(
            (source.name, numbers(table.drop(columns=[source.target, event])), np.stack([times, happened], 1))
        )
    return listed


def censored(number: int) -> Case:
    """Return the next table, split anew."""
    name, features, targets = _tables()[number % len(FRAMES)]
    return Case(name, split(features, targets, np.random.default_rng(seed_of(name, number))))


def weibull(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return times of Weibull's distribution whose logarithm is linear in the features; every event is seen."""
    x, eta = linear(rng, size=0.5)
    times = np.exp(1 + eta) * rng.weibull(SHAPE, len(eta))
    return x, np.stack([times, np.ones(len(eta))], 1)


def left(targets: Array, rng: np.random.Generator) -> Array:
    """Return the times with some items leaving before their event: two in five or so."""
    leaves = rng.exponential(CENSORED_AT * targets[:, 0].mean() * 2, len(targets))
    return np.stack([np.minimum(targets[:, 0], leaves), (targets[:, 0] <= leaves).astype(float)], 1)


def _known(part: Part, replicas: int) -> Roles:
    times, events = part.targets.unbind(1)
    return {"targets": times.repeat(replicas), "events": events.repeat(replicas)}


def risk(objective: str, sample: Sample) -> Candidate:
    """Return the logarithm of a risk, judged by its opposite: a high risk is a short time."""

    def inputs(raw: Tensor) -> Roles:
        return {"predictions": raw[..., 0].flatten(), **_known(sample.train, len(raw))}

    return Candidate(objective, inputs, lambda raw: -raw[..., 0])


def log_time(objective: str, sample: Sample) -> Candidate:
    """Return the logarithm of the time, started from the mean logarithm."""
    start = sample.train.targets[:, 0].log().mean()

    def predict(raw: Tensor) -> Tensor:
        return start + raw[..., 0]

    def inputs(raw: Tensor) -> Roles:
        return {"predictions": predict(raw).flatten(), **_known(sample.train, len(raw))}

    return Candidate(objective, inputs, predict)


def squares_of_logarithms(objective: str, sample: Sample) -> Candidate:
    """Return the logarithm of the time for a loss that knows of no censoring, its targets the logarithms seen."""
    entry = log_time(objective, sample)

    def inputs(raw: Tensor) -> Roles:
        return {
            "predictions": entry.predict(raw).flatten(),
            "targets": sample.train.targets[:, 0].log().repeat(len(raw)),
        }

    return Candidate(objective, inputs, entry.predict)


def concordance(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the share of comparable pairs whose longer time has the larger prediction, a tie counting half."""
    times, events = part.targets.unbind(1)
    comparable = (times[:, None] < times[None, :]) & (events[:, None] > 0)
    apart = predicted[..., None, :] - predicted[..., :, None]
    right = (apart > 0).double() + (apart == 0).double() / 2
    return (right * comparable).sum((-1, -2)) / comparable.sum()


def log_error(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the mean absolute error of the logarithm of the time."""
    return (predicted - part.targets[:, 0].log()).abs().mean(-1)


RECORDS = (
    Record(
        rule="evidence.survival.default",
        task=Task.SURVIVAL,
        data="Real tables of times until an event, some not reached, of lifelines and scikit-survival, as they are.",
        metric="concordance",
        better=1,
        relative=False,
        case=censored,
        reading=risk,
        against=(
            Rival("aft", log_time),
            Rival("mse", squares_of_logarithms, "of the logarithm of the time last seen"),
        ),
        score=concordance,
        repeats=REPEATS,
    ),
    Record(
        rule="evidence.survival.times",
        task=Task.SURVIVAL,
        goal=Goal(functional="median"),
        data="Simulated Weibull times (shape 1.5), log-linear in six normal features (0.5), some of the items seen in "
        "training leaving at exponential times; 600 rows.",
        metric="mean absolute error of the logarithm of the time",
        better=-1,
        relative=True,
        case=simulated(weibull, spoil=left),
        reading=log_time,
        against=(
            Rival("mse", squares_of_logarithms, "of the logarithm of the time last seen"),
            Rival("aft(distribution=lognormal)", log_time),
        ),
        score=log_error,
    ),
)
