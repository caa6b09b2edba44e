"""The interface of pipeline steps (middleware): a request enters each step before the endpoint and leaves it after.

A request passes all steps in order, whichever way it is answered, and its answer passes the entered ones in reverse.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Response
from starlette.types import Scope

from service.pipeline.route_table import Match
from service.request_record import Record
from service.uploads.bodies.body import Body


@dataclass(slots=True)
class Head:
    """An answer before it is sent: steps may change its status, its headers and its content.

    Attributes:
        content: The content; None where the answer is sent in pieces.
        packing: Turns the content into what is sent; runs in a thread where that takes long.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes | memoryview | None = None
    packing: Callable[[bytes | memoryview], bytes] | None = None

    def header(self, name: bytes) -> bytes | None:
        """Return the first header of this name; None where there is none."""
        return next((value for known, value in self.headers if known == name), None)

    def replace(self, name: bytes, value: bytes) -> None:
        """Set a header, in place of all headers of this name."""
        self.remove(name)
        self.headers.append((name, value))

    def remove(self, *names: bytes) -> None:
        """Remove all headers of these names."""
        self.headers = [header for header in self.headers if header[0] not in names]


@dataclass(slots=True)
class Exchange:
    """One request and its answer, on the way through the steps."""

    scope: Scope
    match: Match
    body: Body
    record: Record
    started: float = 0.0  # s, on the clock of perf_counter
    status: int = 0  # of the answer, once its head is sent
    answer_headers: dict[str, str] = field(default_factory=dict)  # what steps have to say, by the name of the header
    entered: int = 0  # how many of the steps, the first ones


class Step:
    """One step of the pipeline; a subclass overrides any of the methods."""

    def enter(self, exchange: Exchange) -> Response | None:
        """Run before the endpoint; an answer returned here is sent without calling the endpoint.

        Raises: a Refusal, which becomes the answer.
        """

    def leave(self, exchange: Exchange, head: Head) -> None:
        """Change the answer before it is sent."""

    def end(self, exchange: Exchange) -> None:
        """Run after the answer was sent, or sending failed."""
