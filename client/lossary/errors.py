"""What goes wrong.

LossaryError
├── ConnectionFailed      nobody answered, or not in time
└── Refused               the service said no, in a problem (RFC 9457)
    ├── Unauthorized      401: a key is needed
    ├── Forbidden         403: the key may not do this
    ├── NotFound          404
    ├── Conflict          409
    ├── TooLarge          413
    ├── QuotaExceeded     429, after the retries
    └── ServerFault       5xx
        └── Unavailable   503, after the retries
"""

from typing import Any

import httpx


class LossaryError(Exception):
    """Anything that this client raises."""


class ConnectionFailed(LossaryError):  # noqa: N818 - its base says that it is an error
    """Nobody answered, or not in time."""


class Refused(LossaryError):  # noqa: N818 - as above
    """The service said no. `str()` is its sentence, which names the thing and the way out.

    Attributes:
        status: Of HTTP.
        type: What kind of refusal, for programs: urn:lossary:shape-mismatch.
        title: The same in a few words.
        detail: The sentence.
        facts: What the sentence says, by name: role, expected, got, did_you_mean, ...
        request_id: Under which the service's log has it.
    """

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.type = str(problem.get("type", "about:blank"))
        self.title = str(problem.get("title", f"HTTP {status}"))
        self.detail = str(problem.get("detail", self.title))
        known = ("type", "title", "status", "detail", "instance")
        self.facts = {name: value for name, value in problem.items() if name not in known}
        self.request_id = str(problem.get("instance", "")).rpartition(":")[2]
        super().__init__(self.detail)


class Unauthorized(Refused):
    """A key is needed, or the key is wrong."""


class Forbidden(Refused):
    """The key may not do this."""


class NotFound(Refused):
    """No such loss, dataset, experiment or path."""


class Conflict(Refused):
    """What was asked for stands against what is there."""


class TooLarge(Refused):
    """More than the service takes at once."""


class QuotaExceeded(Refused):
    """The key has used up its requests."""


class ServerFault(Refused):
    """The service failed."""


class Unavailable(ServerFault):
    """The service has no room just now, or is about to end."""


KINDS: dict[int, type[Refused]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: QuotaExceeded,
    503: Unavailable,
}
LEAST_FAULT = 500  # HTTP


def refusal(response: httpx.Response) -> Refused:
    """Return the error that a response stands for."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    return refused({**(problem if isinstance(problem, dict) else {}), "status": response.status_code})


def refused(problem: dict[str, Any]) -> Refused:
    """Return the error that a problem stands for."""
    status = int(problem["status"])
    return KINDS.get(status, ServerFault if status >= LEAST_FAULT else Refused)(status, problem)
