"""Which addresses a dataset may name: only those below a prefix that the operator configured."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from losses.text import Text, listed
from service.problems import AddressNotAllowed, BadRequest

SCHEMES = ("file", "s3", "gs", "az", "https", "http")
LONGEST = 2048  # characters of an address
# Letters that mean nothing to a server or a shell: no escapes, user names, queries, fragments, backslashes, spaces.
PLAIN = re.compile(r"[A-Za-z0-9._~!$&'()+,;=:@*?\[\]/-]*")
GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Address:
    """An address that may be read; `prefix` is the configured prefix that allows it.

    Wildcards occur in the path only.
    """

    uri: str
    scheme: str
    host: str  # or bucket, or container; "" of a file
    path: str  # from the first slash on
    prefix: str
    private: bool  # whether the host may be at an address that is not public

    @property
    def root(self) -> str:
        """For a file address, the folder that must contain the file after links are resolved."""
        return urlsplit(self.prefix).path


def allowed(uri: str, prefixes: Sequence[str], private_hosts: Sequence[str]) -> Address:
    """Return the parsed address, if it may be read.

    Args:
        uri: The address that the caller sent.
        prefixes: The prefixes that the operator allows, such as s3://bucket/tables/.
        private_hosts: Host names whose IP address need not be public; an IP address within a prefix counts as named.

    Raises: BadRequest where the text is not an address, AddressNotAllowed where no prefix allows it.
    """
    if len(uri) > LONGEST or not PLAIN.fullmatch(uri):
        raise BadRequest(
            Text(
                "uri is no plain address: letters, digits and -._~/ alone, no escapes, query or user name.",
                "uri 不是普通地址:只能有字母、数字和 -._~/,不能有转义、查询或用户名。",
            )
        )
    scheme, _, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    path = slash + path
    if scheme not in SCHEMES or not slash or "@" in host or GLOB.search(host):
        begin = listed(f"{known}://" for known in SCHEMES)
        raise BadRequest(
            Text(
                f"uri begins with one of {begin.en}, and a place there.", f"uri 以 {begin.zh} 之一开头,后接其中的位置。"
            )
        )
    if any(segment in ("", ".", "..") for segment in path[1:].split("/")):
        raise BadRequest(
            Text(
                "uri names one or more files: no empty part, no . and no .. in it.",
                "uri 指明一个或多个文件:其中不能有空的部分、. 或 ..。",
            )
        )
    for prefix in prefixes:
        if _is_below(scheme, host, path, urlsplit(prefix)):
            named = urlsplit(prefix).hostname or ""
            return Address(uri, scheme, host, path, prefix, _is_number(named) or named in private_hosts)
    raise AddressNotAllowed(
        Text(
            "It is below none of the prefixes that LOSSARY_SOURCES names.",
            "它不在 LOSSARY_SOURCES 所列的任何前缀之下。",
        )
    )


def _is_below(scheme: str, host: str, path: str, prefix: SplitResult) -> bool:
    """Return whether an address is below a prefix."""
    same = (scheme, host) == (prefix.scheme, prefix.netloc) and bool(host or scheme == "file")
    return same and path.startswith(prefix.path.rstrip("/") + "/")


def _is_number(host: str) -> bool:
    """Return whether a host is written as an IP address."""
    return bool(re.fullmatch(r"[0-9.]+|[0-9a-f:]*:[0-9a-f:.]*", host))
