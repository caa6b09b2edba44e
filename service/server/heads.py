"""What is refused by the head of a request alone, before there is a request."""

from collections.abc import Iterable
from http import HTTPStatus

from service.problems import HttpRefusal

VERSIONS = ("1.0", "1.1")
ONCE = {b"host": HTTPStatus.BAD_REQUEST, b"content-encoding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE}


class HeadRefusal(HttpRefusal):
    """The head of a request is refused, with this status and sentence; its type is named for the status."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title = status, status.phrase
        self.slug = status.name.lower().replace("_", "-")


UNREADABLE = HeadRefusal(HTTPStatus.BAD_REQUEST, "The bytes are no HTTP/1.1 request.")


def refuse_head(method: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse a head that contradicts itself, or asks for what is not spoken here.

    Raises: HeadRefusal.
    """
    if version not in VERSIONS:
        raise HeadRefusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    if method == b"CONNECT":
        raise HeadRefusal(HTTPStatus.NOT_IMPLEMENTED, "CONNECT is for proxies; this is none.")
    seen: set[bytes] = set()
    for name, value in headers:
        if name in seen and name in ONCE:
            raise HeadRefusal(ONCE[name], f"The header {name.decode()} stands in the request twice. Send it once.")
        if name == b"transfer-encoding" and (name in seen or value.strip().lower() != b"chunked"):
            raise HeadRefusal(HTTPStatus.NOT_IMPLEMENTED, "Transfer-Encoding may be chunked, and nothing else.")
        seen.add(name)
    if version == "1.1" and b"host" not in seen:
        raise HeadRefusal(HTTPStatus.BAD_REQUEST, "An HTTP/1.1 request names its Host.")


def too_long(limit: int) -> HeadRefusal:
    """Return the refusal of headers over a limit, in bytes."""
    return HeadRefusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"The headers are over {limit} bytes.")
