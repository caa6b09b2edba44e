"""Classes without an order: as they are, with wrong labels, and with a long tail that the test part does not have."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from benchmarks.regret.protocol import Family, Metric
from benchmarks.regret.tables.classes import tables
from benchmarks.regret.training import Candidate, Judged, Recipe, Roles, Rows, Sample, Seen, unchanged, with_targets
from losses.contract.expression import parse
from losses.description.probability import probability_map
from recommender.measure import measure_profile
from recommender.profile import Goal, Profile
from recommender.rules.formulas import class_smoothing

TAIL = 20.0  # the largest class over the smallest; long-tailed CIFAR has 10 to 100 (Cao et al. 2019, arXiv:1906.07413)
FEWEST = 6  # rows of a class that the tail leaves
CLOSEST = 1e-6  # a probability to 0 in the log loss
PLAIN, CUT = "sparse_categorical_ce", "sparse_categorical_ce over the shares"
ADJUSTED, STARTED = "logit_adjusted", "sparse_categorical_ce from the shares"


def wrong_labels(share: float) -> Callable[[Rows, np.ndarray, np.random.Generator], Seen]:
    """Return a function that moves a share of the visible labels to another class, each class equally likely."""

    def changed(table: Rows, seen: np.ndarray, rng: np.random.Generator) -> Seen:
        targets, classes = table.targets.copy(), int(table.targets.max()) + 1
        hit = rng.choice(seen, round(share * len(seen)), replace=False)
        targets[hit] = (targets[hit] + rng.integers(1, classes, len(hit))) % classes
        return with_targets(table, targets), seen

    return changed


def long_tail(table: Rows, seen: np.ndarray, rng: np.random.Generator) -> Seen:
    """Return the visible rows with classes thinned in a random order, the last to a twentieth."""
    classes = int(table.targets.max()) + 1
    places = rng.permutation(classes)
    kept = []
    for label in range(classes):
        rows = seen[table.targets[seen] == label]
        share = TAIL ** (-places[label] / max(classes - 1, 1))
        kept.append(rows[: max(FEWEST, round(share * len(rows)))])
    return table, rng.permutation(np.concatenate(kept))


def measure(table: Rows, seen: np.ndarray) -> Profile:
    """Measure the visible labels."""
    return measure_profile("multiclass", torch.from_numpy(table.targets[seen]).long()).profile


def logits(raw: Tensor) -> Roles:
    """Return the outputs as logits, with replicas folded into the items."""
    return {"predictions": raw.flatten(0, 1)}


def candidates(sample: Sample) -> dict[str, Candidate]:
    """Return the candidates to train; label smoothing is that of the evidence book where noise was measured."""
    noise = sample.profile.number("label_noise")
    smoothing = class_smoothing(sample.profile).value if noise else 0.1
    counts = torch.bincount(sample.train.targets.long(), minlength=sample.classes).float().clamp(min=0.5)
    shares = {"priors": counts / counts.sum(), "class_counts": counts}
    objectives = {
        PLAIN: PLAIN,
        "label_smoothing computed": f"{PLAIN}(label_smoothing={smoothing})",
        ADJUSTED: ADJUSTED,
        "class_balanced": "class_balanced",
        "focal_softmax": "focal_softmax",
        "generalized_ce": "generalized_ce",
    }
    return {
        name: Candidate(text, logits, of_classes={role: shares[role] for role in parse(text).roles if role in shares})
        for name, text in objectives.items()
    }


def judge(name: str, entry: Candidate, raw: tuple[Tensor, Tensor], sample: Sample) -> Iterator[Judged]:
    """Yield accuracies of the outputs, and the log loss of the repaired probabilities.

    With priors added both in training and in the repair, logit adjustment equals cross-entropy with biases that start
    there.
    """
    parts = list(zip(raw, (sample.validation.targets.long(), sample.test.targets.long()), strict=True))
    yield Judged.by("accuracy", ((z.argmax(-1) == y).double().mean(-1) for z, y in parts))
    yield Judged.by("balanced_accuracy", (_balanced(z.argmax(-1), y) for z, y in parts))
    for variant in ("", STARTED) if name == ADJUSTED else ("",):
        yield Judged.by("log_loss_repaired", (_log_loss(probabilities(entry, z), y) for z, y in parts), variant)
    if name == PLAIN:
        counts = torch.bincount(sample.train.targets.long(), minlength=sample.classes).double().clamp(min=0.5)
        cut = (_balanced((z.double() - counts.log()).argmax(-1), y) for z, y in parts)
        yield Judged.by("balanced_accuracy", cut, CUT)


def probabilities(entry: Candidate, raw: Tensor) -> Tensor:
    """Return the probabilities (..., n, C) of outputs: by the repair that an answer prints, otherwise softmax."""
    repair = probability_map(parse(entry.objective))
    safe = torch.nan_to_num(raw.double())
    if repair is None:
        return safe.softmax(-1)
    names: dict[str, object] = {}
    exec(repair.code, names)  # noqa: S102 - the code a reader of a recommendation is given
    arrays = {role: numbers.double() for role, numbers in entry.of_classes.items()}
    fixed: Tensor = names["probability"](safe.flatten(0, -2), **arrays)  # type: ignore[operator] # the function of that code
    return fixed.reshape(safe.shape)


def _balanced(decided: Tensor, labels: Tensor) -> Tensor:
    hit = (decided == labels).double()
    return torch.stack([hit[..., labels == label].mean(-1) for label in sorted(set(labels.tolist()))]).mean(0)


def _log_loss(p: Tensor, labels: Tensor) -> Tensor:
    right = p[..., torch.arange(len(labels)), labels]
    return -right.clamp(min=CLOSEST).log().mean(-1)


FAMILY = Recipe(
    task="multiclass",
    protocol=Family(
        strata=["10 % of labels wrong", "20 % of labels wrong", "long tail", "native"],
        groups={},
        models=["linear", "network"],
        constants=[
            "class_balanced",
            "focal_softmax",
            "generalized_ce",
            "label_smoothing computed",
            ADJUSTED,
            PLAIN,
            CUT,
            STARTED,
        ],
        library_default=PLAIN,
        metrics=[
            Metric(
                name="log_loss_repaired",
                shown="log loss, repaired",
                better=-1,
                relative=False,
                goal=Goal(decision="probabilities"),
            ),
            Metric(name="accuracy", shown="accuracy", better=1, relative=False, goal=Goal(decision="accuracy")),
            Metric(
                name="balanced_accuracy",
                shown="balanced accuracy",
                better=1,
                relative=False,
                goal=Goal(decision="balanced"),
            ),
        ],
        thresholds={},
    ),
    tables=tables,
    strata={
        "native": unchanged,
        "10 % of labels wrong": wrong_labels(0.1),
        "20 % of labels wrong": wrong_labels(0.2),
        "long tail": long_tail,
    },
    told={"10 % of labels wrong": {"label_noise": 0.1}, "20 % of labels wrong": {"label_noise": 0.2}},
    measure=measure,
    outputs=lambda sample: sample.classes,
    candidates=candidates,
    judge=judge,
)
