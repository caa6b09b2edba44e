"""One set of arrays in every kind of body, as the keywords of an httpx request."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.service.files import Files, npy

Body = dict[str, Any]


def as_json(arrays: Mapping[str, Any], **fields: object) -> Body:
    """Return a JSON object."""
    return {"json": {**fields, **arrays}}


def as_multipart(arrays: Mapping[str, Any], **fields: object) -> Body:
    """Return a form: a file an array, the fields in its request part."""
    request: Files = {"request": (None, json.dumps(fields))} if fields else {}
    return {"files": {**request, **{name: npy(values) for name, values in arrays.items()}}}


def as_bytes(suffix: str) -> Callable[[Mapping[str, Any]], Body]:
    """Return what makes a body of arrays alone."""

    def body(arrays: Mapping[str, Any]) -> Body:
        if suffix == "npy":
            content = b"".join(bytes(npy(values)[1]) for values in arrays.values())  # type: ignore[arg-type] # bytes
        else:
            buffer = io.BytesIO()
            np.savez(buffer, **{name: np.asarray(values) for name, values in arrays.items()})  # type: ignore[arg-type] # as mypy reads it, one could be allow_pickle
            content = buffer.getvalue()
        return {"content": content, "headers": {"Content-Type": f"application/x-{suffix}"}}

    return body
