"""Refusals of who asks: keys, scopes, quotas, origins, and addresses that may not be read."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from losses.text import Text
from service.problems.refusal import HttpRefusal


class Unauthorized(HttpRefusal):
    """The request has no valid API key."""

    status = HTTPStatus.UNAUTHORIZED
    title = Text("A key is needed", "需要密钥")
    example: ClassVar = {"text": "Send Authorization: Bearer and a key.", "challenge": "Bearer"}

    def __init__(self, text: str | Text, challenge: str) -> None:
        super().__init__(text)
        self.headers = {"WWW-Authenticate": challenge}


class Forbidden(HttpRefusal):
    """The key's scopes do not include the one that the route needs."""

    status = HTTPStatus.FORBIDDEN
    title = Text("The key may not do this", "此密钥无权执行该操作")
    example: ClassVar = {"scope": "evaluate"}

    def __init__(self, scope: str) -> None:
        text = Text(
            f"The key lacks the scope {scope}. Use a key that has it; an operator adds it to `scopes` in LOSSARY_KEYS.",
            f"此密钥缺少权限 {scope}。请使用具有该权限的密钥;运维人员可在 LOSSARY_KEYS 的 `scopes` 中添加。",
        )
        super().__init__(text, scope=scope)
        self.headers = {"WWW-Authenticate": f'Bearer realm="lossary", error="insufficient_scope", scope="{scope}"'}


class AddressNotAllowed(HttpRefusal):
    """The address of a dataset is not below a prefix that the operator allows."""

    status = HTTPStatus.FORBIDDEN
    title = Text("This address may not be read", "不得读取此地址")
    example: ClassVar = {"text": "The address is below no prefix that LOSSARY_SOURCES names."}


class ForeignOrigin(HttpRefusal):
    """A page of another origin sent the request."""

    status = HTTPStatus.FORBIDDEN
    title = Text("A page of another site may not ask this", "其他站点的页面不得发出此请求")

    def __init__(self) -> None:
        super().__init__(
            Text(
                "A browser sent this for a page of another origin. Name that origin in LOSSARY_CORS_ORIGINS to allow "
                "it.",
                "浏览器代另一个源的页面发出了此请求。如需允许,请在 LOSSARY_CORS_ORIGINS 中写明该源。",
            )
        )


class QuotaExceeded(HttpRefusal):
    """The rate limit of the key is exhausted; `wait_s` seconds until the next request is allowed."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    registered = True
    title = Text("Too many requests for this key", "此密钥的请求过多")
    example: ClassVar = {"wait_s": 12.0, "headers": {}}

    def __init__(self, wait_s: float, headers: Mapping[str, str]) -> None:
        seconds = max(1, math.ceil(wait_s))
        text = Text(
            f"This key has used up its requests; the next is answered in {seconds} s.",
            f"此密钥的请求数已用完;{seconds} 秒后可再次请求。",
        )
        super().__init__(text, retry_after_s=seconds, **{"violated-policies": ["default"]})
        self.headers = {**headers, "Retry-After": str(seconds)}
