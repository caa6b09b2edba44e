"""The record of the current request: the facts for its log line and its metrics."""

import random
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from losses.text import Language

# Safe in a log line, a header and a URN, and as long as a UUID in any of its spellings.
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def stays() -> bool:
    """Return False: the default of `has_left`, for a client not known to have disconnected."""
    return False


@dataclass(slots=True)
class Record:
    """The facts of one request. Of what the client sent, only its request id and sizes are recorded.

    Attributes:
        has_left: Returns whether the client is known to have closed its connection.
        held_bytes: The bytes that are reserved with the body at this moment.
        body_bytes: The most bytes that were reserved with the body.
        block_bytes: The most bytes that were reserved for blocks of formulas.
    """

    id: str
    has_left: Callable[[], bool] = stays
    language: Language = "en"  # of what is said to people
    open_inference: bool = False  # the protocol, whose refusals have a name of their own for the detail
    key: str | None = None
    problem: str | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    queue_ms: float = 0.0
    compute_ms: float = 0.0
    held_bytes: int = 0
    body_bytes: int = 0
    block_bytes: int = 0
    items: int | None = None
    losses: tuple[str, ...] = ()

    def hold(self, more: int) -> None:
        """Record that `more` further bytes are reserved, or released where it is negative."""
        self.held_bytes += more
        self.body_bytes = max(self.body_bytes, self.held_bytes)

    @property
    def reserved_bytes(self) -> int:
        """The most memory that was reserved for the request."""
        return self.body_bytes + self.block_bytes

    @property
    def instance(self) -> str:
        """The identifier of the request in problems (RFC 9457)."""
        return f"urn:lossary:request:{self.id}"


UNDER_WAY: ContextVar[Record | None] = ContextVar("record", default=None)


def current() -> Record:
    """Return the record of the current request; outside of a request, a record that is discarded."""
    return UNDER_WAY.get() or Record(new_id())


def new_id() -> str:
    """Return a new, unique request id."""
    return f"{random.getrandbits(128):032x}"  # no secret, so that no call of the kernel is needed


def sent_or_new_id(sent: bytes | None) -> str:
    """Return the client's X-Request-Id where it is safe to repeat, else a new id."""
    return sent.decode("ascii") if sent is not None and REQUEST_ID.fullmatch(sent) else new_id()


def preferred_language(accept_language: str) -> Language:
    """Return Chinese where it comes first in the header Accept-Language, else English."""
    return "zh" if accept_language.strip().lower().startswith("zh") else "en"


def language_of(headers: Mapping[bytes, bytes]) -> Language:
    """Return the language that a request prefers."""
    stated = headers.get(b"accept-language")
    return preferred_language(stated.decode("latin-1")) if stated else "en"
