"""What a loss declares to hold and to cost, against what is measured: a new loss that forgets it fails here."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from losses.contract.deadline import CHECK
from losses.contract.expression import Objective, parse
from losses.contract.loss import BoundLoss
from losses.contract.work import BACKWARD
from losses.errors import TooMuchAtOnce
from losses.evaluation.evaluate import evaluate
from losses.evaluation.layout import CHUNK_ELEMENTS, LONG_S, Layout, layout_of
from losses.evaluation.passes import Options
from tests.losses.draw import KINDS, Batch, Subject, once_a_loss

MANY, FEW = 200, 2  # items
LONGEST = 120
SHAPES = ("many items", "long items")
TIMES = 20  # more than was estimated is a cost that was forgotten, and no slow machine
ROUNDS = 3


def at_its_ends(subject: Subject) -> list[Subject]:
    """Return the subject, and with every whole number among its parameters at the end of its range."""
    subjects = [subject]
    for name, info in subject.loss.parameters.model_fields.items():
        ends = [end for part in info.metadata if isinstance(end := getattr(part, "le", None), int)]
        if info.annotation is int and ends and ends[0] <= LONGEST:
            subjects.append(replace(subject, term=subject.loss.bind({**subject.term.params, name: ends[0]})))
    return subjects


EVERY = list({str(each): each for subject in KINDS for each in at_its_ends(subject)}.values())
every_subject_at_its_ends = once_a_loss(EVERY)
every_shape = pytest.mark.parametrize("shape", SHAPES)


def drawn(subject: Subject, shape: str) -> Batch:
    if shape == "many items":
        return replace(subject, features=3).draw(items=MANY).to(torch.float32)
    spatial = (2, LONGEST) if subject.spatial else ()
    return replace(subject, features=LONGEST, spatial=spatial).draw(items=FEW).to(torch.float32)


def laid_out(batch: Batch) -> Layout:
    return layout_of(batch.subject.objective, batch.inputs, None, CHUNK_ELEMENTS)


def most_allocated(work: Callable[[], object]) -> int:
    """Return the most bytes that were allocated and not yet freed while `work` ran."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        work()
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    alive = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        alive += event.nbytes()
        most = max(most, alive)
    return most


@every_shape
@every_subject_at_its_ends
def test_a_block_holds_no_more_than_declared(subject: Subject, shape: str) -> None:
    batch = drawn(subject, shape)
    layout = laid_out(batch)

    without = most_allocated(batch.evaluate)
    with_graph = most_allocated(lambda: batch.evaluate(gradient="summary"))

    assert without <= layout.peak_bytes(graph=False)
    assert with_graph <= layout.peak_bytes(graph=True)


def times_between(work: Callable[[], object]) -> list[float]:
    """Return the seconds of this core from one question whether the work may go on to the next."""
    times = [time.thread_time()]
    token = CHECK.set(lambda _: times.append(time.thread_time()))
    try:
        work()
    finally:
        CHECK.reset(token)
    return [after - before for before, after in pairwise([*times, time.thread_time()])]


@pytest.mark.parametrize("gradient", ["none", "summary"])
@every_shape
@every_subject_at_its_ends
def test_it_takes_and_asks_nothing_for_no_longer_than_declared(subject: Subject, shape: str, gradient: str) -> None:
    batch, graph = drawn(subject, shape), gradient != "none"
    layout = laid_out(batch)

    rounds = [times_between(lambda: batch.evaluate(gradient=gradient)) for _ in range(ROUNDS)]

    assert min(sum(times) for times in rounds) <= TIMES * layout.estimate(graph=graph)
    longest = layout.seconds_between + LONG_S / TIMES
    assert min(max(times) for times in rounds) <= TIMES * (1 + BACKWARD if graph else 1) * longest


def test_a_long_block_asks_between_the_calls_of_torch_and_in_its_gradient() -> None:
    inputs = {"predictions": torch.eye(1200, 4), "targets": torch.arange(1200) // 4}

    value = times_between(lambda: evaluate(parse("supcon"), inputs))
    gradient = times_between(lambda: evaluate(parse("supcon"), inputs, options=Options(gradient="summary")))

    assert len(value) > 20
    assert len(gradient) > 2 * len(value) + 10  # two passes, and the way back


def ranked(length: int) -> dict[str, torch.Tensor]:
    return {"predictions": torch.zeros(1, 1).expand(1, length), "targets": torch.zeros(1, 1).expand(1, length)}


def test_a_list_too_long_for_its_pairs_is_refused_before_anything_is_allocated() -> None:
    def work() -> None:
        with pytest.raises(TooMuchAtOnce) as refusal:
            evaluate(parse("ranknet"), ranked(1_000_000))
        facts = refusal.value.facts
        assert (facts["loss"], facts["axis"], facts["got"]) == ("ranknet", "L", 1_000_000)
        assert "At most" in refusal.value.message

    assert most_allocated(work) < 1 << 10


def test_the_longest_list_said_to_fit_fits_and_one_longer_does_not() -> None:
    options = Options(max_block_bytes=1 << 20)
    with pytest.raises(TooMuchAtOnce) as refusal:
        evaluate(parse("ranknet"), ranked(8000), options=options)
    fits = refusal.value.facts["expected"]
    assert isinstance(fits, int)

    evaluate(parse("ranknet"), ranked(fits), options=options)

    with pytest.raises(TooMuchAtOnce):
        evaluate(parse("ranknet"), ranked(fits + 1), options=options)


def test_terms_add_up_where_a_gradient_needs_all_their_graphs() -> None:
    one, two = parse("ranknet"), parse("ranknet + lambda_loss")

    layouts = [layout_of(each, ranked(50), None, CHUNK_ELEMENTS) for each in (one, two)]

    assert layouts[1].peak_bytes(graph=True) > 1.9 * layouts[0].peak_bytes(graph=True)
    assert layouts[1].peak_bytes(graph=False) == layouts[0].peak_bytes(graph=False)


def test_iterations_count() -> None:
    def estimate(iterations: int) -> float:
        term: BoundLoss = parse(f"cldice(iterations={iterations})").terms[0][1]
        return laid_out(Subject(term).draw(items=1)).estimate(graph=True)

    assert estimate(100) > 10 * estimate(1)
    assert Objective(((1.0, parse("cldice").terms[0][1]),)).layouts == {}
