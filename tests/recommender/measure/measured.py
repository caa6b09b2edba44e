"""What the tests of measuring share: normal errors, and a shorter way to what was found."""

import numpy as np
import torch
from torch import Tensor

from recommender.measure import Measurement
from recommender.measure.numbers.residual_blocks import SAMPLE, ResidualStream
from recommender.measure.numbers.residual_scores import ResidualSummary, summarise

RANDOM = torch.Generator().manual_seed(1)
NORMAL = torch.randn(400_000, generator=RANDOM, dtype=torch.float64)


def summary_of(targets: Tensor, predictions: Tensor | None = None, sample_size: int = SAMPLE) -> ResidualSummary:
    """Return the summary of residuals; what overflows is left out, as it is by measure_profile."""
    with np.errstate(all="ignore"):
        return summarise(ResidualStream(targets, predictions, sample_size=sample_size))


def codes(measured: Measurement) -> list[str]:
    return [warning.code for warning in measured.warnings]


def number(measured: Measurement, fact: str) -> float:
    value = measured.profile.number(fact)
    assert value is not None
    return value
