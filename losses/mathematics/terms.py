"""Numerically safe terms that several families share: logarithms, softmax, distances, areas."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor

from losses.mathematics.saturating import log_softmax

IGNORED = -100  # the class id that torch leaves out by default


def softplus(x: Tensor) -> Tensor:
    """Return log(1 + exp(x)), accurate at both ends; torch's own softplus is linear from 20 on."""
    return -F.logsigmoid(-x)


def times(weight: Tensor, x: Tensor) -> Tensor:
    """Return weight * x, but 0 (with gradient 0) where the weight is 0, even for an infinite x."""
    return weight * (x if all_finite(x) else x.where(weight != 0, 0))


def all_finite(x: Tensor) -> bool:
    """Return whether all numbers are finite; False also where the sum of finite numbers overflows.

    The sum takes a tenth of the time of `isfinite().all()`. While compiling the result is False: compiled code cannot
    branch on numbers.
    """
    return not torch.compiler.is_compiling() and math.isfinite(x.detach().sum())


def log(p: Tensor) -> Tensor:
    """Return log p; where p is 0, -infinity with gradient 0 (an infinite gradient times a weight of 0 would be NaN)."""
    if not torch.compiler.is_compiling() and p.numel() and float(p.detach().amin()) > 0:
        return p.log()
    return p.where(p > 0, 1).log().where(p > 0, -math.inf)


def log_sum(log_p: Tensor) -> Tensor:
    """Return the logarithm of the sum of p along axis 1.

    Where every p is 0, -infinity with gradient 0 instead of NaN.
    """
    none = log_p.isneginf().all(1)
    return log_p.masked_fill(none.unsqueeze(1), 0).logsumexp(1).masked_fill(none, -math.inf)


def log_add(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Return log(p + q); where both are 0, -infinity with gradient 0 instead of NaN."""
    if all_finite(log_p):
        return torch.logaddexp(log_p, log_q)
    none = log_p.maximum(log_q).isneginf()
    return torch.logaddexp(log_p.masked_fill(none, 0), log_q).masked_fill(none, -math.inf)


def clipped(log_p: Tensor, clip: float) -> Tensor:
    """Return log p with p clipped to [clip, 1 - clip]; unchanged where clip is 0."""
    return log_p.clamp(math.log(clip), math.log1p(-clip)) if clip else log_p


def log_probabilities(predictions: Tensor, *, from_logits: bool, clip: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return log p and log(1 - p) of binary predictions, clipped where they are probabilities."""
    if from_logits:
        return F.logsigmoid(predictions), F.logsigmoid(-predictions)
    below_one = predictions < 1
    no = (-predictions).where(below_one, 0).log1p().where(below_one, -math.inf)
    return clipped(log(predictions), clip), clipped(no, clip)


def binary_cross_entropy(yes: Tensor, no: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy of labels in [0, 1], from yes = log p and no = log(1 - p)."""
    return -(times(targets, yes) + times(1 - targets, no))


def class_log_probabilities(predictions: Tensor, *, from_logits: bool, clip: float = 0.0) -> Tensor:
    """Return log-probabilities of the classes on axis 1, clipped where the predictions are probabilities."""
    return log_softmax(predictions) if from_logits else clipped(log(predictions), clip)


def centred(x: Tensor, kept: Tensor | None = None) -> Tensor:
    """Return x minus its largest number along axis 1, which leaves a softmax unchanged.

    `kept` masks which numbers count.

    Differences of scores far from 0 are exact, while log-sum-exp minus a score would lose digits.
    """
    if not x.numel():
        return x
    largest = (x if kept is None else x.where(kept, -math.inf)).detach().amax(1, keepdim=True)
    return x - largest.where(largest.isfinite(), 0)


def of_label(values: Tensor, ids: Tensor) -> Tensor:
    """Return the entry along axis 1 that each id selects.

    Shapes: values (n, C, *s), ids (n, *s), result (n, *s).
    """
    return values.gather(1, ids.unsqueeze(1)).squeeze(1)


def signs(labels: Tensor) -> Tensor:
    """Return labels in [0, 1] mapped to [-1, 1]."""
    return 2 * labels - 1


def without_ignored(predictions: Tensor, kept: Tensor) -> Tensor:
    """Return predictions set to 1 where an item is ignored, so that they cause no NaN in the gradient.

    While compiling they are returned unchanged, since compiled code takes no gradient.

    Shapes: predictions (n, C, *s), kept (n, *s).
    """
    as_they_are = torch.compiler.is_compiling() or bool(kept.all())
    return predictions if as_they_are else predictions.masked_fill(~kept.unsqueeze(1), 1)


def log_of_the_rest(log_p: Tensor, ids: Tensor) -> Tensor:
    """Return log(1 - p) of the classes `ids`, as the sum over the other classes, so that no digits cancel.

    Shapes: log_p (n, C, *s), ids (n, *s), result (n, *s).
    """
    return log_sum(log_p.scatter(1, ids.unsqueeze(1), -math.inf))


def log_less(log_rest: Tensor, log_p: Tensor) -> Tensor:
    """Return log p, computed as log(1 - rest) where the rest is the smaller of the two and so has more digits.

    Args:
        log_rest: log(1 - p).
        log_p: log p.
    """
    sure = log_rest < log_p
    return torch.where(sure, -(log_rest.where(sure, -1).exp()), 0).log1p().where(sure, log_p)


def log1p_over(u: Tensor) -> Tensor:
    """Return log(1 + u) / u; at 0 it is 1 with derivative -1/2, where the quotient itself would be NaN."""
    small = u.abs() < 0.01  # noqa: PLR2004 - its eighth power is 1e-16
    near, far = u.where(small, 0), u.where(~small, 1)
    series = torch.zeros_like(u)
    for k in range(8, 0, -1):
        series = 1 / k - near * series
    return torch.where(small, series, far.log1p() / far)


def power(log_base: Tensor, exponent: float) -> Tensor:
    """Return exp(log_base) ** exponent; 1 for exponent 0 even where the base is 0."""
    return torch.ones_like(log_base) if exponent == 0 else (exponent * log_base).exp()


def distance(first: Tensor, second: Tensor, p: float, eps: float) -> Tensor:
    """Return the p-norm of first - second + eps along axis 1; eps keeps the gradient finite at distance 0.

    The largest coordinate is factored out, so that powers stay within the range of the dtype.
    """
    difference = first - second + eps
    largest = difference.detach().abs().amax(1)
    scale = largest.where(largest > 0, 1)
    norm: Tensor = scale * torch.linalg.vector_norm(difference / scale.unsqueeze(1), ord=p, dim=1)
    return norm


def unit(x: Tensor, eps: float = 0.0) -> Tensor:
    """Return x scaled to length 1 along axis 1; zero vectors stay 0, with a finite gradient.

    Eps is added to the squared length.

    The largest coordinate is factored out, so that squares stay within the range of the dtype.
    """
    largest = x.detach().abs().amax(1, keepdim=True)
    scale = largest.where(largest > 0, 1)
    scaled = x / scale
    squared = scaled.square().sum(1, keepdim=True) + eps / scale / scale
    return scaled / squared.where(squared > 0, 1).sqrt()


def similarities(first: Tensor, second: Tensor, *, normalize: bool) -> Tensor:
    """Return the dot product of every row of `first` with every row of `second`; cosines with `normalize`.

    Shapes: first (n, D), second (m, D), result (n, m).
    """
    return unit(first) @ unit(second).T if normalize else first @ second.T


def diagonal(rows: Tensor) -> Tensor:
    """Return the diagonal of an (n, n) matrix as a mask."""
    return torch.eye(rows.shape[0], dtype=torch.bool, device=rows.device)


def same_and_different(targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return two masks (n, n): pairs of different items with equal targets, and pairs with different targets."""
    same = targets[:, None] == targets
    return same & ~diagonal(targets), ~same


def weights_or_ones(like: Tensor, weights: Tensor | None) -> Tensor:
    """Return the weights of elements in the dtype of `like`; ones where there are none."""
    return torch.ones_like(like) if weights is None else weights.to(like.dtype)


def along_classes(class_weights: Tensor, predictions: Tensor) -> Tensor:
    """Return class weights (C) as (C, 1, ...), to broadcast against predictions with classes on axis 1."""
    return class_weights.reshape(-1, *[1] * (predictions.ndim - 2))


def flat(tensor: Tensor) -> Tensor:
    """Return (n, C, *s) as (n, C, pixels)."""
    return tensor.unsqueeze(-1).flatten(2)


def total(pixels: Tensor) -> Tensor:
    """Return the sum over the last axis in float64."""
    return pixels.sum(-1, dtype=torch.float64) if pixels.shape[-1] != 1 else pixels.squeeze(-1).to(torch.float64)


def in_range(divisor: Tensor) -> Tensor:
    """Return the divisor, NaN where it overflowed: a quotient by infinity would be 0 and look like a valid result."""
    return divisor.where(divisor.isfinite(), math.nan)


def shared_area(boxes: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return the areas of the intersection and of the union of pairs of boxes x1, y1, x2, y2.

    A union that overflows the dtype is NaN, since a quotient by infinity would be a wrong number.

    Shapes: boxes and others (n, 4), results (n).
    """
    sides = (boxes[:, 2:].minimum(others[:, 2:]) - boxes[:, :2].maximum(others[:, :2])).clamp(min=0)
    shared = sides.prod(1)
    areas = [(box[:, 2:] - box[:, :2]).prod(1) for box in (boxes, others)]
    return shared, in_range(areas[0] + areas[1] - shared)


def hull(boxes: Tensor, others: Tensor) -> Tensor:
    """Return width and height of the smallest box that encloses each pair of boxes.

    Shapes: boxes and others (n, 4), result (n, 2).
    """
    return boxes[:, 2:].maximum(others[:, 2:]) - boxes[:, :2].minimum(others[:, :2])


def sum_and_count(values: Tensor) -> Tensor:
    """Return the sum and the count of the numbers of every row, (rows, 2) in float64."""
    rows = values.unsqueeze(-1).flatten(1)
    sums = total(rows)
    return torch.stack([sums, torch.full_like(sums, rows.shape[1])]).T
