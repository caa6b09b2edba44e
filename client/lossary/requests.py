"""Requests of httpx, made of what is asked, and answers read from their responses."""

import json
from functools import lru_cache

import httpx

from lossary.asking import Asked
from lossary.errors import refusal
from lossary.result import Answer

MOST_PATHS = 256  # whose addresses are kept
FIRST_REFUSAL = 400  # statuses from here on are refusals


class Requests:
    """Makes the requests of one client, with its headers and its patience.

    Each address is read once, which takes longer than the rest of a request.
    """

    def __init__(self, http: httpx.Client | httpx.AsyncClient) -> None:
        self._base, self._headers = str(http.base_url).rstrip("/"), http.headers
        self._extensions = {"timeout": http.timeout.as_dict()}
        self._address = lru_cache(MOST_PATHS)(self._read)

    def made(self, asked: Asked) -> httpx.Request:
        """Return a request."""
        address = self._address(asked.path)
        if asked.params:
            address = address.copy_merge_params(asked.params)
        headers = self._headers.copy()
        headers.update(asked.headers)
        return httpx.Request(
            asked.method,
            address,
            headers=headers,
            content=asked.content,
            json=asked.json,
            extensions=self._extensions,
        )

    def _read(self, path: str) -> httpx.URL:
        return httpx.URL(self._base + path)


def headers_of(key: str | None, language: str | None) -> dict[str, str]:
    """Return the headers of every request of a client."""
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


def said(error: httpx.TransportError) -> str:
    """Return what a lost connection says, or its kind where it says nothing."""
    return str(error) or type(error).__name__
