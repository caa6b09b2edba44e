"""Linear models under many losses by weighted least squares, solved again and again.

Of losses of a residual e the weights of the next solution are the gradient over e: iteratively reweighted least
squares, Holland & Welsch 1977, doi:10.1080/03610927708827533. Of losses of a logarithm they are the second derivative:
Newton's method, which is Fisher scoring for the Poisson family (McCullagh & Nelder 1989). Both are the same step, so
that one product of weights (losses, n) and pairs of features (n, pairs) gives the normal equations of every loss.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from recommender.experiment.training.batches import Fold
from recommender.experiment.training.reading import Reading
from recommender.experiment.training.replica_losses import Trained
from recommender.experiment.training.train import Outputs

STARTING, SOLUTIONS = 8, 12  # of the convex start, and of each loss from there
RIDGE = 1e-3  # of the mean curvature, so that columns that say the same have a solution
SMALLEST_WEIGHT = 1e-4  # of the mean weight: below it a row is out, and a step of Newton's would be too long
SMALLEST_RESIDUAL = 1e-3  # of the target's spread: what is below weighs as much, or mae's weights would have no end
LONGEST_STEP = 2.0  # on the scale of the logarithm
MOST_PAIRS = 2**24  # numbers of the pairs of features of one fold: 64 MiB
SOLVED = ("identity", "log", "log1p")  # links of which a linear model is solved


def fits(rows: int, features: int) -> bool:
    """Whether so many rows and features have pairs that fit into memory."""
    return rows * _pairs(features + 1) <= MOST_PAIRS


def solve(
    folds: Sequence[Fold], trained: Sequence[Trained], starts: Sequence[Trained], weights: Tensor | None = None
) -> Outputs:
    """Return what linear models under every loss say of the rows that their fold does not train on.

    Each loss starts from the solution of its convex one. Shapes: weights (n); predictions (losses, 1, 1, n, 1).
    """
    n = len(folds[0].features)
    kept = torch.zeros(len(trained), 1, 1, n, 1)
    diverged = torch.zeros(len(trained), 1, len(folds), dtype=torch.bool)
    times = torch.bincount(torch.cat([fold.held_out for fold in folds]), minlength=n).clamp(min=1)
    for place, fold in enumerate(folds):
        solver = _Solver(fold, place, weights)
        unique = list({id(start): start for start in starts}.values())
        begun = solver.solutions(unique, torch.zeros(len(unique), solver.width), STARTING)
        begin = torch.stack([begun[next(k for k, own in enumerate(unique) if own is start)] for start in starts])
        weights_of_losses = solver.solutions(trained, begin, SOLUTIONS)
        raw = solver.raw(fold.held_out, weights_of_losses)
        for loss, entry in enumerate(trained):
            predicted = entry.of_fold(place).reading.predicted(raw[None, loss : loss + 1, :, None])[0, 0]
            diverged[loss, 0, place] = not bool(predicted.isfinite().all())
            kept[loss, 0, 0, fold.held_out] += predicted.nan_to_num(0.0, 0.0, 0.0) / times[fold.held_out, None]
    return Outputs(kept, diverged)


class _Solver:
    """The normal equations of one fold."""

    def __init__(self, fold: Fold, place: int, weights: Tensor | None) -> None:
        self._fold, self._place = fold, place
        self._x = _with_ones(fold.features[fold.train])
        self.width = self._x.shape[1]
        self._left, self._right = torch.triu_indices(self.width, self.width)
        self._products = self._x[:, self._left] * self._x[:, self._right]
        self._weights = None if weights is None else weights[fold.train]

    def raw(self, rows: Tensor, solutions: Tensor) -> Tensor:
        """Return the outputs (losses, rows) of models (losses, width)."""
        return solutions @ _with_ones(self._fold.features[rows]).T

    def solutions(self, trained: Sequence[Trained], begin: Tensor, times: int) -> Tensor:
        """Return the weights of each loss's model (losses, width), after so many solutions."""
        solutions = begin
        for _ in range(times):
            raw = solutions @ self._x.T
            slopes, curvatures = (
                torch.stack(same)
                for same in zip(
                    *(self._derivatives(entry, own) for entry, own in zip(trained, raw, strict=True)), strict=True
                )
            )
            step = self._step(slopes, curvatures, solutions)
            longest = (step @ self._x.T).abs().amax(1, keepdim=True)
            bounded = torch.tensor([entry.reading.link == "log" for entry in trained])[:, None]
            shorter = torch.where(bounded, LONGEST_STEP / longest.clamp(min=LONGEST_STEP), torch.ones_like(longest))
            solutions = solutions - (step * shorter).nan_to_num(0.0, 0.0, 0.0)
        return solutions

    def _step(self, slopes: Tensor, curvatures: Tensor, solutions: Tensor) -> Tensor:
        """Return curvature's inverse times the gradient (losses, width), with a ridge on all but the constant."""
        equations = torch.zeros(len(slopes), self.width, self.width)
        equations[:, self._left, self._right] = curvatures @ self._products
        equations[:, self._right, self._left] = equations[:, self._left, self._right]
        ridge = RIDGE * curvatures.sum(1, keepdim=True) * torch.ones(self.width)
        ridge[:, -1] = 0.0
        equations += torch.diag_embed(ridge)
        gradient = slopes @ self._x + ridge * solutions
        solved: Tensor = torch.linalg.solve_ex(equations, gradient[..., None]).result[..., 0]
        return solved

    def _derivatives(self, entry: Trained, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradient and the curvature of each row (n) with respect to the raw output of one loss."""
        targets = entry.targets[self._fold.train]
        entry = entry.of_fold(self._place)
        reading = entry.reading
        with torch.enable_grad():
            leaf = raw.detach().requires_grad_()
            value = _sum_of_items(entry, reading, leaf, targets)
            newton = reading.link == "log"
            (slope,) = torch.autograd.grad(value, leaf, create_graph=newton)
            if newton:
                (curvature,) = torch.autograd.grad(slope.sum(), leaf)
            else:
                level = targets if reading.link == "identity" else targets.log1p()
                residual = raw - (level - reading.centre.flatten()) / reading.spread.flatten()
                curvature = slope / torch.where(residual.abs() < SMALLEST_RESIDUAL, SMALLEST_RESIDUAL, residual)
        slope = slope.detach()
        curvature = curvature.detach().nan_to_num(0.0, 0.0, 0.0).clamp(min=0.0)
        curvature = curvature.clamp(min=SMALLEST_WEIGHT * float(curvature.mean()) + 1e-30)
        return (slope, curvature) if self._weights is None else (slope * self._weights, curvature * self._weights)


def _sum_of_items(entry: Trained, reading: Reading, raw: Tensor, targets: Tensor) -> Tensor:
    """Return the sum of a loss over rows. Shapes: raw (n), targets (n) -> ()."""
    taken = reading.taken(raw[None, None, :, None]).flatten()
    total = raw.new_zeros(())
    for coefficient, term in entry.objective.terms:
        out = term({"predictions": taken, "targets": targets}, None)
        if not isinstance(out, Tensor):
            raise TypeError(f"{term} gives no number an item")
        total = total + coefficient * out.sum()
    return total


def _with_ones(features: Tensor) -> Tensor:
    return torch.cat([features, features.new_ones(len(features), 1)], 1)


def _pairs(width: int) -> int:
    return width * (width + 1) // 2
