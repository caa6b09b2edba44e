"""Counts that are gathered over a turn of the event loop, and added to their metrics at its end.

prometheus_client takes a lock for each number, and writes to a file where several workers count. A request has a dozen
numbers, and requests of one turn mostly count the same things.
"""

import asyncio
from bisect import bisect_left
from collections import defaultdict

from prometheus_client import Counter, Histogram


class Tallies:
    """The counters and histograms that have something to be added to them."""

    def __init__(self) -> None:
        self._due: list[CounterTally | HistogramTally] = []

    def add(self, tally: "CounterTally | HistogramTally") -> None:
        """Have a tally written at the end of this turn."""
        if not self._due:
            asyncio.get_running_loop().call_soon(self.write)
        self._due.append(tally)

    def write(self) -> None:
        """Add all of them to their metrics."""
        due, self._due = self._due, []
        for tally in due:
            tally.write()


class CounterTally:
    """What is to be added to a counter."""

    def __init__(self, counter: Counter, tallies: Tallies) -> None:
        self._counter, self._tallies = counter, tallies
        self._more = 0

    def inc(self) -> None:
        """Count one."""
        if not self._more:
            self._tallies.add(self)
        self._more += 1

    def write(self) -> None:
        """Add it to the counter."""
        self._counter.inc(self._more)
        self._more = 0


class HistogramTally:
    """What is to be added to a histogram: a sum, and the number of observations in each bucket."""

    def __init__(self, histogram: Histogram, tallies: Tallies) -> None:
        self._tallies = tallies
        # A histogram of prometheus_client takes one observation at a time; these are what it keeps.
        self._bounds, self._buckets, self._total = histogram._upper_bounds, histogram._buckets, histogram._sum  # noqa: SLF001
        self._sum, self._within = 0.0, defaultdict[int, int](int)

    def observe(self, amount: float) -> None:
        """Observe an amount."""
        if not self._within:
            self._tallies.add(self)
        self._sum += amount
        self._within[bisect_left(self._bounds, amount)] += 1

    def write(self) -> None:
        """Add the observations to the histogram."""
        self._total.inc(self._sum)
        for place, observations in self._within.items():
            self._buckets[place].inc(observations)
        self._sum = 0.0
        self._within.clear()
