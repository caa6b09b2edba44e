"""What was timed is the estimate for what is alike: a long array of a fast formula is computed on the event loop."""

import threading
from functools import partial

import pytest
import torch

from losses.contract.expression import Objective, parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from service.compute.rates import Rates, kind_of
from service.compute.runtime import Runtime
from service.settings import Settings
from service.uploads.upload import Upload

pytestmark = pytest.mark.anyio
OPTIONS = Options()


async def test_work_is_expected_to_take_as_long_for_each_number_as_what_was_timed() -> None:
    rates = Rates()

    work, unknown_s = rates.timed("a", 10, partial(sum, range(100_000)), 7.0)
    total = work()

    assert (total, unknown_s) == (sum(range(100_000)), 7.0)
    assert expected(rates, "a", 1_000) == pytest.approx(100 * expected(rates, "a", 10))
    assert expected(rates, "b", 10) == expected(rates, None, 10) == 7.0


async def test_work_that_fails_is_not_timed() -> None:
    rates = Rates()

    with pytest.raises(ZeroDivisionError):
        rates.timed("a", 10, lambda: 1 // 0, 7.0)[0]()

    assert expected(rates, "a", 10) == 7.0


async def test_rates_of_the_latest_kinds_are_kept() -> None:
    rates = Rates(most=2)

    for kind in ("a", "b", "a", "c"):
        rates.timed(kind, 1, lambda: None, 7.0)[0]()

    assert [kind for kind in "abc" if expected(rates, kind, 1) != 7.0] == ["a", "c"]


def expected(rates: Rates, kind: str | None, numbers: int) -> float:
    """Return the seconds that an evaluation of this kind should take."""
    return rates.timed(kind, numbers, lambda: None, 7.0)[1]


async def test_shapes_options_and_parameters_tell_kinds_apart_and_iterations_have_none() -> None:
    kinds = {
        kind_of([parse(text)], arrays, options)
        for text in ("huber", "huber(delta=2)")
        for arrays in ((("predictions", torch.float32, (3,)),), (("predictions", torch.float32, (4,)),))
        for options in (OPTIONS, Options(gradient="summary"))
    }

    assert len(kinds) == 8
    assert kind_of([parse("mse + ctc")], (), OPTIONS) is None


async def test_a_fast_formula_is_computed_on_the_event_loop_once_it_was_timed() -> None:
    threads: list[int] = []
    runtime = Runtime(Settings(device="cpu"), evaluate=partial(_noted, threads))
    upload = Upload(roles={"predictions": torch.zeros(30_000), "targets": torch.zeros(30_000)})

    for _ in range(20):  # the first call of a formula takes longer, and counts half as much each time
        await runtime.evaluate([parse("mse")], upload, OPTIONS)

    assert threads[0] != threading.get_ident()
    assert threading.get_ident() in threads


def _noted(threads: list[int], objective: Objective, **given: object) -> Evaluation:
    """Evaluate, and note in which thread."""
    threads.append(threading.get_ident())
    return evaluate(objective, **given)  # type: ignore[arg-type] # as the device passes them
