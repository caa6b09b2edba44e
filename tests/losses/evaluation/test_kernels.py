"""A kernel gives what the formulas give, and leaves to the plain way what it cannot tell."""

import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from losses.contract.expression import Objective, parse
from losses.contract.loss import Loss
from losses.contract.registry import catalogue
from losses.errors import DomainViolation, NonFiniteInput
from losses.evaluation.evaluate import evaluate
from losses.evaluation.kernels.build import build
from losses.evaluation.kernels.form import Form, why_no_kernel
from losses.evaluation.kernels.library import Kernels, built, isa, kernel_paths
from losses.evaluation.layout import layout_of
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from losses.evaluation.stream import Stream
from tests.losses.draw import Subject, named

pytestmark = pytest.mark.skipif(shutil.which(os.environ.get("CXX", "g++")) is None, reason="no C++ compiler is here")
Inputs = dict[str, Tensor]
CHUNK = 1000
DRAW = torch.Generator().manual_seed(1)
NUMBERS: Inputs = {
    "predictions": torch.randn(3500, generator=DRAW, dtype=torch.float64),
    "targets": torch.randn(3500, generator=DRAW, dtype=torch.float64),
}
IDS: Inputs = {
    "predictions": torch.randn(900, 5, generator=DRAW, dtype=torch.float64),
    "targets": torch.randint(5, (900,), generator=DRAW),
}
MASKS: Inputs = {
    "predictions": torch.randn(60, 3, 8, 8, generator=DRAW, dtype=torch.float64),
    "targets": torch.randint(2, (60, 3, 8, 8), generator=DRAW).double(),
}
COMPILED = [loss for loss in catalogue().values() if not why_no_kernel(loss.bind())]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


def form_for(text: str, inputs: Inputs) -> Form:
    form = layout_of(parse(text), inputs, None, CHUNK).form
    assert form is not None
    return form


def kernels_for(text: str, inputs: Inputs, folder: Path) -> Kernels:
    """Return the kernels of a folder, that of a text compiled if it is not there."""
    form = form_for(text, inputs)
    if Kernels([folder]).find(form, 0) is None:
        build(form, folder)
    return Kernels([folder])


def told(evaluation: Evaluation) -> dict[str, Any]:
    """Return what does not depend on the order of sums."""
    described = evaluation.described()
    numbers = ("value", "numerator", "denominator", "standard_error", "per_class", "terms")
    return {name: entry for name, entry in described.items() if name not in numbers}


def assert_near(number: float | None, wanted: float | None, tolerance: float) -> None:
    assert (number is None) == (wanted is None)
    if number is not None:
        assert number == pytest.approx(wanted, rel=tolerance, abs=1e-12)


def assert_same(text: str, inputs: Inputs, kernels: Kernels, **options: Any) -> None:  # noqa: ANN401 - of Options
    plain = Options(chunk_elements=CHUNK, **options)

    wanted = evaluate(parse(text), inputs, options=plain)
    evaluation = evaluate(parse(text), inputs, options=replace(plain, kernels=kernels))

    assert told(evaluation) == told(wanted)
    assert_near(evaluation.value, wanted.value, 1e-12)
    assert_near(evaluation.standard_error, wanted.standard_error, 1e-9)
    for mean, of_class in zip(evaluation.per_class or [], wanted.per_class or [], strict=True):
        assert_near(mean, of_class, 1e-12)
    assert_near(evaluation.numerator, wanted.numerator, 1e-12)
    assert_near(evaluation.denominator, wanted.denominator, 1e-12)


def assert_same_in_windows(text: str, inputs: Inputs, kernels: Kernels, *, items: int) -> None:
    """Compare a stream of windows of so many items, computed by kernels, with the plain way."""
    wanted = evaluate(parse(text), inputs, options=Options(chunk_elements=CHUNK))
    stream = Stream(parse(text), Options(chunk_elements=CHUNK, kernels=kernels))

    for windows in zip(*(torch.split(tensor, items) for tensor in inputs.values()), strict=True):
        stream.add(dict(zip(inputs, windows, strict=True)))
    evaluation = stream.finish()

    assert told(evaluation) == told(wanted)
    assert_near(evaluation.value, wanted.value, 1e-12)
    assert_near(evaluation.standard_error, wanted.standard_error, 1e-9)


def test_one_kernel_serves_every_value_of_a_parameter(folder: Path) -> None:
    kernels = kernels_for("huber(delta=0.7)", NUMBERS, folder)

    for delta in (0.001, 0.7, 3.0):
        assert_same(f"huber(delta={delta})", NUMBERS, kernels)
    for reduction in ("sum", "none", "mean_over_count"):
        assert_same("huber(delta=0.7)", NUMBERS, kernels, reduction=reduction)

    assert {form_for(f"huber(delta={1 + k / 1000})", NUMBERS) for k in range(1, 1000)} == set(kernels.known)
    far_off = {**NUMBERS, "targets": NUMBERS["targets"] + 1e8}  # squares would cancel all digits of the spread
    assert_same("huber(delta=0.7)", far_off, kernels)
    same = {role: torch.zeros(3500, dtype=torch.float64) for role in NUMBERS}
    assert_same("huber(delta=0.7)", same, kernels)
    transposed = {role: tensor.reshape(2, 1750).T[:, 0] for role, tensor in NUMBERS.items()}
    assert_same("huber(delta=0.7)", transposed, kernels)


def test_one_kernel_serves_every_number_of_axes(folder: Path) -> None:
    kernels = kernels_for("mse", MASKS, folder)

    for axes in ((192,), (3, 64), (3, 8, 8), (3, 2, 4, 8)):
        inputs = {role: tensor.reshape(60, *axes) for role, tensor in MASKS.items()}
        assert_same("mse", inputs, kernels)

    assert len(kernels.known) == 1


def test_what_a_kernel_finds_amiss_is_refused_as_ever(folder: Path) -> None:
    kernels = kernels_for("huber(delta=0.7)", NUMBERS, folder)
    predictions = NUMBERS["predictions"].clone()
    predictions[2345] = torch.nan
    inputs = {**NUMBERS, "predictions": predictions}
    options = Options(chunk_elements=CHUNK, kernels=kernels)

    with pytest.raises(NonFiniteInput) as refused:
        evaluate(parse("huber(delta=0.7)"), inputs, options=options)

    assert refused.value.index == [2345]
    assert_same("huber(delta=0.7)", inputs, kernels, nonfinite="allow")


def test_a_kernel_leaves_out_what_is_ignored_and_refuses_what_is_no_class(folder: Path) -> None:
    text = "sparse_categorical_ce"
    kernels = kernels_for(text, IDS, folder)
    ids = IDS["targets"].clone()
    ids[::7] = -100
    ignored, wrong = {**IDS, "targets": ids}, {**IDS, "targets": IDS["targets"].clone()}
    wrong["targets"][654] = 5

    assert_same(text, IDS, kernels)
    assert_same(text, ignored, kernels)
    assert_same(text, {**IDS, "targets": torch.full((900,), -100)}, kernels)
    assert_same_in_windows(text, ignored, kernels, items=400)
    with pytest.raises(DomainViolation) as refused:
        evaluate(parse(text), wrong, options=Options(chunk_elements=CHUNK, kernels=kernels))
    assert refused.value.index == [654]


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("dice", MASKS),
        ("dice(group=batch)", MASKS),
        ("bce + 0.5*dice", MASKS),
        ("mse + 2*mae", NUMBERS),
        ("mcc", MASKS),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_kernel_says_what_the_formulas_say(text: str, inputs: Inputs, folder: Path) -> None:
    assert_same(text, inputs, kernels_for(text, inputs, folder))


def test_there_are_no_more_kernels_than_are_allowed(tmp_path: Path) -> None:
    texts = ["mse", "mae", "quantile", "huber(delta=2)"]
    kernels = Kernels([], tmp_path, worth=1 << 40, most=2)

    for text in texts:
        kernels.find(form_for(text, NUMBERS), 3500)

    assert len(kernels._missing) <= 2  # noqa: SLF001 - what an endless number of forms would fill


def test_a_thousand_values_of_a_parameter_are_compiled_once_and_nobody_waits(folder: Path, tmp_path: Path) -> None:
    kernels_for("huber(delta=7)", NUMBERS, folder)
    compiled: list[Form] = []
    may_begin = threading.Event()

    def take_when_told(form: Form, into: Path) -> bool:
        may_begin.wait()
        compiled.append(form)
        return all(shutil.copy(path, into) for path in kernel_paths(form, folder, isa()))

    kernels = Kernels([], tmp_path, worth=1, build=take_when_told)

    answers = [kernels.find(form_for(f"huber(delta={delta})", NUMBERS), 3500) for delta in range(2, 1000)]
    builder = kernels.builder
    may_begin.set()
    if builder is not None:
        builder.join()

    assert not any(answers)
    assert len(compiled) == 1
    assert_same("huber(delta=7)", NUMBERS, kernels)
    assert set(kernels.known) == set(compiled)


@pytest.mark.long
def test_a_kernel_can_be_compiled_by_a_process_of_its_own(tmp_path: Path) -> None:
    form = form_for("quantile", NUMBERS)

    assert built(form, tmp_path)

    assert_same("quantile", NUMBERS, Kernels([tmp_path]))


@pytest.mark.long
@pytest.mark.parametrize("loss", COMPILED, ids=named)
def test_every_kernel_says_what_the_formula_says(loss: Loss, folder: Path) -> None:
    batch = Subject(loss.bind()).draw(items=400, edges=True)

    kernels = kernels_for(loss.id, batch.inputs, folder)

    assert_same(loss.id, batch.inputs, kernels)
    assert kernels.known


@pytest.mark.parametrize("loss", [loss for loss in catalogue().values() if loss not in COMPILED], ids=named)
def test_a_loss_without_a_kernel_says_why(loss: Loss) -> None:
    batch = Subject(loss.bind()).draw(items=400)

    form = layout_of(Objective(((1.0, loss.bind()),)), batch.inputs, None, CHUNK).form

    assert form is None
    assert why_no_kernel(loss.bind()).endswith(".")


def test_a_kernel_that_is_missing_is_left_to_the_plain_way(tmp_path: Path) -> None:
    assert_same("quantile", NUMBERS, Kernels([tmp_path]))
