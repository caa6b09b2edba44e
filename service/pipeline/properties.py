"""The properties that a route states beside its handler: access, logging, and whether it may run inline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

Permission = Literal["evaluate", "experiment", "recommend", "metrics"]  # the scopes that a key may have
Access = Literal[
    "open", "any key", "evaluate", "experiment", "recommend", "metrics"
]  # open to all; any key; a key with this scope
Protocol = Literal["lossary", "open inference"]
PERMISSIONS: frozenset[Permission] = frozenset(get_args(Permission))
_ATTRIBUTE = "__lossary_properties__"
Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True)
class Properties:
    """The properties of one route.

    Attributes:
        access: The scope that a key needs, or OPEN.
        inline: The handler takes the request alone and returns a response, so that it can run without a task.
        quiet: Answers are logged at debug level, since machines poll the route every few seconds.
        protocol: Which protocol's form refusals have.
        etag: Clients may cache the answer and revalidate it.
        page: Browsers show the answer as a page.
    """

    access: Access
    inline: bool = False
    quiet: bool = False
    protocol: Protocol = "lossary"
    etag: bool = False
    page: bool = False


def properties(
    access: Access,
    *,
    inline: bool = False,
    quiet: bool = False,
    protocol: Protocol = "lossary",
    etag: bool = False,
    page: bool = False,
) -> Callable[[Handler], Handler]:
    """State the properties of the route that this handler answers; the decorator goes below the route's own."""

    def state(handler: Handler) -> Handler:
        """Attach the properties to the handler."""
        setattr(handler, _ATTRIBUTE, Properties(access, inline, quiet, protocol, etag, page))
        return handler

    return state


def properties_of(handler: object) -> Properties | None:
    """Return the properties that a handler states; None where it states none."""
    stated: Properties | None = getattr(handler, _ATTRIBUTE, None)
    return stated
