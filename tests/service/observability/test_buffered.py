"""Counts that are written once a turn come to the same as those that are written one by one."""

import asyncio
import random

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from service.observability.buffered import BufferedCounter, BufferedHistogram, MetricBuffer

BOUNDS = (0.125, 0.5, 1.0, 8.0)


def numbers(registry: CollectorRegistry) -> list[bytes]:
    """Return the samples of a page, without the times at which its metrics were made."""
    return [line for line in generate_latest(registry).splitlines() if b"_created" not in line]


def metrics() -> tuple[CollectorRegistry, Counter, Histogram]:
    own = CollectorRegistry()
    return own, Counter("asked", "Asked.", registry=own), Histogram("took", "Took.", buckets=BOUNDS, registry=own)


@pytest.mark.anyio
async def test_a_page_reads_as_if_each_number_had_been_written_by_itself() -> None:
    draw = random.Random(0)
    amounts = [0.0, *BOUNDS, *(draw.randrange(1 << 14) / 1024 for _ in range(100))]  # whose sums have no rounding
    page, counter, histogram = metrics()
    buffer = MetricBuffer()
    asked, took = BufferedCounter(counter, buffer), BufferedHistogram(histogram, buffer)
    one_by_one, own_counter, own_histogram = metrics()

    for turn in range(3):
        for amount in amounts[turn::3]:
            asked.inc()
            took.observe(amount)
            own_counter.inc()
            own_histogram.observe(amount)
        await asyncio.sleep(0)

    assert numbers(page) == numbers(one_by_one)


@pytest.mark.anyio
async def test_what_was_counted_in_this_turn_is_written_when_a_page_is_asked_for() -> None:
    page, counter, _ = metrics()
    buffer = MetricBuffer()
    asked = BufferedCounter(counter, buffer)

    asked.inc()
    before = numbers(page)
    buffer.write()
    asked.inc()
    await asyncio.sleep(0)

    assert b"asked_total 0.0" in before
    assert b"asked_total 2.0" in numbers(page)
