"""Axes that a kernel takes as one are one to the formula: an array of any number of axes has the same kernel."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from losses.contract.expression import parse
from losses.contract.loss import Items, Sums
from losses.contract.registry import catalogue
from losses.evaluation.kernels.build import usual_forms
from losses.evaluation.kernels.form import Form, form_of, merged_from, merged_shape
from tests.losses.draw import Subject, named, variants

PIXELS = (6, 5)
MERGING = [
    Subject(term, spatial=PIXELS)
    for loss in catalogue().values()
    for term in variants(loss)
    if merged_from(Subject(term).objective)
]


def results(out: Tensor | Items | Sums) -> Iterator[Tensor]:
    """Yield the numbers of a formula as vectors."""
    if isinstance(out, Tensor):
        yield out.flatten()
    elif isinstance(out, Items):
        yield from (each.flatten() for each in (out.numerator, out.denominator) if each is not None)
    else:
        yield from (part.flatten() for part in out.parts.values())


@pytest.mark.parametrize("subject", MERGING, ids=named)
def test_the_formula_gives_the_same_whatever_the_number_of_axes(subject: Subject) -> None:
    firsts = merged_from(subject.objective)
    merged = {
        role: each.reshape(merged_shape(each.shape, firsts.get(role))) for role, each in subject.draw().inputs.items()
    }
    split = {
        role: each.reshape(*each.shape[: firsts[role]], 2, -1) if role in firsts and each.ndim > firsts[role] else each
        for role, each in merged.items()
    }

    pairs = list(zip(results(subject.term(merged)), results(subject.term(split)), strict=True))

    assert pairs
    for of_merged, of_split in pairs:
        torch.testing.assert_close(of_split, of_merged, rtol=1e-12, atol=1e-12)


def form(text: str, *shape: int) -> Form | None:
    objective = parse(text)
    return form_of(objective, {role: torch.empty(shape) for role in objective.roles[:2]}, torch.float32)


def test_columns_pictures_and_volumes_have_one_kernel() -> None:
    _, second = usual_forms(parse("mse"), torch.float32)

    assert {form("mse", *shape) for shape in ((9, 5), (9, 3, 4, 4), (9, 1, 4, 4), (9, 2, 3, 4, 5, 6))} == {second}
    assert form("mse", 9) != second
    assert form("mse", 9, 1, 1) != second  # other code is made for an axis of length 1


def test_a_loss_that_adds_up_over_pixels_has_a_kernel_for_each_number_of_axes() -> None:
    assert form("dice", 9, 3, 4, 4) != form("dice", 9, 3, 16)
    assert form("bce + dice", 9, 3, 4, 4) != form("bce + dice", 9, 3, 16)
