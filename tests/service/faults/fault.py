"""What a client can do wrong, and the answer it gets. The ids are those of the fault catalogue this table grew from."""

import io
import json
import pickle
import struct
import zipfile
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from tests.service.files import npy_body

EVALUATE, RECOMMEND, PROFILE = "/v1/evaluate", "/v1/recommend", "/v1/profile"
JSON, NPY, NPZ, SAFETENSORS = "application/json", "application/x-npy", "application/x-npz", "application/x-safetensors"


@dataclass(frozen=True)
class Fault:
    """One request, and what must come back: the status, the last part of the problem's type, words of its detail.

    `instead` says why the answer is another than the catalogue's.
    """

    id: str
    what: str
    status: int
    kind: str | None = None
    says: str = ""
    path: str = EVALUATE
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    instead: str = ""

    def __str__(self) -> str:
        return f"{self.id} {self.what}"


def as_json(id_: str, what: str, body: object, status: int, **more: str) -> Fault:
    """Return a fault in a JSON body: an object, or text as it stands."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Fault(id_, what, status, headers={"content-type": JSON}, body=data, **more)


def as_file(id_: str, what: str, body: bytes, status: int, *, media: str = NPY, **more: str) -> Fault:
    """Return a fault in a body of arrays; evaluated as mse unless the path says otherwise."""
    path = more.pop("path", f"{EVALUATE}?loss=mse")
    return Fault(id_, what, status, path=path, headers={"content-type": media}, body=body, **more)


def multipart(*parts: tuple[str, bytes], boundary: str = "b", end: bool = True) -> bytes:
    """Return parts as they are between boundaries: the headers of each as one text, then its bytes."""
    body = b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + data + b"\r\n" for head, data in parts)
    return body + (f"--{boundary}--\r\n".encode() if end else b"")


def named(name: str, filename: str | None = None, more: str = "") -> str:
    """Return the headers of a part."""
    file = f'; filename="{filename}"' if filename is not None else ""
    return f'Content-Disposition: form-data; name="{name}"{file}{more}'


def npy(values: ArrayLike, dtype: str | None = None) -> bytes:
    """Return an array as a .npy file."""
    return npy_body(np.asarray(values, dtype))


def npy_like(
    descr: str = "'<f8'", shape: str = "(1,)", numbers: bytes = b"\0" * 8, version: int = 1, padding: int = 0
) -> bytes:
    """Return a .npy file whose header says anything."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode() + b" " * padding
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + numbers


def npz(members: dict[str, bytes], compress: int = zipfile.ZIP_STORED) -> bytes:
    """Return files as a zip, named with .npy."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compress) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def safetensors(header: object, numbers: bytes = b"", length: int | None = None) -> bytes:
    """Return a .safetensors file whose header says anything."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + numbers


class Marker:
    """Unpickled, it would write a file."""

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (MARKER, "w")


MARKER = "lossary-was-unpickled"
PICKLE = pickle.dumps(Marker())
OK = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}
