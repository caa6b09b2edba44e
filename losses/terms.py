"""Mathematics that families share."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor

from losses.spec import Items


def softplus(x: Tensor) -> Tensor:
    """Return log(1 + exp(x)), exact at both ends: torch's own softplus turns linear at 20."""
    return -F.logsigmoid(-x)


def times(weight: Tensor, x: Tensor) -> Tensor:
    """Return weight * x where a weight of zero silences even an infinite x."""
    return torch.where(weight == 0, 0, weight * x)


def log_probabilities(predictions: Tensor, *, from_logits: bool) -> tuple[Tensor, Tensor]:
    """Return log p and log(1 - p) of a binary prediction."""
    if from_logits:
        return F.logsigmoid(predictions), F.logsigmoid(-predictions)
    return predictions.log(), (-predictions).log1p()


def binary_cross_entropy(yes: Tensor, no: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy of labels in [0, 1] from log p and log(1 - p)."""
    return -(times(targets, yes) + times(1 - targets, no))


def class_log_probabilities(predictions: Tensor, *, from_logits: bool) -> Tensor:
    """Return log-probabilities along axis 1."""
    return F.log_softmax(predictions, 1) if from_logits else predictions.log()


def log_of_the_rest(predictions: Tensor, log_p: Tensor, ids: Tensor, *, from_logits: bool) -> Tensor:
    """Return log(1 - p) of the classes named by `ids`, summed over the others so that nothing cancels.

    Shapes: predictions, log_p (n, C, *s), ids (n, *s).
    """
    others = log_p.scatter(1, ids.unsqueeze(1), float("-inf"))
    if from_logits and predictions.shape[1] > 1:
        return others.logsumexp(1)
    return others.exp().sum(1).log()


def power(log_base: Tensor, exponent: float) -> Tensor:
    """Return exp(log_base) ** exponent, 1 for exponent 0 even where the base is 0."""
    return torch.ones_like(log_base) if exponent == 0 else (exponent * log_base).exp()


def mean(values: Tensor) -> Items:
    """Return values as items that each count once."""
    return Items(values, torch.ones_like(values))


def distance(first: Tensor, second: Tensor, p: float, eps: float) -> Tensor:
    """Return the p-norm of first - second + eps along axis 1; eps keeps the gradient finite at distance 0."""
    norm: Tensor = torch.linalg.vector_norm(first - second + eps, ord=p, dim=1)
    return norm


def flat(tensor: Tensor) -> Tensor:
    """Return (n, C, *s) as (n, C, pixels)."""
    return tensor.flatten(2) if tensor.ndim > 2 else tensor.unsqueeze(-1)  # noqa: PLR2004 - n and C
