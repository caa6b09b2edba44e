"""The docs page, served whole from this host: it loads nothing from outside."""

from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from losses.errors import Refusal
from service.dependencies import SettingsInForce
from service.pipeline.properties import Properties, properties
from service.pipeline.route_table import RouteTable
from service.problems import (
    Forbidden,
    QuotaExceeded,
    RequestTimeout,
    TemporaryReducedCapacity,
    Unauthorized,
    responses,
)

router = APIRouter(include_in_schema=False)
ASSETS = "/docs/assets"
FILES_OPEN = {f"{ASSETS}/": Properties("open")}
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
FILES = Path(fastapi_offline.__file__).parent / "static"
SWAGGER = {
    "tryItOutEnabled": True,
    "docExpansion": "list",
    "defaultModelsExpandDepth": -1,
    "displayRequestDuration": True,
    "persistAuthorization": True,
}


@router.get("/docs")
@properties("open")
async def docs_page(settings: SettingsInForce) -> HTMLResponse:
    """Show every operation, ready to be tried."""
    root = settings.root_path
    return get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title="Lossary",
        swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{root}{ASSETS}/favicon.png",
        swagger_ui_parameters=SWAGGER,
    )


@router.get("/openapi.json")
@properties("open")
async def document(request: Request) -> JSONResponse:
    """Show the document that describes every operation."""
    return JSONResponse(request.app.openapi())


def serve_docs(app: FastAPI, table: RouteTable, *, guarded: bool, root_path: str) -> None:
    """Serve the page's files, and complete the document with what the pipeline may answer.

    `guarded`: a key is asked for. `root_path`: the prefix that a proxy adds to every path.
    """
    app.mount(ASSETS, StaticFiles(directory=FILES), name="docs-assets")
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = plain()
            if root_path:
                described["servers"] = [{"url": root_path}]
            if guarded:
                described["components"]["securitySchemes"] = SCHEMES
            for path, operations in described["paths"].items():
                for method, operation in operations.items():
                    access = table.match(method.upper(), path).properties.access
                    _complete(operation, guarded=guarded and access != "open")
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's documentation extends it


def _complete(operation: dict[str, Any], *, guarded: bool) -> None:
    kinds: list[type[Refusal]] = [RequestTimeout, TemporaryReducedCapacity] if "requestBody" in operation else []
    if guarded:
        kinds += [Unauthorized, Forbidden, QuotaExceeded]
        operation["security"] = [{name: []} for name in SCHEMES]
    for status, response in responses(*kinds).items():
        shown = {name: value for name, value in response.items() if name != "model"}
        operation["responses"].setdefault(str(status), shown)
