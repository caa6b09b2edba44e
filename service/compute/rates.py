"""How fast evaluations of the same kind were: a better estimate than one that allows for the slowest formula."""

import time
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import TypeVar

from losses.contract.expression import Objective
from losses.contract.work import PLAIN
from losses.evaluation.passes import Options

Returned = TypeVar("Returned")
MOST_KINDS = 256  # of evaluations whose rates are kept; more than the clients of one process send by turns


def kind_of(objectives: Sequence[Objective], arrays: Hashable, options: Options) -> Hashable:
    """Return what evaluations have in common that take the same time for each number; None where there is no such time.

    Only formulas of a few passes over their inputs have one: others iterate as the numbers make them.

    Args:
        objectives: The objectives.
        arrays: The role, the dtype and the shape of an item of each array.
        options: The options of the device.
    """
    if not all(term.loss.work is PLAIN for objective in objectives for _, term in objective.terms):
        return None
    return *map(str, objectives), arrays, options


class Rates:
    """The seconds that each number took, by kind of evaluation: halfway from the rate before to the last measured."""

    def __init__(self, most: int = MOST_KINDS) -> None:
        self._seconds: dict[Hashable, float] = {}
        self._most = most

    def timed(
        self, kind: Hashable, numbers: int, work: Callable[[], Returned], estimated_s: float
    ) -> tuple[Callable[[], Returned], float]:
        """Return `work`, which notes its rate where it succeeds, and the seconds that it should take.

        Args:
            kind: The kind of the evaluation; one of None is not timed.
            numbers: How many numbers it has.
            work: The evaluation.
            estimated_s: The seconds that it should take where none of its kind was timed.
        """
        if kind is None or not numbers:
            return work, estimated_s
        rate = self._seconds.get(kind)
        return partial(self._run, kind, numbers, work), estimated_s if rate is None else rate * numbers

    def _run(self, kind: Hashable, numbers: int, work: Callable[[], Returned]) -> Returned:
        """Return the result of `work`, and note how long this thread computed."""
        started = time.thread_time()
        result = work()
        rate = (time.thread_time() - started) / numbers
        self._seconds[kind] = (self._seconds.pop(kind, rate) + rate) / 2  # moved to the end, behind what is older
        while len(self._seconds) > self._most:
            self._seconds.pop(next(iter(self._seconds)), None)
        return result
