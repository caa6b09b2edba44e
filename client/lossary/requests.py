"""Builds httpx requests, and reads answers from their responses."""

import json
from functools import lru_cache

import httpx

from lossary.asking import ApiRequest
from lossary.errors import refusal
from lossary.result import Answer

MOST_PATHS = 256  # whose addresses are kept
FIRST_REFUSAL = 400  # statuses from here on are refusals


class Requests:
    """Builds the requests of one client, with its headers and timeout.

    The URL of each path is parsed once, since that takes longer than the rest of a request.
    """

    def __init__(self, http: httpx.Client | httpx.AsyncClient) -> None:
        self._base, self._headers = str(http.base_url).rstrip("/"), http.headers
        self._extensions = {"timeout": http.timeout.as_dict()}
        self._address = lru_cache(MOST_PATHS)(self._read)

    def made(self, request: ApiRequest) -> httpx.Request:
        """Return the httpx request that sends an `ApiRequest`."""
        address = self._address(request.path)
        if request.params:
            address = address.copy_merge_params(request.params)
        headers = self._headers.copy()
        headers.update(request.headers)
        return httpx.Request(
            request.method,
            address,
            headers=headers,
            content=request.content,
            json=request.json,
            extensions=self._extensions,
        )

    def _read(self, path: str) -> httpx.URL:
        """Return the URL of a path."""
        return httpx.URL(self._base + path)


def headers_of(key: str | None, language: str | None) -> dict[str, str]:
    """Return the headers that a client sends with every request."""
    headers = {"user-agent": "lossary-python/0.1"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    if language is not None:
        headers["accept-language"] = language
    return headers


def read_answer(response: httpx.Response, kind: type[Answer]) -> Answer:
    """Return the answer in a response.

    Raises: Refused.
    """
    if response.status_code >= FIRST_REFUSAL:
        raise refusal(response)
    return kind(json.loads(response.content) if response.content else {})


def error_text(error: httpx.TransportError) -> str:
    """Return the message of a transport error, or its type where it has none."""
    return str(error) or type(error).__name__
