"""A refusal with an HTTP status of its own, and the type and status of every kind of refusal."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from losses.errors import Refusal

IANA = "https://iana.org/assignments/http-problem-types#"  # draft-ietf-httpapi-ratelimit-headers-11


class HttpRefusal(Refusal):
    """A refusal with an HTTP status of its own."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    registered = False  # its type is one of IANA's, not of ours
    slug: str | None = None  # the last part of its type, where the class does not name it
    headers: Mapping[str, str] = MappingProxyType({})


def slug(kind: type[Refusal]) -> str:
    """Return the last part of the problem's type, such as shape-mismatch for ShapeMismatch."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("-")


def type_of(kind: type[Refusal]) -> str:
    """Return the problem type (a URI) of a kind of refusal."""
    name = (issubclass(kind, HttpRefusal) and kind.slug) or slug(kind)
    return f"{IANA}{name}" if issubclass(kind, HttpRefusal) and kind.registered else f"urn:lossary:{name}"


def http_status(kind: type[Refusal]) -> int:
    """Return the HTTP status of a kind of refusal."""
    return int(kind.status) if issubclass(kind, HttpRefusal) else int(HTTPStatus.UNPROCESSABLE_ENTITY)
