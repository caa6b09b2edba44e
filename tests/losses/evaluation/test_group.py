"""Uploads that are evaluated in one call have the results that each has by itself."""

import dataclasses

import pytest
import torch
from torch import Tensor

from losses.contract.expression import Objective, parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.group import MOST_NUMBERS, evaluate_group, fits_in_group
from losses.evaluation.layout import layout_of
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from tests.losses.draw import KINDS, Subject, once_a_loss

Inputs = dict[str, Tensor]
OPTIONS = Options()


def in_group(objective: Objective, members: list[Inputs], options: Options = OPTIONS) -> list[Evaluation] | None:
    """Return the results of members, which must fit in a group."""
    layout = layout_of(objective, members[0], options.dtype, options.chunk_elements)
    assert fits_in_group(layout, options)
    return evaluate_group(layout, members, options)


def agrees(together: Evaluation, alone: Evaluation, rounding: float) -> None:
    """Assert that two results are equal to rounding."""
    for name, expected in vars(alone).items():
        got = getattr(together, name)
        if isinstance(expected, float):
            size = max(abs(expected), abs(alone.value or 0.0))
            assert got == pytest.approx(expected, rel=rounding, abs=rounding * size), name
        elif name == "terms" and expected is not None:
            for one, other in zip(got, expected, strict=True):
                agrees(one, other, rounding)
        else:
            assert got == expected, name


def drawn(subject: Subject) -> list[Inputs]:
    """Return the inputs of three members."""
    return [subject.draw(seed).inputs for seed in range(3)]


def is_grouped(subject: Subject) -> bool:
    """Return whether such inputs are evaluated in a group: not where some item is ignored, or the loss compares any."""
    members, objective = drawn(subject), subject.objective
    layout = layout_of(objective, members[0], None, OPTIONS.chunk_elements)
    return fits_in_group(layout, OPTIONS) and evaluate_group(layout, members, OPTIONS) is not None


GROUPED = [subject for subject in KINDS if is_grouped(subject)]


def test_the_common_means_of_items_are_grouped() -> None:
    grouped = {subject.loss.id for subject in GROUPED}

    assert grouped >= {"mse", "mae", "huber", "smooth_l1", "quantile", "bce", "hinge", "poisson_nll"}


@once_a_loss(GROUPED)
def test_every_loss_gives_in_a_group_what_it_gives_alone(subject: Subject) -> None:
    objective, members = subject.objective, drawn(subject)

    together = in_group(objective, members)

    assert together is not None
    for got, inputs in zip(together, members, strict=True):
        agrees(got, evaluate(objective, inputs), 1e-11)


@pytest.mark.parametrize("text", ["mse", "mae + 0.5*huber(delta=2)", "2*log_cosh", "bce", "sparse_categorical_ce"])
@pytest.mark.parametrize("options", [OPTIONS, Options(reduction="sum"), Options(standard_error=False)])
def test_sums_and_parameters_are_those_of_each_member(text: str, options: Options) -> None:
    rng = torch.Generator().manual_seed(4)
    members = [
        {"predictions": torch.randn(40, generator=rng), "targets": torch.rand(40, generator=rng)} for _ in range(5)
    ]
    if text == "sparse_categorical_ce":
        members = [
            {"predictions": torch.randn(40, 3, generator=rng), "targets": torch.randint(3, (40,), generator=rng)}
            for _ in range(5)
        ]

    together = in_group(parse(text), members, options)

    assert together is not None
    for got, inputs in zip(together, members, strict=True):
        agrees(got, evaluate(parse(text), inputs, options=options), 1e-6)


def test_numbers_are_converted_as_they_are_alone() -> None:
    rng = torch.Generator().manual_seed(5)
    members = [
        {"predictions": torch.randn(20, 3, generator=rng).half(), "targets": torch.randint(5, (20, 3), generator=rng)}
        for _ in range(3)
    ]

    together = in_group(parse("mse + mae"), members)

    assert together is not None
    for got, inputs in zip(together, members, strict=True):
        agrees(got, evaluate(parse("mse + mae"), inputs), 1e-6)


def test_means_that_dwarf_the_spread_keep_their_digits() -> None:
    members = [
        {"predictions": torch.full((9,), 1e8 + k).double(), "targets": torch.zeros(9).double()} for k in range(3)
    ]
    for place, member in enumerate(members):
        member["predictions"][place] += 1

    together = in_group(parse("mae"), members)

    assert together is not None
    for got, inputs in zip(together, members, strict=True):
        agrees(got, evaluate(parse("mae"), inputs), 1e-12)
        assert got.standard_error == pytest.approx(1 / 9, rel=1e-6)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 2.0])
def test_where_a_number_is_illegal_each_is_left_to_itself(wrong: float) -> None:
    members = [{"predictions": torch.zeros(3), "targets": torch.ones(3)} for _ in range(3)]
    members[1]["targets"][2] = wrong

    assert in_group(parse("bce"), members) is None


def test_a_warning_is_of_the_member_that_it_is_about() -> None:
    usual = {"predictions": torch.tensor([0.2, -1.0]), "targets": torch.tensor([0.0, 1.0])}
    suspect = {"predictions": torch.tensor([0.2, 0.9]), "targets": torch.tensor([0.0, 1.0])}

    together = in_group(parse("bce"), [usual, suspect, usual])

    assert together is not None
    assert [bool(result.warnings) for result in together] == [False, True, False]


@pytest.mark.parametrize(
    "options",
    [
        Options(gradient="summary"),
        Options(reduction="none"),
        Options(reduction="mean_over_count"),
        Options(nonfinite="allow"),
        Options(per_class=True),
        Options(class_axis=-1),
    ],
    ids=lambda options: str({name: value for name, value in vars(options).items() if value != vars(OPTIONS)[name]}),
)
def test_what_needs_more_than_the_value_fits_in_no_group(options: Options) -> None:
    inputs = {"predictions": torch.zeros(3), "targets": torch.ones(3)}

    assert not fits_in_group(layout_of(parse("mse"), inputs, None, options.chunk_elements), options)


@pytest.mark.parametrize(("text", "length"), [("mse", 0), ("mse", MOST_NUMBERS), ("dice", 3), ("ranknet", 3)])
def test_what_is_empty_long_or_no_mean_of_items_fits_in_no_group(text: str, length: int) -> None:
    inputs = {"predictions": torch.rand(length, 2), "targets": torch.ones(length, 2)}

    assert not fits_in_group(layout_of(parse(text), inputs, None, OPTIONS.chunk_elements), OPTIONS)


def test_the_last_member_is_as_right_as_the_first() -> None:
    members = [{"predictions": torch.full((7,), float(k)), "targets": torch.zeros(7)} for k in range(16)]

    together = in_group(parse("mse"), members)

    assert together is not None
    assert [result.value for result in together] == [float(k * k) for k in range(16)]
    assert all(dataclasses.is_dataclass(result) and result.kept == 7 for result in together)
