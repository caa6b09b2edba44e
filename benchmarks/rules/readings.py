"""What losses read of the outputs of a model, and the predictions behind that."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from benchmarks.regret.training import Candidate, Roles, Sample

FARTHEST = 30.0  # of a logarithm
WIDE_AT_FIRST = 0.54  # softplus of it is 1


def _moments(sample: Sample) -> tuple[float, float]:
    targets = sample.train.targets.double()
    return float(targets.mean()), float(targets.std()) or 1.0


def number(objective: str, sample: Sample) -> Candidate:
    """Return the first output in the unit of the targets."""
    mean, spread = _moments(sample)

    def predict(raw: Tensor) -> Tensor:
        return mean + spread * raw[..., 0]

    return Candidate(objective, lambda raw: {"predictions": predict(raw).flatten()}, predict)


def exponential(objective: str, sample: Sample) -> Candidate:
    """Return what comes out of an exponential, for losses that take positive predictions."""
    level = torch.tensor(_moments(sample)[0]).clamp(min=1e-3).log()

    def predict(raw: Tensor) -> Tensor:
        return (raw[..., 0] + level).clamp(-FARTHEST, FARTHEST).exp()

    return Candidate(objective, lambda raw: {"predictions": predict(raw).flatten()}, predict)


def logarithm(objective: str, sample: Sample) -> Candidate:
    """Return the same as its logarithm, for losses with a log link."""
    whole = exponential(objective, sample)
    return Candidate(objective, lambda raw: {"predictions": whole.predict(raw).log().flatten()}, whole.predict)


def logit(objective: str, sample: Sample) -> Candidate:
    """Return a logit that starts from the share of positives, judged as a probability."""
    share = sample.train.targets.mean().clamp(1e-3, 1 - 1e-3)

    def logits(raw: Tensor) -> Tensor:
        return raw[..., 0] + share.logit()

    return Candidate(objective, lambda raw: {"predictions": logits(raw).flatten()}, lambda raw: logits(raw).sigmoid())


def score(objective: str, _: Sample) -> Candidate:
    """Return the first output as it is."""
    return Candidate(objective, predict=lambda raw: raw[..., 0])


def class_logits(objective: str, sample: Sample) -> Candidate:
    """Return all outputs as logits of classes, judged as they are."""
    counts = torch.bincount(sample.train.targets.long(), minlength=sample.classes).float().clamp(min=0.5)
    shares = {"priors": counts / counts.sum(), "class_counts": counts}
    roles = Candidate(objective).roles
    of_classes = {role: shares[role] for role in roles if role in shares}
    return Candidate(objective, lambda raw: {"predictions": raw.flatten(0, 1)}, of_classes=of_classes)


def with_width(objective: str, sample: Sample) -> Candidate:
    """Return a mean and a standard deviation: its square is the variance. Judged by both: (..., n, 2)."""
    mean, spread = _moments(sample)

    def predict(raw: Tensor) -> Tensor:
        width = spread * F.softplus(raw[..., 1] + WIDE_AT_FIRST).clamp(min=1e-4)
        return torch.stack([mean + spread * raw[..., 0], width], -1)

    def inputs(raw: Tensor) -> Roles:
        centre, width = predict(raw).flatten(0, 1).unbind(-1)
        return {"predictions": centre, "scale": width, "variance": width.square()}

    return Candidate(objective, inputs, predict)


def ends(objective: str, sample: Sample) -> Candidate:
    """Return the two ends of an interval, judged as (..., n, 2)."""
    whole = with_width(objective, sample)

    def predict(raw: Tensor) -> Tensor:
        centre, width = whole.predict(raw).unbind(-1)
        return torch.stack([centre - width, centre + width], -1)

    def inputs(raw: Tensor) -> Roles:
        lower, upper = predict(raw).flatten(0, 1).unbind(-1)
        return {"lower": lower, "upper": upper}

    return Candidate(objective, inputs, predict)
