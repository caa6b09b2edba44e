"""Refusals of the request itself: its path, method, headers, body and fields."""

from collections.abc import Iterable
from http import HTTPStatus
from types import MappingProxyType
from typing import ClassVar

from losses.errors import did_you_mean
from losses.text import Text, both, listed, paragraph
from service.problems.refusal import HttpRefusal


class BadEnvelope(HttpRefusal):
    """The body cannot be read: it is not valid in its stated format."""

    status = HTTPStatus.BAD_REQUEST
    title = Text("The body cannot be read", "请求体无法读取")
    example: ClassVar = {"text": "The text stops being JSON at character 17.", "position": 17}


class BadRequest(HttpRefusal):
    """The body can be read, but fields of it are wrong."""

    title = Text("Fields of the request are wrong", "请求的字段有误")
    example: ClassVar = {
        "text": "/profile/outlier_rate: Write a number between 0 and 1.",
        "pointer": "/profile/outlier_rate",
    }


class BadHeaders(HttpRefusal):
    """Headers of the request contradict each other."""

    status = HTTPStatus.BAD_REQUEST
    title = Text("The headers contradict one another", "请求头相互矛盾")
    example: ClassVar = {"text": "A header that carries the key stands in the request twice. Send it once."}


class UnknownPath(HttpRefusal):
    """A path names a loss, a model or a file that does not exist."""

    status = HTTPStatus.NOT_FOUND
    title = Text("Nothing is here", "此处没有内容")
    example: ClassVar = {"text": "There is no loss of that name. Did you mean huber?", "did_you_mean": "huber"}


class NotFound(HttpRefusal):
    """There is no such path."""

    status = HTTPStatus.NOT_FOUND
    title = Text("Not Found", "未找到")

    def __init__(self, suggestion: str | None = None) -> None:
        text = paragraph(
            Text("There is no such path.", "没有这个路径。"),
            did_you_mean(suggestion),
            Text("All are listed at /openapi.json and shown at /docs.", "全部路径列于 /openapi.json,并见 /docs。"),
        )
        super().__init__(text, did_you_mean=suggestion)


class MethodNotAllowed(HttpRefusal):
    """The path does not answer this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    title = Text("Method Not Allowed", "不允许的方法")
    example: ClassVar = {"method": "PUT", "allowed": ["GET", "HEAD"]}

    def __init__(self, method: str, allowed: list[str]) -> None:
        names, sent = listed(allowed), method[:20]
        text = Text(f"{sent} is not answered here; {names.en} are.", f"此处不支持 {sent};支持 {names.zh}。")
        super().__init__(text, allowed=allowed)
        self.headers = {"Allow": names.en}


class RequestTimeout(HttpRefusal):
    """The body stopped arriving, or arrived too slowly."""

    status = HTTPStatus.REQUEST_TIMEOUT
    title = Text("The body did not arrive in time", "请求体未按时到达")
    headers = MappingProxyType({"Connection": "close"})
    example: ClassVar = {"text": "No byte of the body arrived for 30 s."}


class RequestUriTooLong(HttpRefusal):
    """The URL is longer than allowed."""

    status = HTTPStatus.REQUEST_URI_TOO_LONG
    title = Text("The URL is too long", "URL 过长")
    example: ClassVar = {"limit": 65536}

    def __init__(self, limit: int) -> None:
        super().__init__(Text(f"The URL is over {limit} bytes.", f"URL 超过 {limit} 字节。"))


class TooLarge(HttpRefusal):
    """The request, or what it asks for, exceeds a limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = Text("Too large", "过大")
    example: ClassVar = {
        "what": "The body",
        "limit": 67108864,
        "setting": "max_body_bytes",
        "way_out": "Send fewer items.",
    }

    def __init__(self, what: str | Text, limit: int, setting: str | None, way_out: str | Text) -> None:
        named = both(what)
        over = Text(f"{named.en} is over {limit}.", f"{named.zh}超过 {limit}。")
        super().__init__(paragraph(over, way_out), limit=limit, limit_name=setting)


class UnsupportedFormat(HttpRefusal):
    """The media type or the format of the body is not supported."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = Text("A format that is not read here", "不支持的格式")
    example: ClassVar = {"text": "Send Content-Type application/json.", "accepted": ["application/json"]}

    def __init__(self, text: str | Text, accepted: Iterable[str]) -> None:
        super().__init__(text, accepted=list(accepted))
