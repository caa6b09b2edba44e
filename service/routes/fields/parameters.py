"""Refuses query parameters that a route does not have; ignoring them silently would mislead."""

from collections.abc import Iterator

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from losses.errors import did_you_mean, shown
from losses.near import near
from losses.text import Text, listed, paragraph
from service.problems import BadRequest


async def known_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not declare.

    Raises: BadRequest with its name and the nearest one.
    """
    if not request.scope["query_string"]:
        return
    route: APIRoute = request.scope["route"]
    known = tuple(dict.fromkeys(_names(route.dependant)))
    for name in request.query_params:
        if name not in known:
            close = near(name, known)
            names = listed(known)
            has = (
                Text(f"It has {names.en}.", f"它有 {names.zh}。") if known else Text("It has none.", "它没有查询参数。")
            )
            unknown = Text(f"This path has no query parameter {shown(name)}.", f"此路径没有查询参数 {shown(name)}。")
            raise BadRequest(
                paragraph(unknown, did_you_mean(close), has),
                parameter=shown(name),
                parameters=list(known),
                did_you_mean=close,
            )


def _names(dependant: Dependant) -> Iterator[str]:
    """Yield the query parameters of an endpoint and of all its dependencies."""
    yield from (field.alias for field in dependant.query_params)
    for other in dependant.dependencies:
        yield from _names(other)


KNOWN_PARAMETERS = [Depends(known_parameters)]
