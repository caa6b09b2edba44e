"""GET /: the page for people, made of the files of `service/web` as they are."""

import mimetypes
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as PathParameter

from losses.text import Text
from service.pipeline.properties import properties
from service.problems import UnknownPath

router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).parents[2] / "web"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
MEDIA = {".js": "text/javascript", ".woff2": "font/woff2"}  # which not every system knows


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """Return every file of the page by its path, with its media type."""
    return {path.relative_to(FOLDER).as_posix(): _read(path) for path in FOLDER.rglob("*") if path.is_file()}


def _read(path: Path) -> tuple[bytes, str]:
    """Return the bytes and the media type of a file."""
    return path.read_bytes(), MEDIA.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"


@router.get("/")
@properties("open", etag=True, page=True)
async def page() -> Response:
    """Show the page: ask which loss, look at losses, rules and evidence, run experiments."""
    content, media = _files()["index.html"]
    return Response(content, media_type=media, headers={"Content-Security-Policy": POLICY})


@router.get("/web/{name:path}")
@properties("open", etag=True, page=True)
async def page_file(name: Annotated[str, PathParameter(max_length=200)]) -> Response:
    """Return one of the files that the page loads.

    Raises: UnknownPath.
    """
    if name not in _files():
        raise UnknownPath(Text("The page has no such file. It is at /.", "页面没有这个文件。页面位于 /。"))
    content, media = _files()[name]
    return Response(content, media_type=media)
