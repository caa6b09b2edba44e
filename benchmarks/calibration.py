"""python -m benchmarks.calibration [data sets]: are recommended probabilities and quantiles what they say?

Labels are drawn with known probabilities, 1 % to 60 % positive on average, and a linear model is fitted under the
evidence book's answer to each decision, its output mapped back as `repair` says. The calibration error is the mean
distance between predicted and true probability over tenths of the predictions. Numbers are drawn about a line with
normal, skewed and long-tailed errors that grow with the first feature or do not, and a linear model is fitted under
the answer to each quantile: its coverage is the share of unseen targets that lie below.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.harm import predict
from losses.contract.expression import parse
from recommender import Goal, measure_profile, recommend

Array = NDArray[np.float64]
HERE = Path(__file__).parent
ITEMS, FEATURES, TENTHS = 20_000, 3, 10  # of both halves: by chance a coverage is 0.005 off
FEWEST = 100  # of a class: of fewer no loss learns the probability
MOST_OFF_PROBABILITY, MOST_OFF_COVERAGE = 0.02, 0.03
DECISIONS = ("probabilities", "ranking", "accuracy", "balanced")
QUANTILES = (0.05, 0.5, 0.9, 0.95)
ERRORS: dict[str, Callable[[np.random.Generator], Array]] = {
    "normal": lambda draw: draw.standard_normal(ITEMS),
    "exponential": lambda draw: draw.exponential(1, ITEMS),
    "lognormal": lambda draw: np.exp(draw.standard_normal(ITEMS)),
    "Student's t, 3 degrees": lambda draw: draw.standard_t(3, ITEMS),
}


def _features(draw: np.random.Generator) -> Array:
    """Return normal features with a column of ones."""
    return np.column_stack([np.ones(ITEMS), draw.standard_normal((ITEMS, FEATURES))])


def probabilities(seed: int) -> Iterator[tuple[str, float]]:
    """Yield, for each decision, the calibration error of the recommended loss."""
    draw = np.random.default_rng([seed, 1])
    features, half = _features(draw), ITEMS // 2
    logits = features @ np.array([draw.uniform(-5, 0.5), *draw.normal(0, 0.7, FEATURES)])
    true = 1 / (1 + np.exp(-logits))
    labels = (draw.random(ITEMS) < true).astype(np.float64)
    if not FEWEST <= labels[:half].sum() <= half - FEWEST:
        return
    profile = measure_profile("binary", torch.from_numpy(labels[:half]).long()).profile
    for decision in DECISIONS:
        goal = Goal.model_validate({"decision": decision})
        answer = recommend("binary", profile=profile, goal=goal, rulebook="evidence")
        predicted = predict(parse(answer.objective), features[:half], labels[:half], features[half:])
        yield decision, _error(_repaired(answer.repair[0].code if answer.repair else "", predicted), true[half:])


def _repaired(code: str, predicted: Array) -> Array:
    """Return probabilities from the outputs of a model, by the code of a repair.

    The outputs themselves without code.
    """
    if not code:
        return predicted
    room: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {}
    exec(code, room)  # noqa: S102 - it is our own, as every answer has it
    repaired: Array = room["probability"](torch.from_numpy(predicted).logit()).numpy()
    return repaired


def _error(predicted: Array, true: Array) -> float:
    """Return the calibration error of predicted probabilities."""
    tenths = np.array_split(np.argsort(predicted), TENTHS)
    return float(np.mean([abs(predicted[rows].mean() - true[rows].mean()) for rows in tenths]))


def coverages(seed: int) -> Iterator[tuple[str, float]]:
    """Yield, for each quantile, the signed difference between the coverage of the recommended loss and the quantile."""
    draw = np.random.default_rng([seed, 2])
    features, half = _features(draw), ITEMS // 2
    name, errors = list(ERRORS.items())[seed % len(ERRORS)]
    spread = np.exp(0.4 * features[:, 1].clip(-2, 2)) if seed % 8 >= len(ERRORS) else 1.0
    targets = 10 + features[:, 1:] @ draw.normal(0, 2, FEATURES) + spread * errors(draw)
    profile = measure_profile("regression", torch.from_numpy(targets[:half])).profile
    for quantile in QUANTILES:
        answer = recommend("regression", profile=profile, goal=Goal(quantile=quantile), rulebook="evidence")
        predicted = predict(parse(answer.objective), features[:half], targets[:half], features[half:])
        yield f"{quantile}, {name}", float((targets[half:] <= predicted).mean()) - quantile


def main() -> None:
    """Evaluate this number of data sets of either kind, and write the results beside this file."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    torch.set_num_threads(1)
    lines = []
    for title, of, most in (
        ("decision", probabilities, MOST_OFF_PROBABILITY),
        ("quantile, errors", coverages, MOST_OFF_COVERAGE),
    ):
        deviations: dict[str, list[float]] = defaultdict(list)
        for seed in range(wanted):
            for name, off in of(seed):
                deviations[name].append(off)
        lines += [f"| {title} | data sets | mean | mean size | over {most} |", "| --- | ---: | ---: | ---: | ---: |"]
        for name in sorted(deviations):
            away = np.array(deviations[name])
            size, over = np.abs(away).mean(), (np.abs(away) > most).mean()
            lines.append(f"| {name} | {len(away)} | {away.mean():.4f} | {size:.4f} | {over:.1%} |")
        lines.append("")
    text = f"# Are probabilities and quantiles true?\n\n{(__doc__ or '').partition('?')[2].strip()}\n\n" + "\n".join(
        lines
    )
    (HERE / "calibration.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
