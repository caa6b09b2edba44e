"""The harnesses without atheris: every seed, every committed finding, and bytes that hypothesis breaks."""

import logging
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.uploads.formats.registry import formats
from tests.fuzz.harnesses import HARNESSES, LIMIT, Harness
from tests.fuzz.mutations import mutated

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(file for file in CORPUS.glob("*/*") if file.is_file())
SHORT = 150  # examples of a harness; make fuzz has millions
HELD = 200  # bytes of Python's and numpy's for one of the input: a list of JSON's numbers, read twice, and its text
every_harness = pytest.mark.parametrize("harness", HARNESSES.values(), ids=HARNESSES.keys())


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # python_multipart says a line for every form that is none
    yield
    logging.disable(logging.NOTSET)


@every_harness
def test_a_harness_reads_most_of_its_seeds(harness: Harness) -> None:
    read = [harness.run(seed) for seed in harness.seeds]

    assert sum(read) >= len(read) / 2


def test_every_format_is_fuzzed() -> None:
    assert {f"format{entry.suffix}" for entry in formats().values()} <= set(HARNESSES)


@pytest.mark.parametrize("file", FILES, ids=[f"{file.parent.name}/{file.name}" for file in FILES])
def test_what_was_found_once_is_no_finding(file: Path) -> None:
    HARNESSES[file.parent.name].run(file.read_bytes())


@every_harness
def test_what_is_broken_is_refused_or_read_right(harness: Harness) -> None:
    @settings(max_examples=SHORT, database=None)
    @given(st.integers(0, 1 << 32))
    def broken(seed: int) -> None:
        random = Random(seed)
        data = mutated(random.choice(harness.seeds), random, harness.words, harness.mend)
        harness.run(mutated(data, random, harness.words) if seed % 7 == 0 else data)

    broken()


@every_harness
def test_any_bytes_are_refused_or_read_right(harness: Harness) -> None:
    @settings(max_examples=SHORT // 3, database=None)
    @given(st.binary(max_size=500))
    def any_bytes(data: bytes) -> None:
        harness.run(data)

    any_bytes()


@every_harness
def test_memory_is_in_proportion_to_the_input(harness: Harness) -> None:
    random = Random(1)
    broken = [mutated(random.choice(harness.seeds), random, harness.words, harness.mend) for _ in range(40)]
    for data in broken:
        harness.run(data)  # what is imported or compiled once is no one's memory

    for data in broken:
        tracemalloc.start()
        harness.run(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        assert peak <= HELD * len(data) + 4 * LIMIT
