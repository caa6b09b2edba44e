"""Sums of parts, written down as JSON and added up, amount to what the items amount to together."""

import itertools
import json

import pytest
import torch
from torch import Tensor

from losses.contract.expression import parse
from losses.evaluation.moments import Moments
from losses.evaluation.partial_sums import PartialSums, joined, result_of_sums, sums_of
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from losses.evaluation.stream import Stream
from tests.losses.draw import Batch, Subject, every_weighted_kind, once_a_loss
from tests.losses.evaluation.test_laws import absolute_terms, say_the_same
from tests.losses.evaluation.test_stream import DIVISIBLE

CUTS = (0.0, 0.1, 0.5, 1.0)  # of the items


def in_parts(batch: Batch, **columns: Tensor) -> Evaluation:
    """Return what three parts amount to, each evaluated for itself; `columns` are the weights and the mask."""
    objective, options = batch.subject.objective, Options()
    parts: list[PartialSums] = []
    for begin, end in itertools.pairwise(CUTS):
        stream = Stream(objective, options)
        items = {
            role: tensor[round(begin * len(tensor)) : round(end * len(tensor))]
            for role, tensor in {**batch.inputs, **columns}.items()
        }
        first = {role: tensor[:1] for role, tensor in items.items()}
        weights, mask = items.pop("weights", None), items.pop("mask", None)
        stream.add(items, weights, mask)
        parts.append(json.loads(json.dumps(sums_of(stream, first))))
    return result_of_sums(objective, options, json.loads(json.dumps(joined(parts))))


def has_columns_alone(batch: Batch) -> bool:
    return all(batch.subject.loss.pattern(role).item_axis is not None for role in batch.inputs)


@once_a_loss(DIVISIBLE)
def test_parts_change_nothing(subject: Subject) -> None:
    batch = subject.draw(items=29, edges=True)
    if not has_columns_alone(batch):
        pytest.skip("its class weights are no column")

    evaluation, whole = in_parts(batch), batch.evaluate()

    if not subject.objective.spreads_at_once:
        evaluation.standard_error = whole.standard_error
    say_the_same(evaluation, whole, absolute=1e-12 * absolute_terms(batch))


@every_weighted_kind
def test_weights_and_masks_stay_with_their_items(subject: Subject) -> None:
    batch = subject.draw(items=29)
    if not has_columns_alone(batch):
        pytest.skip("its class weights are no column")
    rng = torch.Generator().manual_seed(5)
    weights, mask = torch.rand(batch.shape[0], generator=rng), torch.rand(batch.shape, generator=rng) > 0.3

    evaluation, whole = in_parts(batch, weights=weights, mask=mask), batch.evaluate(weights, mask)

    if not subject.objective.spreads_at_once:
        evaluation.standard_error = whole.standard_error
    say_the_same(evaluation, whole, absolute=1e-12 * absolute_terms(batch))


@pytest.mark.parametrize("sizes", [(1e-200, 1.0), (1.0, 1e150), (1e150, 1e-150), (1.0, 1.0)])
def test_moments_of_very_different_sizes_join(sizes: tuple[float, float]) -> None:
    columns = [size * torch.rand(50, generator=torch.Generator().manual_seed(1)).double() for size in sizes]
    whole, part, other = Moments(), Moments(), Moments()
    whole.add([torch.cat(columns)])
    part.add([columns[0]])
    other.add([columns[1]])

    part.join(other)

    assert part.count == whole.count
    assert part.error_of_sum([1.0]) == pytest.approx(whole.error_of_sum([1.0]), rel=1e-12)


def test_moments_of_nothing_join() -> None:
    some, nothing = Moments(), Moments()
    some.add([torch.tensor([1e160, 2e160]).double()])

    error = some.error_of_sum([1.0])
    some.join(Moments())
    nothing.join(some)

    assert some.error_of_sum([1.0]) == nothing.error_of_sum([1.0]) == error


def test_why_there_is_no_value_is_told_of_all_parts() -> None:
    options, parts = Options(), []
    for mask in ([1.0, 1.0], [0.0, 0.0]):
        stream = Stream(parse("mse"), options)
        items = {"predictions": torch.zeros(2), "targets": torch.zeros(2)}
        stream.add(items, None, torch.tensor(mask) * 0)
        parts.append(sums_of(stream, {role: tensor[:1] for role, tensor in items.items()}))

    assert result_of_sums(parse("mse"), options, joined(parts)).reason == "every item is masked"
