"""The lines of a body: the same whatever pieces they come in, and no more of them in memory than said."""

import errno
import os
import tempfile
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.problems import InsufficientStorage, TooLarge
from service.uploads.bodies.lines import WINDOW, ReadAhead, TextLine, lines_of, together

pytestmark = pytest.mark.anyio


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in filter(None, chunks):
        yield chunk


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def drained(ahead: ReadAhead) -> None:
    with ahead.answering():
        while await ahead.read():
            pass


async def listed(ahead: ReadAhead, longest: int = 1 << 20) -> list[TextLine]:
    try:
        return [line async for line in lines_of(ahead.read, longest, lambda _: None)]
    finally:
        ahead.close()


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6))
def test_lines_do_not_depend_on_the_pieces(body: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    chunks = [body[start:end] for start, end in pairwise(places)]

    async def read() -> list[TextLine]:
        return await listed(ReadAhead(pieces(*chunks), Path(tempfile.gettempdir()), 1 << 20), longest=20)

    read_lines = anyio.run(read)

    wanted = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip() or len(line) > 20]
    assert read_lines == [(number, None if len(line) > 20 else bytearray(line)) for number, line in wanted]


async def test_memory_is_reserved_for_long_lines_as_they_grow() -> None:
    reserved: list[int] = []
    ahead = ReadAhead(pieces(b"a" * (3 * WINDOW) + b"\n" + b"b" * WINDOW), Path(tempfile.gettempdir()), 1 << 20)

    (first, second) = [line async for line in lines_of(ahead.read, 1 << 20, reserved.append)]

    ahead.close()
    assert (len(first.text or b""), len(second.text or b"")) == (3 * WINDOW, WINDOW)
    assert WINDOW + sum(reserved) == 3 * WINDOW


async def test_nothing_is_read_ahead_beyond_a_window_while_no_answer_waits(tmp_path: Path) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += WINDOW // 4
            yield b"x" * (WINDOW // 4)

    ahead = ReadAhead(endless(), tmp_path, 1 << 30)
    await ahead.read()
    for _ in range(100):
        await anyio.lowlevel.checkpoint()
    ahead.close()

    assert taken <= 2 * WINDOW
    assert not names(tmp_path)


async def test_what_comes_while_an_answer_waits_is_kept_in_a_file_without_a_name(tmp_path: Path) -> None:
    whole, ended = [bytes([place]) * WINDOW for place in range(40)], anyio.Event()

    async def sent() -> AsyncIterator[bytes]:
        for chunk in whole:
            yield chunk
        ended.set()

    ahead = ReadAhead(sent(), tmp_path, 1 << 30)
    read = await ahead.read()
    with ahead.answering():
        await ended.wait()
    while piece := await ahead.read():
        read += piece
    ahead.close()

    assert read == b"".join(whole)
    assert not names(tmp_path)


async def test_more_than_may_be_kept_is_refused(tmp_path: Path) -> None:
    ahead = ReadAhead(pieces(b"x" * WINDOW, b"x" * 5 * WINDOW), tmp_path, 4 * WINDOW)

    with pytest.raises(TooLarge) as refused:
        await drained(ahead)
    ahead.close()

    assert refused.value.facts["limit"] == 4 * WINDOW


async def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    ahead = ReadAhead(pieces(b"x" * 2 * WINDOW, b"x" * WINDOW), tmp_path, 1 << 30)
    monkeypatch.setattr(os, "pwrite", full)

    with pytest.raises(InsufficientStorage):
        await drained(ahead)
    ahead.close()


async def test_answers_of_one_turn_are_sent_as_one_and_none_waits_for_the_next() -> None:
    goes_on = anyio.Event()

    async def answers() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"
        await goes_on.wait()
        yield b"c"

    sent = []
    async for known in together(answers()):
        sent.append(known)
        goes_on.set()

    assert sent == [b"ab", b"c"]


async def test_no_more_answers_are_made_than_a_window_while_nobody_takes_them() -> None:
    made = 0

    async def answers() -> AsyncIterator[bytes]:
        nonlocal made
        for _ in range(100):
            made += 1
            yield b"x" * WINDOW

    sent = together(answers())
    first = await anext(sent)
    for _ in range(100):
        await anyio.lowlevel.checkpoint()

    assert made <= 1 + len(first) // WINDOW
    assert sum([len(known) async for known in sent]) + len(first) == 100 * WINDOW


async def test_what_was_answered_before_a_fault_is_sent_before_it_is_raised() -> None:
    async def answers() -> AsyncIterator[bytes]:
        yield b"a"
        raise TooLarge("The body", 1, None, "Send less.")

    sent = together(answers())

    assert await anext(sent) == b"a"
    with pytest.raises(TooLarge):
        await anext(sent)
