"""Checks of a request's head that are made before there is a request: version, method, headers."""

from collections.abc import Iterable
from http import HTTPStatus

from losses.text import Text
from service.problems import HttpRefusal

VERSIONS = ("1.0", "1.1")
TITLES = {
    HTTPStatus.BAD_REQUEST: "请求有误",
    HTTPStatus.REQUEST_TIMEOUT: "请求超时",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "不支持的媒体类型",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "请求头过大",
    HTTPStatus.NOT_IMPLEMENTED: "未实现",
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: "不支持的 HTTP 版本",
}  # in Chinese; the English ones are those of HTTP
ONCE = {
    b"host": HTTPStatus.BAD_REQUEST,
    b"content-type": HTTPStatus.BAD_REQUEST,
    b"inference-header-content-length": HTTPStatus.BAD_REQUEST,
    b"content-encoding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}
UPGRADE_ONLY = frozenset({b"upgrade", b"http2-settings"})  # headers that mean nothing without the upgrade they ask for


class HeadRefusal(HttpRefusal):
    """A refusal of a request's head with a status and a sentence; its problem type is named after the status."""

    def __init__(self, status: HTTPStatus, detail: Text) -> None:
        super().__init__(detail)
        self.status, self.title = status, Text(status.phrase, TITLES[status])
        self.slug = status.name.lower().replace("_", "-")


NO_REQUEST = Text("The bytes are no HTTP/1.1 request.", "这些字节不是 HTTP/1.1 请求。")
NO_VERSION = Text("Only HTTP/1.1 and HTTP/1.0 are spoken here.", "此处只支持 HTTP/1.1 和 HTTP/1.0。")
NO_PROXY = Text("CONNECT is for proxies; this is none.", "CONNECT 用于代理;此处不是代理。")
NO_CODING = Text("Transfer-Encoding may be chunked, and nothing else.", "Transfer-Encoding 只能是 chunked。")
NO_HOST = Text("An HTTP/1.1 request names its Host.", "HTTP/1.1 请求必须写明 Host。")
UNREADABLE = HeadRefusal(HTTPStatus.BAD_REQUEST, NO_REQUEST)


def refuse_head(method: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse a head that contradicts itself, or that uses a part of HTTP which is not supported.

    Raises: HeadRefusal.
    """
    if version not in VERSIONS:
        raise HeadRefusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, NO_VERSION)
    if method == b"CONNECT":
        raise HeadRefusal(HTTPStatus.NOT_IMPLEMENTED, NO_PROXY)
    seen: set[bytes] = set()
    for name, value in headers:
        if name in seen and name in ONCE:
            header = name.decode()
            twice = Text(
                f"The header {header} stands in the request twice. Send it once.",
                f"请求头 {header} 在请求中出现两次。请只发送一次。",
            )
            raise HeadRefusal(ONCE[name], twice)
        if name == b"transfer-encoding" and (name in seen or value.strip().lower() != b"chunked"):
            raise HeadRefusal(HTTPStatus.NOT_IMPLEMENTED, NO_CODING)
        seen.add(name)
    if version == "1.1" and b"host" not in seen:
        raise HeadRefusal(HTTPStatus.BAD_REQUEST, NO_HOST)


def too_long(limit: int) -> HeadRefusal:
    """Return the refusal of headers over a limit, in bytes."""
    text = Text(f"The headers are over {limit} bytes.", f"请求头超过 {limit} 字节。")
    return HeadRefusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, text)


def without_upgrade(method: bytes, url: bytes, version: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a head without the headers that ask for an upgrade of the protocol."""
    lines = [b"%s %s HTTP/%s" % (method, url, version)]
    for name, value in headers:
        if name == b"connection":
            kept = [token for token in value.split(b",") if token.strip().lower() not in UPGRADE_ONLY]
            lines.append(b"connection: " + b",".join(kept))
        elif name not in UPGRADE_ONLY:
            lines.append(name + b": " + value)
    return b"\r\n".join([*lines, b"\r\n"])
