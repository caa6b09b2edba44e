"""Converts the raw output of a model to the input of a loss, and to a prediction."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from losses.contract.expression import Objective
from losses.description.probability import probability_map
from recommender.experiment.candidates import OF_CLASSES, Link

FARTHEST = 30.0  # of a logarithm or a log-odds, beyond which the exponential says nothing


@dataclass(frozen=True)
class Reading:
    """How outputs are read under one link.

    Shapes: centre (folds, 1, 1, outputs) and spread (folds, 1, 1, 1), of the training rows of each fold: of the target
    for identity, of log(1 + target) for log1p; elsewhere spread is 1 and centre is the level at which models start.
    counts (folds, classes), how often each class occurs in them; None where the target is a number. `bent`: the loss's
    own map from its outputs to probabilities, None where the activation is enough. least (folds, 1, 1, 1), the smallest
    probability that a class is given, under every loss: that of a smoothed one can be 0, where log loss is without end,
    and one row of which a model was too sure would decide between losses.
    """

    link: Link
    centre: Tensor
    spread: Tensor
    counts: Tensor | None = None
    bent: Callable[..., Tensor] | None = None
    least: Tensor | None = None

    @property
    def outputs(self) -> int:
        """How many numbers a model puts out for an item."""
        return self.centre.shape[-1]

    def of_fold(self, fold: int) -> "Reading":
        """Return the reading of one fold alone."""
        part = slice(fold, fold + 1)
        counts, least = (None if own is None else own[part] for own in (self.counts, self.least))
        return replace(self, centre=self.centre[part], spread=self.spread[part], counts=counts, least=least)

    def level(self, raw: Tensor) -> Tensor:
        """Return outputs on the scale of the link. Shapes: (folds, replicas, n, outputs), the same."""
        scaled = self.centre + self.spread * raw
        return scaled if self.link in ("identity", "order") else scaled.clamp(-FARTHEST, FARTHEST)

    def taken(self, raw: Tensor) -> Tensor:
        """Return what the loss takes: (folds, replicas, n, columns), of ordinal thresholds one fewer than classes."""
        level = self.level(raw)
        if self.link in ("cumulative", "conditional"):
            return level[..., :-1]
        return level.expm1() if self.link == "log1p" else level

    def predicted(self, raw: Tensor) -> Tensor:
        """Return numbers, scores to order by, or probabilities of the classes (folds, replicas, n, outputs)."""
        taken = self.taken(raw)
        if self.link == "cumulative":  # thresholds learnt apart can cross; a class then has no probability
            return _between(taken.sigmoid().cummin(-1).values)
        if self.link == "conditional":
            return _between(taken.sigmoid().cumprod(-1))
        if self.bent is not None:
            return self._away_from_the_ends(self._unbent(taken, self.bent))
        if self.link == "log":
            return taken.exp()
        if self.link == "softmax":
            return self._away_from_the_ends(taken.softmax(-1))
        return self._away_from_the_ends(taken.sigmoid()) if self.link in ("logit", "score") else taken

    def _unbent(self, taken: Tensor, bent: Callable[..., Tensor]) -> Tensor:
        """Return probabilities by the loss's own map from its outputs, whose minimum is not the probability."""
        needs = [name for name in inspect.signature(bent).parameters if name in OF_CLASSES]
        if needs and self.counts is not None:
            return torch.stack(
                [
                    bent(rows.flatten(0, 1), **dict.fromkeys(needs, counts)).reshape(rows.shape)
                    for rows, counts in zip(taken, self.counts, strict=True)
                ]
            )
        flat = taken.flatten(0, 2) if taken.shape[-1] > 1 else taken.flatten()
        return bent(flat).reshape(taken.shape)

    def _away_from_the_ends(self, probabilities: Tensor) -> Tensor:
        if self.least is None:
            return probabilities
        if probabilities.shape[-1] > 1 and self.link == "softmax":
            inside = probabilities.maximum(self.least)
            return inside / inside.sum(-1, keepdim=True)
        return probabilities.maximum(self.least).minimum(1 - self.least)


def map_of(objective: Objective) -> Callable[..., Tensor] | None:
    """Return the function from an objective's outputs to probabilities, None where its activation is enough."""
    mapping = probability_map(objective)
    return None if mapping is None else mapping.function()


def _between(exceeded: Tensor) -> Tensor:
    """Return the probability of each class from that of exceeding each threshold. Shapes: (..., K) -> (..., K + 1)."""
    ones, zeros = torch.ones_like(exceeded[..., :1]), torch.zeros_like(exceeded[..., :1])
    return torch.cat([ones, exceeded], -1) - torch.cat([exceeded, zeros], -1)
