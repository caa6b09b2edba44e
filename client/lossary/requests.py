"""Requests of httpx, made of what is asked: an address is read once, which takes longer than the rest of a request."""

from functools import lru_cache

import httpx

from lossary.asking import Asked

MOST_PATHS = 256  # whose addresses are kept


class Requests:
    """Makes the requests of one client, with its headers and its patience."""

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
