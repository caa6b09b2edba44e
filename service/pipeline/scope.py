"""What our server adds to the ASGI scope of a request, and how it is read."""

from starlette.types import Scope

CYCLE = "lossary.cycle"  # uvicorn's state of this request


def is_whole(scope: Scope) -> bool:
    """Say whether all of the body has come, where that can be known."""
    cycle = scope.get("extensions", {}).get(CYCLE)
    return cycle is not None and not cycle.more_body
