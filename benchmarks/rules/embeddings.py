"""Rules for embeddings: digits whose classes were never seen in training are to find one another."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from benchmarks.regret.cells import seed_of
from benchmarks.regret.tables import Array
from benchmarks.regret.training import Candidate, Part, Roles, Sample
from benchmarks.rules.data import known, simulated
from benchmarks.rules.record import Case, Record, Rival
from recommender.profile import Profile
from recommender.tasks import Task

SEEN_CLASSES, LEARNT, JUDGED = 6, 240, 250
WIDTH, HIDDEN = 8, 32
MEANINGS = 500  # simulated items of scored pairs
NOISE = 2.0  # of a pixel from 0 to 16, in a view
DATA = (
    "8 x 8 digits of scikit-learn, split into classes: 240 items of six digits are trained on, 250 of each of two "
    "halves of the others chosen by and judged."
)


@cache
def _digits() -> tuple[Array, Array]:
    data = load_digits()
    return data.data.astype(np.float64), data.target.astype(np.float64)


def digits(profile: Profile, *, views: bool = False) -> Callable[[int], Case]:
    """Return repeats with other classes to learn; `views`: items are two noisy pictures of one digit, of no class."""

    def case(number: int) -> Case:
        pictures, labels = _digits()
        rng = np.random.default_rng(seed_of("digits", number))
        classes = rng.permutation(10)
        known, hidden = np.isin(labels, classes[:SEEN_CLASSES]), np.isin(labels, classes[SEEN_CLASSES:])
        learn = rng.permutation(np.flatnonzero(known))[:LEARNT]
        others = rng.permutation(np.flatnonzero(hidden))
        parts = [pictures[rows] for rows in (learn, others[:JUDGED], others[JUDGED : 2 * JUDGED])]
        if views:
            parts[0] = np.concatenate([parts[0] + rng.normal(0, NOISE, parts[0].shape) for _ in range(2)])
        targets = [np.tile(labels[learn], 2) if views else labels[learn], labels[others[:JUDGED]]]
        targets.append(labels[others[JUDGED : 2 * JUDGED]])
        train, check, test = (
            Part(torch.from_numpy(x / 16 - 0.3).float(), torch.from_numpy(y).float())
            for x, y in zip(parts, targets, strict=True)
        )
        return Case(f"digits {number}", Sample(train, check, test, profile))

    return case


def _partners(labels: Tensor, *, alike: bool) -> Tensor:
    """Return for each item the place of another, drawn at random, of its class or of another one."""
    generator = torch.Generator().manual_seed(0)
    same = labels[:, None] == labels[None, :]
    fits = (same & ~torch.eye(len(labels), dtype=torch.bool)) if alike else ~same
    return torch.multinomial(fits.double(), 1, generator=generator)[:, 0]


def _unit(raw: Tensor) -> Tensor:
    return F.normalize(raw, dim=-1)


def _triplets(objective: str, sample: Sample, shape: Callable[[Tensor], Tensor]) -> Candidate:
    near, far = (_partners(sample.train.targets, alike=alike) for alike in (True, False))

    def inputs(raw: Tensor) -> Roles:
        embedded = shape(raw)
        places = {"anchor": embedded, "positive": embedded[:, near], "negative": embedded[:, far]}
        return {role: rows.flatten(0, 1) for role, rows in places.items()}

    return Candidate(objective, inputs, shape)


def triplets(objective: str, sample: Sample) -> Candidate:
    """Return each item with one of its class and one of another, all of length 1."""
    return _triplets(objective, sample, _unit)


def blind_triplets(objective: str, sample: Sample) -> Candidate:
    """Return each item with one of its class, and with any other as the negative: which are unlike is not known."""
    near = _partners(sample.train.targets, alike=True)
    other = torch.randperm(len(near), generator=torch.Generator().manual_seed(0))

    def inputs(raw: Tensor) -> Roles:
        embedded = _unit(raw)
        places = {"anchor": embedded, "positive": embedded[:, near], "negative": embedded[:, other]}
        return {role: rows.flatten(0, 1) for role, rows in places.items()}

    return Candidate(objective, inputs, _unit)


def free_triplets(objective: str, sample: Sample) -> Candidate:
    """Return the same of any length."""
    return _triplets(objective, sample, torch.clone)


def pairs(objective: str, sample: Sample) -> Candidate:
    """Return each item with one of its class."""
    near = _partners(sample.train.targets, alike=True)

    def inputs(raw: Tensor) -> Roles:
        embedded = _unit(raw)
        return {"first": embedded.flatten(0, 1), "second": embedded[:, near].flatten(0, 1)}

    return Candidate(objective, inputs, _unit)


def judged_pairs(objective: str, sample: Sample) -> Candidate:
    """Return each item with one of its class and one of another, and which of the two it is."""
    labels = sample.train.targets
    near, far = (_partners(labels, alike=alike) for alike in (True, False))
    unlike = -1.0 if objective.startswith("cosine") else 0.0

    def inputs(raw: Tensor) -> Roles:
        embedded = _unit(raw)
        targets = torch.cat([torch.ones(len(labels)), torch.full((len(labels),), unlike)])
        return {
            "first": torch.cat([embedded, embedded], 1).flatten(0, 1),
            "second": torch.cat([embedded[:, near], embedded[:, far]], 1).flatten(0, 1),
            "targets": targets.repeat(len(raw)),
        }

    return Candidate(objective, inputs, _unit)


def views(objective: str, _: Sample) -> Candidate:
    """Return the two noisy pictures of each digit; which class they are of is not used."""

    def inputs(raw: Tensor) -> Roles:
        first, second = _unit(raw).chunk(2, dim=1)
        return {"first": first.flatten(0, 1), "second": second.flatten(0, 1)}

    return Candidate(objective, inputs, _unit)


def apart(objective: str, sample: Sample) -> Candidate:
    """Return the views of each digit with a view of another as the negative."""
    half = len(sample.train.targets) // 2
    other = torch.randperm(half, generator=torch.Generator().manual_seed(0))

    def inputs(raw: Tensor) -> Roles:
        first, second = _unit(raw).chunk(2, dim=1)
        places = {"anchor": first, "positive": second, "negative": second[:, other]}
        return {role: rows.flatten(0, 1) for role, rows in places.items()}

    return Candidate(objective, inputs, _unit)


def meanings(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return noisy features (n, 12) of hidden meanings, and those, (n, 4) of length 1."""
    hidden = rng.normal(size=(MEANINGS, 4))
    hidden /= np.linalg.norm(hidden, axis=1, keepdims=True)
    features = np.tanh(2 * hidden @ rng.normal(size=(4, 12))) + 0.3 * rng.normal(size=(MEANINGS, 12))
    return features, hidden


def scored_pairs(objective: str, sample: Sample) -> Candidate:
    """Return each item with another drawn at random, and the cosine of what they mean; or whether that is positive."""
    truth = sample.train.targets
    other = torch.randperm(len(truth), generator=torch.Generator().manual_seed(0))
    scores = (truth * truth[other]).sum(-1)

    def inputs(raw: Tensor) -> Roles:
        embedded = _unit(raw)
        if objective == "mse":
            return {
                "predictions": (embedded * embedded[:, other]).sum(-1).flatten(),
                "targets": scores.repeat(len(raw)),
            }
        unlike = -1.0 if objective.startswith("cosine") else 0.0
        marked = torch.where(scores > 0, 1.0, unlike).repeat(len(raw))
        return {
            "first": embedded.flatten(0, 1),
            "second": embedded[:, other].flatten(0, 1),
            "targets": marked,
        }

    return Candidate(objective, inputs, _unit)


def agreement(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the correlation of the cosines of embeddings with those of what they mean, over neighbours in the list."""
    said = (predicted * predicted.roll(1, -2)).sum(-1).double()
    true = (part.targets * part.targets.roll(1, 0)).sum(-1).double().expand(said.shape)
    said, true = said - said.mean(-1, keepdim=True), true - true.mean(-1, keepdim=True)
    return (said * true).mean(-1) / (said.square().mean(-1) * true.square().mean(-1)).sqrt().clamp(min=1e-12)


def with_labels(objective: str, _: Sample) -> Candidate:
    """Return every item with its class."""
    return Candidate(objective, lambda raw: {"predictions": _unit(raw).flatten(0, 1)}, _unit)


def recall_at_1(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the share of items whose nearest other is of their class."""
    far = torch.cdist(predicted, predicted) + torch.diag(torch.full((predicted.shape[-2],), torch.inf))
    return (
        (part.targets[torch.nan_to_num(far, nan=torch.inf, posinf=torch.inf).argmin(-1)] == part.targets)
        .double()
        .mean(-1)
    )


def _record(
    rule: str, profile: Profile, reading: object, *against: Rival, two_views: bool = False, decided: str = ""
) -> Record:
    return Record(
        rule=rule,
        task=Task.SIMILARITY,
        data=DATA + (" Classes are not used; an item is two pictures of one digit with noise." if two_views else ""),
        metric="recall at 1",
        better=1,
        relative=False,
        case=digits(profile, views=two_views),
        reading=reading,  # type: ignore[arg-type] # a reading
        decided=decided,
        against=against,
        score=recall_at_1,
        hidden=HIDDEN,
        outputs=lambda _: WIDTH,
        repeats=12,
    )


RECORDS = (
    Record(
        rule="evidence.similarity.scored_pairs",
        task=Task.SIMILARITY,
        data="Simulated: directions in four dimensions, told by twelve saturating features with noise (0.3); an item "
        "and another are scored by the cosine of their directions; 500 items.",
        metric="correlation of cosines with scores",
        better=1,
        relative=False,
        case=simulated(meanings, known(supervision="scored_pairs")),
        reading=scored_pairs,
        against=(
            Rival("cosine_embedding", scored_pairs, "pairs of a positive score taken as alike"),
            Rival("contrastive", scored_pairs, "pairs of a positive score taken as alike"),
        ),
        score=agreement,
        hidden=HIDDEN,
        outputs=lambda _: WIDTH,
        repeats=12,
    ),
    _record(
        "evidence.similarity.default",
        Profile(),
        triplets,
        Rival("supcon", with_labels),
        Rival("triplet", free_triplets, "on embeddings of any length"),
        decided="on embeddings of length 1",
    ),
    _record("evidence.similarity.unit", Profile(unit_norm=True), triplets, Rival("supcon", with_labels)),
    _record(
        "evidence.similarity.pairs",
        Profile(supervision="positive_pairs"),
        pairs,
        Rival("nt_xent", pairs),
        Rival("triplet(margin=0.2)", blind_triplets, "any other item as the negative"),
    ),
    _record(
        "evidence.similarity.no_pairs",
        Profile(supervision="none"),
        views,
        Rival("info_nce", views),
        Rival("triplet(margin=0.2)", apart),
        two_views=True,
    ),
    _record(
        "evidence.similarity.labelled_pairs",
        Profile(supervision="labelled_pairs"),
        judged_pairs,
        Rival("cosine_embedding", judged_pairs),
    ),
)
