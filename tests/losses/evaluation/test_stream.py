"""Items that arrive a window at a time amount to what they amount to together."""

import functools
import itertools
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from losses.contract.expression import Objective, parse
from losses.contract.loss import Value
from losses.errors import BadOption, NonFiniteInput
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from losses.evaluation.stream import Stream
from tests.losses.draw import SUBJECTS, Batch, Subject, every_weighted_kind, once_a_loss
from tests.losses.evaluation.test_laws import absolute_terms, say_the_same

CUTS = (0.0, 0.1, 0.1, 0.5, 1.0)  # of the items; the second window is empty
DIVISIBLE = [subject for subject in SUBJECTS if subject.term.kind != "batch"]


def streamed(batch: Batch, *columns: torch.Tensor | None, **options: object) -> Evaluation:
    """Return what a stream of windows amounts to; `columns` are the weights and the mask."""
    stream = Stream(batch.subject.objective, Options(**options))  # type: ignore[arg-type] # the test names them
    for begin, end in itertools.pairwise(CUTS):

        def some(tensor: torch.Tensor, begin: float = begin, end: float = end) -> torch.Tensor:
            return tensor[round(begin * len(tensor)) : round(end * len(tensor))]

        window = {role: some(tensor) for role, tensor in batch.inputs.items()}
        stream.add(window, *(None if column is None else some(column) for column in columns))
    return stream.finish()


@once_a_loss(DIVISIBLE)
def test_windows_change_nothing_but_what_takes_two_passes(subject: Subject) -> None:
    batch = subject.draw(items=29, edges=True)
    if any(subject.loss.pattern(role).item_axis is None for role in batch.inputs):
        with pytest.raises(BadOption, match="no entry an item"):
            streamed(batch)
        return

    evaluation, whole = streamed(batch), batch.evaluate()

    if not subject.objective.spreads_at_once:
        assert evaluation.warnings[-1].code == "no-standard-error"
        evaluation.standard_error = whole.standard_error
    say_the_same(evaluation, whole, absolute=1e-12 * absolute_terms(batch))


@every_weighted_kind
def test_weights_and_masks_arrive_with_their_items(subject: Subject) -> None:
    batch = subject.draw(items=29)
    if any(subject.loss.pattern(role).item_axis is None for role in batch.inputs):
        pytest.skip("its class weights are no column")
    rng = torch.Generator().manual_seed(5)
    weights, mask = torch.rand(batch.shape[0], generator=rng), torch.rand(batch.shape, generator=rng) > 0.3

    evaluation, whole = (
        streamed(batch, weights, mask, standard_error=False),
        batch.evaluate(weights, mask, standard_error=False),
    )

    say_the_same(evaluation, whole, absolute=1e-12 * absolute_terms(batch))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("supcon", {}),
        ("mse + 0.5*nt_xent", {}),
        ("mse", {"reduction": "none"}),
        ("mse", {"gradient": "summary"}),
        ("mse", {"gradient": "full"}),
    ],
)
def test_what_takes_a_second_pass_is_refused(text: str, options: dict[str, str]) -> None:
    with pytest.raises(BadOption, match="Content-Length"):
        Stream(parse(text), Options(**options))  # type: ignore[arg-type] # as above


def test_an_error_bar_that_is_asked_for_is_not_left_out() -> None:
    with pytest.raises(BadOption, match="Content-Length"):
        Stream(parse("dice(group='batch')"), Options(), error_asked=True)


def test_an_index_counts_from_the_first_item_of_the_stream() -> None:
    stream = Stream(parse("mse"), Options(chunk_elements=3))
    stream.add({"predictions": torch.zeros(10, 2), "targets": torch.zeros(10, 2)})
    spoilt = torch.zeros(10, 2)
    spoilt[7, 1] = torch.nan

    with pytest.raises(NonFiniteInput) as caught:
        stream.add({"predictions": spoilt, "targets": torch.zeros(10, 2)})

    assert caught.value.facts["index"] == [17, 1]


def test_infinities_are_counted_over_all_windows() -> None:
    stream = Stream(parse("mse"), Options(nonfinite="allow"))
    for bad in (torch.nan, torch.inf):
        stream.add({"predictions": torch.tensor([bad, 1.0]), "targets": torch.zeros(2)})

    assert stream.finish().reason == "2 non-finite numbers in predictions"


def test_probabilities_for_logits_are_noticed_at_the_end() -> None:
    stream = Stream(parse("bce"), Options())
    for value in (0.2, 0.7):
        stream.add({"predictions": torch.tensor([value]), "targets": torch.ones(1)})

    assert [warned.code for warned in stream.finish().warnings] == ["looks-like-probabilities"]


def test_nothing_amounts_to_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        Stream(parse("mse"), Options()).finish()


def running_out(objective: Objective, call: int) -> Objective:
    """Return the objective with a first term that finds no memory left, once: when it is computed for so many times."""
    (coefficient, term), *rest = objective.terms
    calls = itertools.count(1)

    @functools.wraps(term.loss.compute)
    def compute(*inputs: Tensor, **parameters: Value) -> Any:  # noqa: ANN401 - what the loss returns
        if next(calls) == call:
            raise torch.OutOfMemoryError
        return term.loss.compute(*inputs, **parameters)

    loss = replace(term.loss, compute=compute)
    return Objective(((coefficient, replace(term, loss=loss)), *rest))


@pytest.mark.parametrize("text", ["mse + mae", "dice", "soft_f1"])
def test_a_window_that_ran_out_of_memory_midway_is_added_again(text: str) -> None:
    draw = torch.Generator().manual_seed(1)
    windows = [
        {"predictions": torch.rand(300, 2, generator=draw), "targets": torch.randint(2, (300, 2), generator=draw)}
        for _ in range(3)
    ]
    options = Options(chunk_elements=256)
    whole, broken = Stream(parse(text), options), Stream(running_out(parse(text), call=5), options)
    for window in windows:
        whole.add(window)

    failures = 0
    for window in windows:
        try:
            broken.add(window)
        except torch.OutOfMemoryError:
            failures += 1
            broken.add(window, options=replace(options, chunk_elements=128))

    assert failures == 1
    assert (broken.items, broken.options.chunk_elements) == (900, 128)
    evaluation, wanted = broken.finish(), whole.finish()
    assert evaluation.value == pytest.approx(wanted.value, rel=1e-9)
    assert (evaluation.standard_error or 0) == pytest.approx(wanted.standard_error or 0, rel=1e-9)
    assert evaluation.kept == wanted.kept
