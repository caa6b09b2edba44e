"""Means and co-moments of rows that arrive in chunks, merged without loss of precision."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Moments:
    """Count, mean and sum of centred products of k-vectors.

    Source: Chan, Golub & LeVeque 1983, doi:10.1080/00031305.1983.10483115 (pairwise update).
    """

    width: int
    count: int = 0

    def __post_init__(self) -> None:
        self.mean = torch.zeros(self.width, dtype=torch.float64)
        self.centred = torch.zeros(self.width, self.width, dtype=torch.float64)

    def add(self, rows: Tensor) -> None:
        """Take in rows (m, k) of float64."""
        more = len(rows)
        if not more:
            return
        columns = rows.T.contiguous()  # a reduction along memory is several times faster than across it
        mean = columns.mean(1)
        away = columns - mean[:, None]
        step = (mean - self.mean.to(rows.device)).cpu()
        total = self.count + more
        self.centred += (away @ away.T).cpu() + torch.outer(step, step) * (self.count * more / total)
        self.mean += step * (more / total)
        self.count = total

    def error_of_sum(self, direction: Tensor) -> float | None:
        """Return the standard error of the sum over rows of row times `direction`; None from fewer than 2 rows."""
        if self.count < 2:  # noqa: PLR2004 - one row has no spread
            return None
        spread = float(direction @ self.centred @ direction)
        return float((max(spread, 0.0) * self.count / (self.count - 1)) ** 0.5)
