"""Which bytes hold arrays: every file of this folder with a FORMAT, found by walking it."""

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from pydantic import BaseModel
from torch import Tensor

import service.uploads.formats
from losses.errors import MissingInput
from service.problems import BadRequest, UnsupportedFormat

Buffer = bytearray | memoryview
Arrays = Iterator[tuple[str | None, Tensor]]


@dataclass(frozen=True)
class Format:
    """One way to write arrays down.

    `read` takes what the bytes are called, the bytes, and the most bytes they may become; it yields arrays with their
    names, where the format has names, and refuses before it allocates. `write` takes arrays by name and the JSON of
    the answer they belong to.
    """

    suffix: str
    media: str
    begins: Callable[[Buffer], bool]
    read: Callable[[str, Buffer, int], Arrays]
    write: Callable[[Mapping[str, Tensor], bytes], bytes]
    inflates: int = 1  # the most bytes that one byte may become


@cache
def formats() -> dict[str, Format]:
    """Return every format by the media type of its body."""
    names = [module.name for module in pkgutil.iter_modules(service.uploads.formats.__path__)]
    modules = [import_module(f"{service.uploads.formats.__name__}.{name}") for name in names if name != "registry"]
    found: list[Format] = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return {entry.media: entry for entry in sorted(found, key=lambda entry: entry.suffix)}


def accepted(accept: str) -> Format | None:
    """Return the format that an Accept header names; None where it names none, and JSON will do."""
    if not accept or accept == "*/*":
        return None
    wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return next((formats()[media] for media in wanted if media in formats()), None)


def answered(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI response of an answer that is JSON of this model, or arrays."""
    files = {media: {"schema": {"type": "string", "format": "binary"}} for media in formats()}
    return {200: {"model": model, "description": "The results in the order asked.", "content": files}}


def size(data: Buffer) -> int:
    """Return the most bytes that these may become."""
    return len(data) * next((entry.inflates for entry in formats().values() if entry.begins(data)), 1)


def one(role: str, data: Buffer, limit: int) -> Tensor:
    """Return the array of a file that was sent as one role; of several in it, the one named for the role.

    Raises: UnsupportedFormat where no format begins like this, and what the format raises.
    """
    entry = next((entry for entry in formats().values() if entry.begins(data)), None)
    if entry is None:
        suffixes = [entry.suffix for entry in formats().values()]
        raise UnsupportedFormat(
            f"{role} is none of {', '.join(suffixes)}. Write one with numpy.save; pickles and .pt files are never "
            "opened.",
            suffixes,
        )
    arrays = list(entry.read(role, data, limit))
    if len(arrays) == 1:
        return arrays[0][1]
    named = dict(arrays)
    if role not in named:
        raise BadRequest(f"{role}: the file holds {len(arrays)} arrays and none is called {role}.", role=role)
    return named[role]


def many(entry: Format, data: Buffer, limit: int, order: tuple[str, ...]) -> dict[str, Tensor]:
    """Return the arrays of a whole body by role; arrays without names are the roles of `order`, one after the other.

    Raises: MissingInput where fewer come than `order` names, BadRequest where more do.
    """
    arrays = list(entry.read("The body", data, limit))
    if all(name is None for name, _ in arrays):
        if len(arrays) > len(order):
            wanted = ", ".join(order)
            raise BadRequest(f"The body holds {len(arrays)} arrays for {wanted}; name them with roles=, in order.")
        if len(arrays) < len(order):
            raise MissingInput("This", order[len(arrays)], order)
        return dict(zip(order, (tensor for _, tensor in arrays), strict=True))
    return {name: tensor for name, tensor in arrays if name is not None}
