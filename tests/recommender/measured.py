"""What the tests of measuring share: normal errors, and a shorter way to what was found."""

import torch

from recommender.measure import Measurement

RANDOM = torch.Generator().manual_seed(1)
NORMAL = torch.randn(400_000, generator=RANDOM, dtype=torch.float64)


def codes(measured: Measurement) -> list[str]:
    return [warning.code for warning in measured.warnings]


def number(measured: Measurement, fact: str) -> float:
    value = measured.profile.number(fact)
    assert value is not None
    return value
