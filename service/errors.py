"""Every refusal leaves as application/problem+json (RFC 9457): small, true, with the way out, never an echo.

losses.errors.Refusal    422: the content is wrong
└── HttpRefusal          the same, with a status of its own
    ├── BadEnvelope      400: the body cannot be read at all
    ├── BadRequest       422: the body reads, and fields of it are wrong
    ├── UnknownPath      404
    ├── TooLarge         413
    ├── UnsupportedFormat 415
    └── NotReady         503
"""

import logging
import uuid
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException

from losses.errors import Refusal, near

log = logging.getLogger("lossary")
MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 10
Model = TypeVar("Model", bound=BaseModel)
LONGEST_TEXT = 300  # characters of one member; ten errors and the rest stay under 4 KiB


class HttpRefusal(Refusal):
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class BadEnvelope(HttpRefusal):
    status = HTTPStatus.BAD_REQUEST
    title = "The body cannot be read"


class BadRequest(HttpRefusal):
    title = "Fields of the request are wrong"


class UnknownPath(HttpRefusal):
    status = HTTPStatus.NOT_FOUND
    title = "Nothing is here"


class TooLarge(HttpRefusal):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Too large"

    def __init__(self, what: str, limit: int, setting: str | None, way_out: str) -> None:
        super().__init__(f"{what} is over {limit}. {way_out}", limit=limit, limit_name=setting)


class UnsupportedFormat(HttpRefusal):
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = "A format that is not read here"

    def __init__(self, message: str, accepted: Iterable[str]) -> None:
        super().__init__(message, accepted=list(accepted))


class NotReady(HttpRefusal):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Not ready"


class Problem(BaseModel):
    """What went wrong (RFC 9457). Other members name the facts: role, expected, got, index, did_you_mean, ..."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str


def slug(kind: type[Refusal]) -> str:
    """Return the last part of the problem's type: ShapeMismatch is shape-mismatch."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("-")


def problem(
    status: int,
    title: str,
    detail: str,
    kind: str,
    facts: Mapping[str, object],
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a problem as a response."""
    instance = f"urn:uuid:{uuid.uuid4()}"
    members = {
        "type": f"urn:lossary:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
    }
    log.info("refused", extra={"facts": {"status": status, "kind": kind, "instance": instance}})
    return Response(orjson.dumps({**members, **facts}), status, headers, MEDIA_TYPE)


def responses(*kinds: type[Refusal]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of an endpoint that may refuse in these ways."""
    titles: dict[int, list[str]] = {}
    for kind in kinds:
        titles.setdefault(int(getattr(kind, "status", HTTPStatus.UNPROCESSABLE_ENTITY)), []).append(kind.title)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": "; ".join(said), "content": content, "model": Problem}
        for status, said in titles.items()
    }


def wrong_fields(errors: Iterable[Mapping[str, Any]], known: Iterable[str], within: tuple[str, ...] = ()) -> BadRequest:
    """Return a refusal that names the first fields that are wrong, where they stand and what they should be."""
    listed: list[dict[str, str]] = []
    total, names = 0, list(known)
    for error in errors:
        total += 1
        if len(listed) < MOST_ERRORS:
            listed.append(_field(error, names, within))
    first = listed[0]
    hint = f" Did you mean {first['did_you_mean']}?" if "did_you_mean" in first else ""
    more = f" ({total} fields are wrong.)" if total > 1 else ""
    return BadRequest(
        f"{first['pointer'] or 'The body'}: {first['message']}.{hint}{more}",
        errors=listed,
        errors_total=total,
    )


def _field(error: Mapping[str, Any], names: list[str], within: tuple[str, ...]) -> dict[str, str]:
    where = [str(part) for part in (*within, *error["loc"]) if part not in ("body", "query", "path")]
    unknown = error["type"] == "extra_forbidden"
    message = "there is no such field" if unknown else str(error["msg"])[:LONGEST_TEXT]
    entry = {"pointer": "", "code": str(error["type"]), "message": message}
    suggestion = near(where[-1], names) if unknown and where else None
    shown = where[:-1] if unknown else where  # the name of an unknown field is the caller's text
    entry["pointer"] = "".join(f"/{part[:60]}" for part in shown if "[" not in part)
    return {**entry, "did_you_mean": suggestion} if suggestion else entry


def read(model: type[Model], data: object, *within: str) -> Model:
    """Return `data` as a model.

    Raises: BadRequest with every wrong field, and the near name of an unknown one.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise wrong_fields(found, field_names(model), within) from None


def field_names(model: type[BaseModel]) -> set[str]:
    """Return the names of all fields of a model and of the models inside it."""
    schema = model.model_json_schema()
    inside = [schema, *schema.get("$defs", {}).values()]
    return {name for part in inside for name in part.get("properties", {})}


def install(app: FastAPI) -> None:
    """Answer every way a request can fail with a problem."""

    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> Response:
        status = int(getattr(refusal, "status", HTTPStatus.UNPROCESSABLE_ENTITY))
        return problem(status, refusal.title, refusal.message, slug(type(refusal)), refusal.facts)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        refusal = wrong_fields(error.errors(), ())
        return problem(422, refusal.title, refusal.message, slug(BadRequest), refusal.facts)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        way_out = {
            404: "There is no such path; all are listed at /openapi.json and shown at /docs.",
            405: f"{request.method} is not answered here; see the Allow header.",
        }
        detail = way_out.get(status, status.description or status.phrase)
        headers = dict(error.headers) if error.headers else None
        return problem(status, status.phrase, detail, status.name.lower().replace("_", "-"), {}, headers)

    @app.exception_handler(Exception)
    async def crashed(_: Request, error: Exception) -> Response:
        answer = problem(
            500, "Internal error", "This is our fault; the log has the details under `instance`.", "internal", {}
        )
        log.error("crashed", exc_info=error)
        return answer
