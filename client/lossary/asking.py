"""What each method asks of the service: pure, and shared by both clients."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lossary.packing import Payload, file_of, packed


class Asked(NamedTuple):
    """One request. `safe`: it can be sent again where nobody knows whether it arrived."""

    method: str
    path: str
    params: dict[str, str | list[str]]
    headers: dict[str, str]
    content: bytes | None = None
    json: Any = None
    safe: bool = True


def get(path: str, **params: object) -> Asked:
    """Return a GET; parameters that are None are left out."""
    stated: dict[str, str | list[str]] = {name: str(value) for name, value in params.items() if value is not None}
    return Asked("GET", path, stated, {})


def post(path: str, body: Mapping[str, Any], *, safe: bool = True, headers: Mapping[str, str] | None = None) -> Asked:
    """Return a POST of JSON; members that are None are left out."""
    stated = {name: value for name, value in body.items() if value is not None}
    return Asked("POST", path, {}, dict(headers or {}), json=stated, safe=safe)


def upload(path: str, body: Payload) -> Asked:
    """Return a POST of a body."""
    return Asked("POST", path, body.params, {"content-type": body.media}, content=body.content)


def evaluate(
    loss: str | Sequence[str],
    data: Any,  # noqa: ANN401 - a frame or a path
    roles: Mapping[str, str] | None,
    dataset: str | None,
    options: Mapping[str, Any],
    arrays: Mapping[str, Any],
) -> Asked:
    """Return the evaluation of objectives."""
    fields = {
        "loss": loss if isinstance(loss, str) else list(loss),
        "dataset": dataset,
        "options": dict(options) or None,
    }
    return upload("/v1/evaluate", packed(data, roles, fields, arrays))


def dataset(data: Any) -> Asked:  # noqa: ANN401 - a frame or a path
    """Return the upload of a dataset."""
    content, media = file_of(data)
    return Asked("POST", "/v1/datasets", {}, {"content-type": media}, content=content)
