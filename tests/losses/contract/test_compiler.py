"""Formulas as torch.compile makes them: the same numbers, and gradients as ever."""

import os
import shutil
from dataclasses import replace

import pytest
import torch

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options

pytestmark = pytest.mark.skipif(shutil.which(os.environ.get("CXX", "g++")) is None, reason="no C++ compiler is here")
DRAW = torch.Generator().manual_seed(1)
NUMBERS = {"predictions": torch.randn(3000, generator=DRAW), "targets": torch.randn(3000, generator=DRAW)}
MASKS = {
    "predictions": torch.randn(60, 2, 8, 8, generator=DRAW),
    "targets": torch.randint(2, (60, 2, 8, 8), generator=DRAW),
}


@pytest.mark.parametrize(
    ("text", "inputs"),
    [  # each takes a compilation
        ("huber(delta=0.7)", NUMBERS),
        ("dice", MASKS),
        pytest.param("mse + 0.5*mae", NUMBERS, marks=pytest.mark.long),
        pytest.param("bce(pos_weight=3)", MASKS, marks=pytest.mark.long),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fused_formula_says_what_the_formula_says(text: str, inputs: dict[str, torch.Tensor]) -> None:
    weights = torch.rand(len(inputs["targets"]), generator=DRAW)
    options = Options(chunk_elements=1000, gradient="summary")

    wanted = evaluate(parse(text), inputs, weights=weights, options=options)
    evaluation = evaluate(parse(text), inputs, weights=weights, options=replace(options, fuse=True))

    assert evaluation.value == pytest.approx(wanted.value, rel=1e-6)
    assert evaluation.standard_error == pytest.approx(wanted.standard_error, rel=1e-5)
    assert evaluation.gradient is not None
    assert wanted.gradient is not None
    assert evaluation.gradient.absolute_sum == pytest.approx(wanted.gradient.absolute_sum, rel=1e-6)
