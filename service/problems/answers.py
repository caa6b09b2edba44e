"""Turns refusals into answers: application/problem+json (RFC 9457), in the language of the request."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from losses.errors import Refusal
from losses.text import Text, in_language
from service.problems.fields import wrong_fields
from service.problems.refusal import IANA, HttpRefusal, http_status, slug
from service.problems.requests import MethodNotAllowed, NotFound
from service.request_record import current

log = logging.getLogger("lossary")
MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """A problem (RFC 9457).

    Further members are the facts of the refusal: role, expected, got, index, did_you_mean, ...
    """

    model_config = ConfigDict(extra="allow")

    type: Annotated[
        str, Field(description="What kind of refusal, for programs.", examples=["urn:lossary:shape-mismatch"])
    ]
    title: Annotated[str, Field(description="The same in a few words.", examples=["Shapes do not fit"])]
    status: Annotated[int, Field(description="That of the response.", examples=[422])]
    detail: Annotated[
        str,
        Field(
            description="What was wanted, what came, and the way out.",
            examples=["targets must have axes (n), got shape [2, 1]. Send targets[:, 0]."],
        ),
    ]
    instance: Annotated[
        str,
        Field(
            description="The request, as the service's log has it.",
            examples=["urn:lossary:request:5f0c8d2e9b7a41d3a6e4c1b2f8d07e95"],
        ),
    ]


def problem(
    status: int,
    title: Text,
    detail: Text,
    kind: str,
    facts: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
    *,
    registered: bool = False,
) -> Response:
    """Return a problem as a response, in the language of the request.

    `instance` is the request id, under which the log has it too.
    """
    record = current()
    record.problem = kind
    text = in_language(detail, record.language)
    members = {
        "type": f"{IANA}{kind}" if registered else f"urn:lossary:{kind}",
        "title": in_language(title, record.language),
        "status": status,
        "detail": text,
        "instance": record.instance,
    }
    if record.open_inference:
        members["error"] = text
    by_language = {**(headers or {}), "Vary": "Accept-Language"}
    return Response(orjson.dumps({**members, **facts}), status, by_language, MEDIA_TYPE)


def answer(refusal: Refusal) -> Response:
    """Return a refusal as a response."""
    kind = slug(type(refusal))
    if not isinstance(refusal, HttpRefusal):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, refusal.title, refusal.text, kind, refusal.facts)
    return problem(
        refusal.status,
        refusal.title,
        refusal.text,
        refusal.slug or kind,
        refusal.facts,
        refusal.headers,
        registered=refusal.registered,
    )


def crash(error: Exception) -> Response:
    """Return the answer to an internal error; the error itself is only in the log, under the same id."""
    title = Text("Internal error", "内部错误")
    detail = Text(
        "This is our fault; the log has the details under `instance`.",
        "这是服务自身的错误;详情见日志中的 `instance`。",
    )
    response = problem(500, title, detail, "internal", {})
    log.error("crashed", exc_info=error, extra={"facts": {"request_id": current().id}})
    return response


def responses(*kinds: type[Refusal]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of an endpoint that may refuse in these ways."""
    titles: dict[int, list[str]] = {}
    for kind in kinds:
        titles.setdefault(http_status(kind), []).append(kind.title.en)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": "; ".join(each), "content": content, "model": Problem}
        for status, each in titles.items()
    }


def raise_refusals(app: FastAPI) -> None:
    """Make FastAPI raise a Refusal for errors that it would answer itself; the pipeline answers it."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        """Raise the refusal of invalid fields."""
        raise wrong_fields(error.errors(), {})

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        """Raise the refusal of an unknown path or method."""
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            raise MethodNotAllowed(request.method, ["GET", "HEAD"])  # of files: routes are refused before
        raise NotFound
