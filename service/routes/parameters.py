"""Query parameters that a route does not have are refused by name, since what is ignored in silence misleads."""

from collections.abc import Iterator

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from losses.errors import shown
from losses.near import near
from service.problems import BadRequest


async def known_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not declare.

    Raises: BadRequest with its name and the near one.
    """
    if not request.scope["query_string"]:
        return
    route: APIRoute = request.scope["route"]
    known = tuple(dict.fromkeys(_names(route.dependant)))
    for name in request.query_params:
        if name not in known:
            close = near(name, known)
            hint = f" Did you mean {close}?" if close else ""
            has = f"It has {', '.join(known)}." if known else "It has none."
            raise BadRequest(
                f"This path has no query parameter {shown(name)}.{hint} {has}",
                parameter=shown(name),
                parameters=list(known),
                did_you_mean=close,
            )


def _names(dependant: Dependant) -> Iterator[str]:
    """Yield the query parameters of an endpoint and of all that it depends on."""
    yield from (field.alias for field in dependant.query_params)
    for other in dependant.dependencies:
        yield from _names(other)


KNOWN_PARAMETERS = [Depends(known_parameters)]
