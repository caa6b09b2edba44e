"""The media type of a body, from the request's headers."""

from functools import lru_cache

from fastapi import Request

from losses.text import Text, listed, paragraph
from service.problems import UnsupportedFormat
from service.uploads.bodies.codings import CODINGS, coding_of

JSON, MULTIPART = "application/json", "multipart/form-data"
OCTETS = "application/octet-stream"  # a file whose first bytes say what it is
# What clients send unless they are told otherwise, and how to tell them.
INSTEAD = {
    "application/x-www-form-urlencoded": Text(
        "curl -d and data= of requests send a form: use curl -H 'Content-Type: application/json' or json=.",
        "curl -d 和 requests 的 data= 发送的是表单:请用 curl -H 'Content-Type: application/json' 或 json=。",
    ),
    "text/plain": Text(
        "JavaScript's fetch sends text unless headers say {'Content-Type': 'application/json'}.",
        "JavaScript 的 fetch 默认发送文本,除非 headers 写明 {'Content-Type': 'application/json'}。",
    ),
}


def header(request: Request, name: bytes) -> str:
    """Return a header of a request, "" where it is missing; Starlette's mapping would decode every name."""
    for known, value in request.scope["headers"]:
        if known == name:
            return str(value, "latin-1")
    return ""


def require(request: Request, *accepted: str) -> str:
    """Return the media type of the body.

    Raises: UnsupportedFormat, before a byte is read.
    """
    return _required(header(request, b"content-type"), header(request, b"content-encoding"), accepted)


@lru_cache(256)  # the same few come again and again
def _required(content_type: str, coding: str, accepted: tuple[str, ...]) -> str:
    """Return the media type of these headers, if it and the coding are supported.

    Raises: UnsupportedFormat.
    """
    media = content_type.partition(";")[0].strip().lower()
    if media not in accepted:
        names = listed(accepted)
        text = Text(f"Send Content-Type {' or '.join(accepted)}.", f"请发送 Content-Type {names.zh}。")
        raise UnsupportedFormat(paragraph(text, INSTEAD.get(media, "")), accepted)
    if coding not in ("", "identity") and coding_of(coding) is None:
        known = ", ".join(CODINGS)
        text = Text(
            f"Send the body as it is, or with one Content-Encoding of {known}.",
            f"请原样发送请求体,或使用一种 Content-Encoding:{known}。",
        )
        refusal = UnsupportedFormat(text, list(CODINGS))
        refusal.headers = {"Accept-Encoding": known}  # RFC 9110, 12.5.3
        raise refusal
    return media
