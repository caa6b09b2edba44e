"""The docs page, served entirely from this host: it loads nothing from other hosts."""

from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any

import fastapi_offline
from anyio import to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from losses.errors import Refusal
from service.dependencies import SettingsInForce
from service.pipeline.properties import Properties, properties
from service.pipeline.route_table import RouteTable
from service.problems import (
    MEDIA_TYPE,
    BadRequest,
    Forbidden,
    QuotaExceeded,
    RequestTimeout,
    RequestUriTooLong,
    TemporaryReducedCapacity,
    Unauthorized,
    responses,
)
from service.routes.pages.refusal_examples import component, examples
from service.uploads.media_type import JSON
from service.uploads.openapi import NULL, share_schemas

router = APIRouter(include_in_schema=False)
ASSETS = "/docs/assets"
FILES_OPEN = {f"{ASSETS}/": Properties("open", page=True)}
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0072b2"/>'
    '<path d="M5 7C9 23 13 25 16 25s7-2 11-18" fill="none" stroke="#fff" stroke-width="3"/></svg>'
)
FILES = Path(fastapi_offline.__file__).parent / "static"
TAGGED = "Names this answer; sent back in If-None-Match, it is answered 304 while the answer is the same."
FASTAPIS = "HTTPValidationError"
PAGE = Path(__file__).parents[2] / "web/docs/docs.html"
POLICY = (  # Swagger UI writes styles into its page
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/docs")
@properties("open", etag=True, page=True)
async def docs_page(settings: SettingsInForce) -> HTMLResponse:
    """Show every operation, ready to be tried."""
    html = PAGE.read_text(encoding="utf-8").replace("{root}", settings.root_path)
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})


@router.get("/favicon.ico")
@properties("open", etag=True, page=True)
async def icon() -> Response:
    """Show the curve of a loss, small."""
    return Response(ICON, media_type="image/svg+xml")


@router.get("/openapi.json")
@properties("open", etag=True)
async def document(request: Request) -> JSONResponse:
    """Show the document that describes every operation."""
    return JSONResponse(await to_thread.run_sync(request.app.openapi))  # the first time it takes half a second


def serve_docs(app: FastAPI, table: RouteTable, *, guarded: bool, root_path: str) -> None:
    """Serve the page's files, and complete the OpenAPI document with what the pipeline may answer.

    Args:
        app: The application.
        table: The routes.
        guarded: Whether keys are required.
        root_path: The prefix that a proxy adds to every path.
    """
    app.mount(ASSETS, StaticFiles(directory=FILES), name="docs-assets")
    plain, making, made = app.openapi, Lock(), list[dict[str, Any]]()

    def openapi() -> dict[str, Any]:
        """Return the OpenAPI document, made once."""
        with making:
            if not made:
                made.append(described())
        return made[0]

    def described() -> dict[str, Any]:
        """Return the OpenAPI document, completed."""
        document = plain()
        if root_path:
            document["servers"] = [{"url": root_path}]
        if guarded:
            document["components"]["securitySchemes"] = SCHEMES
        share_schemas(document)
        document["components"]["examples"] = {component(title): each for title, each in examples().items()}
        for name in (FASTAPIS, "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        for schema in document["components"]["schemas"].values():
            _allow_brief(schema)
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                stated = table.match(method.upper(), path).properties
                _complete(operation, stated, guarded=guarded and stated.access != "open")
        return document

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's documentation extends it


def _allow_brief(schema: dict[str, Any]) -> None:
    """Allow members that may be null to be missing, as with brief=1."""
    nullable = {name for name, member in schema.get("properties", {}).items() if NULL in member.get("anyOf", ())}
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name not in nullable]


def _complete(operation: dict[str, Any], stated: Properties, *, guarded: bool) -> None:
    """Add the responses and the security requirements that the pipeline adds to an operation."""
    kinds: list[type[Refusal]] = [RequestTimeout, TemporaryReducedCapacity] if "requestBody" in operation else []
    if "parameters" in operation or kinds:  # which a URL may carry without end
        kinds.append(RequestUriTooLong)
    if FASTAPIS in str(operation["responses"].get("422")):  # which FastAPI adds; refusals are problems
        del operation["responses"]["422"]
        kinds.append(BadRequest)
    if guarded:
        kinds += [Unauthorized, Forbidden, QuotaExceeded]
        operation["security"] = [{name: []} for name in SCHEMES]
    for status, response in responses(*kinds).items():
        shown = {name: value for name, value in response.items() if name != "model"}
        operation["responses"].setdefault(str(status), shown)
    _tidy_answers(operation)
    if stated.etag:
        operation["responses"]["200"]["headers"] = {"ETag": {"schema": {"type": "string"}, "description": TAGGED}}
        operation["responses"]["304"] = {"description": "The answer is the one whose ETag If-None-Match names."}


def _tidy_answers(operation: dict[str, Any]) -> None:
    """Remove media types that FastAPI adds, and insert the examples of refusals."""
    for status, response in operation["responses"].items():
        for described in response.get("content", {}).values():
            described.pop("itemSchema", None)  # of OpenAPI 3.2, which FastAPI writes into a document of 3.1
        if int(status) >= HTTPStatus.BAD_REQUEST:
            problem = response["content"][MEDIA_TYPE]  # FastAPI adds the route's own media type
            titles = [title for title in response["description"].split("; ") if title in examples()]
            shown = {title: {"$ref": f"#/components/examples/{component(title)}"} for title in titles}
            response["content"] = {MEDIA_TYPE: {**problem, "examples": shown} if shown else problem}
        elif JSON in response.get("content", {}):  # first, so that it is what pages and generated clients ask for
            response["content"] = {JSON: response["content"].pop(JSON), **response["content"]}
