"""A file at an http(s) address, read in ranges.

The host is resolved once, and the connection goes to that IP address: a second look-up after the check might answer
differently. Redirects and proxies are not followed, and an address that is not public is refused unless it is
configured, so that the service cannot be made to contact hosts that only it can reach.
"""

import http.client
import io
import ipaddress
import socket
import ssl
from http import HTTPStatus
from typing import Any

TIMEOUT_S = 20.0  # of one answer
BUFFER = 1 << 20  # bytes that are asked for at least
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an address of version 4 in one of version 6
USER_AGENT = "lossary"


class NotAllowed(Exception):  # noqa: N818 - it is said of an address
    """The address leads to a host that may not be contacted."""


class Unreadable(Exception):  # noqa: N818 - the same
    """The file at the address cannot be read."""


def is_public(text: str) -> bool:
    """Return whether an IP address is globally reachable."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return inner.is_global
        if address in NAT64 or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def resolved(host: str, port: int, *, private: bool) -> str:
    """Return the IP address of a host to connect to; `private` allows one that is not public.

    Raises: NotAllowed, Unreadable.
    """
    try:
        known = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise Unreadable("Its host is not known.") from None
    fit = [address for address in known if private or is_public(address)]
    if len(fit) < len(known) or not fit:
        raise NotAllowed("Its host is at an address that is not public. LOSSARY_PRIVATE_HOSTS names those that may be.")
    return fit[0]


class _Pinned(http.client.HTTPConnection):
    """A connection to an IP address that was resolved before."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S)
        self._address, self._context = address, context

    def connect(self) -> None:
        """Connect, and verify the certificate of the host for https."""
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host) if self._context else plain


class HttpFile(io.RawIOBase):
    """A seekable file at an http(s) address.

    The constructor raises NotAllowed and Unreadable.
    """

    _connection: _Pinned | None = None

    def __init__(self, scheme: str, host: str, path: str, *, private: bool) -> None:
        super().__init__()
        name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "")
        secure = scheme == "https"
        number = int(port or (443 if secure else 80))
        address = resolved(name.strip("[]"), number, private=private)
        context = ssl.create_default_context() if secure else None
        self._connection = _Pinned(name.strip("[]"), number, address, context)
        self._path, self._at = path, 0
        self.size, self.changed = self._head()

    def _head(self) -> tuple[int, str]:
        """Return the length of the file and its validator (ETag or Last-Modified)."""
        headers, _ = self._get(0, 0)
        total = headers.get("content-range", "").rpartition("/")[2]
        if not total.isdigit():
            raise Unreadable("Its server does not say how long the file is.")
        return int(total), headers.get("etag") or headers.get("last-modified") or ""

    def _get(self, first: int, last: int) -> tuple[dict[str, str], bytes]:
        """Return the headers and the bytes of a range; one retry where the server closed an idle connection.

        Raises: NotAllowed, Unreadable.
        """
        try:
            try:
                answer = self._asked(first, last)
            except http.client.RemoteDisconnected:  # it closes connections that it has kept for long enough
                answer = self._asked(first, last)
            if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
                raise NotAllowed("It redirects elsewhere. Name where it leads.")
            if answer.status != HTTPStatus.PARTIAL_CONTENT:
                raise Unreadable(
                    f"Its server answers {answer.status}, where 206 is wanted, a part of the file. Upload it."
                )
            data = answer.read(last - first + 2)
        except (OSError, http.client.HTTPException):
            raise Unreadable("Its server does not answer as HTTP has it.") from None
        if len(data) > last - first + 1:
            raise Unreadable("Its server sends more than was asked for.")
        return {name.lower(): value for name, value in answer.getheaders()}, data

    def _asked(self, first: int, last: int) -> http.client.HTTPResponse:
        """Send the request for a range of bytes, and return the response."""
        headers = {"Range": f"bytes={first}-{last}", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        connection = self._connection
        if connection is None:
            raise ValueError("the file is closed")
        connection.request("GET", self._path, headers=headers)
        return connection.getresponse()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - io's
        size = min(len(buffer), self.size - self._at)
        if size <= 0:
            return 0
        _, data = self._get(self._at, self._at + size - 1)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
