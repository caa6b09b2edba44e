"""The clients: a synchronous one and one for asyncio, with the same methods."""

from typing import Any, Self

import httpx

from lossary.asynchronous.sending import AsyncSender
from lossary.requests import Requests, headers_of
from lossary.sending import Sender


class Client(Sender):
    """A synchronous client; every method raises LossaryError.

    Attributes:
        url: The address of the service.
        key: An API key.
        language: The language of sentences in answers, en or zh.
        timeout: The seconds to wait for the next byte of an answer.
        retries: How often a request is sent again after 429, 502, 503, 504 or a lost connection.
        local: Whether the installed service answers in this process.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        language: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        local: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retries = retries
        self._arguments = (url, key, language, timeout, retries, local, transport)
        if local:
            from lossary.local import LocalTransport  # noqa: PLC0415 - it starts the service

            url, transport = "http://lossary.local", LocalTransport()
        self._http = httpx.Client(
            base_url=url,
            headers=headers_of(key, language),
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
        )
        self._requests = Requests(self._http)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what recreates this client in another process, with connections of its own.

        Scikit-learn pickles it.
        """
        return _made, self._arguments

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _made(url: str, key: str | None, language: str | None, timeout: float, *more: Any) -> Client:  # noqa: ANN401 - retries, local, transport
    """Return a client with these arguments; pickle calls it."""
    retries, local, transport = more
    return Client(url, key=key, language=language, timeout=timeout, retries=retries, local=local, transport=transport)


class AsyncClient(AsyncSender):
    """The client for asyncio: every method is awaited, and `events` is an asynchronous iterator."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        language: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._retries = retries
        self._http = httpx.AsyncClient(
            base_url=url,
            headers=headers_of(key, language),
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
        )
        self._requests = Requests(self._http)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
