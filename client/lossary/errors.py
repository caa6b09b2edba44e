"""The exceptions of this client.

LossaryError ├── ConnectionFailed      the service could not be reached, or not in time └── Refused               the
service answered with a problem (RFC 9457)
    ├── Unauthorized      401: a key is needed
    ├── Forbidden         403: the key's scopes do not allow it
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
    """The base of all exceptions of this client."""


class ConnectionFailed(LossaryError):  # noqa: N818 - its base says that it is an error
    """The service could not be reached, or did not answer in time."""


class Refused(LossaryError):  # noqa: N818 - as above
    """The service refused the request. `str()` is its sentence, which says what is wrong and how to continue.

    Attributes:
        status: The HTTP status.
        type: The kind of refusal, for programs: urn:lossary:shape-mismatch.
        title: The kind of refusal in a few words.
        detail: The sentence.
        facts: The facts in the sentence, by name: role, expected, got, did_you_mean, ...
        request_id: The id of the request in the service's log.
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
    """The API key is missing or wrong."""


class Forbidden(Refused):
    """The scopes of the API key do not allow this request."""


class NotFound(Refused):
    """There is no such loss, dataset, experiment or path."""


class Conflict(Refused):
    """The request conflicts with what the service has stored."""


class TooLarge(Refused):
    """The request exceeds a limit of the service."""


class QuotaExceeded(Refused):
    """The rate limit of the API key is exhausted."""


class ServerFault(Refused):
    """An internal error of the service."""


class Unavailable(ServerFault):
    """The service is overloaded, or about to stop."""


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
    """Return the exception for a response with an error status."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    return refused({**(problem if isinstance(problem, dict) else {}), "status": response.status_code})


def refused(problem: dict[str, Any]) -> Refused:
    """Return the exception for a problem."""
    status = int(problem["status"])
    return KINDS.get(status, ServerFault if status >= LEAST_FAULT else Refused)(status, problem)
