"""The HTTP request of each method: pure functions, shared by both clients."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lossary.packing import Payload, file_of, packed


class ApiRequest(NamedTuple):
    """One request to the service.

    Attributes:
        method: The HTTP method.
        path: The path, which starts with a slash.
        params: The query parameters.
        headers: Headers besides those of the client.
        content: The body as bytes; None without one, or where `json` is set.
        json: The body as a JSON object.
        safe: Whether it may be sent again where it is unknown whether it arrived.
    """

    method: str
    path: str
    params: dict[str, str | list[str]]
    headers: dict[str, str]
    content: bytes | None = None
    json: Any = None
    safe: bool = True


def get(path: str, **params: object) -> ApiRequest:
    """Return a GET request; parameters that are None are left out."""
    stated: dict[str, str | list[str]] = {name: str(value) for name, value in params.items() if value is not None}
    return ApiRequest("GET", path, stated, {})


def post(
    path: str, body: Mapping[str, Any], *, safe: bool = True, headers: Mapping[str, str] | None = None
) -> ApiRequest:
    """Return a POST request with a JSON body; members that are None are left out."""
    stated = {name: value for name, value in body.items() if value is not None}
    return ApiRequest("POST", path, {}, dict(headers or {}), json=stated, safe=safe)


def upload(path: str, body: Payload) -> ApiRequest:
    """Return a POST request with a packed body."""
    return ApiRequest("POST", path, body.params, {"content-type": body.media}, content=body.content)


def evaluate(
    loss: str | Sequence[str],
    data: Any,  # noqa: ANN401 - a frame or a path
    roles: Mapping[str, str] | None,
    dataset: str | None,
    options: Mapping[str, Any],
    arrays: Mapping[str, Any],
) -> ApiRequest:
    """Return the request that evaluates objectives.

    Args:
        loss: One objective, or several.
        data: A path, bytes of a CSV file, or a data frame; None where `arrays` or `dataset` are used.
        roles: Which columns or arrays of `data` are which inputs.
        dataset: The id of a dataset in place of arrays.
        options: The options of POST /v1/evaluate.
        arrays: The arrays by role.
    """
    fields = {
        "loss": loss if isinstance(loss, str) else list(loss),
        "dataset": dataset,
        "options": dict(options) or None,
    }
    return upload("/v1/evaluate", packed(data, roles, fields, arrays))


def dataset(data: Any) -> ApiRequest:  # noqa: ANN401 - a frame or a path
    """Return the request that uploads a dataset: a path, or a data frame."""
    content, media = file_of(data)
    return ApiRequest("POST", "/v1/datasets", {}, {"content-type": media}, content=content)
