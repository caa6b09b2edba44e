"""Callers that ask all the time, and what they were answered."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.compose.stack import PATIENCE_S, REQUEST, VALUE, until


@dataclass
class Load:
    """What was answered until now: "right", or what was wrong."""

    answers: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, answer: str) -> None:
        """Add one."""
        with self._lock:
            self.answers[answer] += 1

    @property
    def failed(self) -> Counter[str]:
        """Everything but right answers."""
        return Counter({answer: count for answer, count in self.answers.items() if answer != "right"})

    def wait_for(self, more: int) -> None:
        """Wait until so many more were answered."""
        wanted = self.answers.total() + more
        until(lambda: self.answers.total() >= wanted)


def ask(client: httpx.Client) -> str:
    """Return "right", or what was wrong."""
    try:
        answer = client.post("/v1/evaluate", json=REQUEST)
    except httpx.HTTPError as error:
        return repr(error)
    if answer.status_code != httpx.codes.OK:
        return f"{answer.status_code} {answer.text}"
    return "right" if answer.json()["results"][0]["value"] == VALUE else answer.text


@contextmanager
def load(url: str, callers: int = 8) -> Iterator[Load]:
    """Ask until the end of the block; each caller keeps one connection and asks again when it has its answer."""
    counts, ended = Load(), threading.Event()

    def call() -> None:
        with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
            while not ended.is_set():
                counts.count(ask(client))

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        ended.set()
        for thread in threads:
            thread.join()
