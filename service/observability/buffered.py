"""Counts that are collected during a turn of the event loop, and added to their metrics at its end.

prometheus_client takes a lock for each number, and writes to a file where several workers count. A request has a dozen
numbers, and the requests of one turn mostly count the same ones.
"""

import asyncio
from bisect import bisect_left
from collections import Counter as Counts

from prometheus_client import Counter, Histogram


class MetricBuffer:
    """The counters and histograms that have something to add to their metrics."""

    def __init__(self) -> None:
        self._due: list[BufferedCounter | BufferedHistogram] = []

    def add(self, metric: "BufferedCounter | BufferedHistogram") -> None:
        """Schedule a metric to be written at the end of this turn."""
        if not self._due:
            asyncio.get_running_loop().call_soon(self.write)
        self._due.append(metric)

    def write(self) -> None:
        """Write all scheduled metrics."""
        due, self._due = self._due, []
        for metric in due:
            metric.write()


class BufferedCounter:
    """The amount to add to a counter at the end of the turn."""

    def __init__(self, counter: Counter, buffer: MetricBuffer) -> None:
        self._counter, self._buffer = counter, buffer
        self._more = 0

    def inc(self) -> None:
        """Count one."""
        if not self._more:
            self._buffer.add(self)
        self._more += 1

    def write(self) -> None:
        """Add the amount to the counter."""
        self._counter.inc(self._more)
        self._more = 0


class BufferedHistogram:
    """The observations to add to a histogram."""

    def __init__(self, histogram: Histogram, buffer: MetricBuffer) -> None:
        self._buffer = buffer
        self._bounds = histogram._upper_bounds  # noqa: SLF001 - the class takes one observation at a time
        self._buckets, self._total = histogram._buckets, histogram._sum  # noqa: SLF001 - as above
        self._amounts: list[float] = []

    def observe(self, amount: float) -> None:
        """Count an observation."""
        if not self._amounts:
            self._buffer.add(self)
        self._amounts.append(amount)

    def write(self) -> None:
        """Add the observations to the histogram."""
        self._total.inc(sum(self._amounts))
        for place, observations in Counts([bisect_left(self._bounds, amount) for amount in self._amounts]).items():
            self._buckets[place].inc(observations)
        self._amounts.clear()
