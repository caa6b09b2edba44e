"""Arrays as uploads."""

import io

import numpy as np
from numpy.typing import ArrayLike

Part = tuple[str | None, bytes | str]
Files = dict[str, Part]


def npy(values: ArrayLike, dtype: str | None = None, *, fortran: bool = False) -> Part:
    """Return an array as the .npy file of one part."""
    array = np.asarray(values, dtype)
    return "array.npy", npy_body(np.asfortranarray(array) if fortran else array)


def npy_body(*arrays: ArrayLike) -> bytes:
    """Return arrays as .npy files one after the other."""
    buffer = io.BytesIO()
    for array in arrays:
        np.save(buffer, array)
    return buffer.getvalue()


def npz_body(**arrays: np.ndarray) -> bytes:
    """Return arrays as numpy.savez writes them."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type] # as mypy reads it, one could be allow_pickle
    return buffer.getvalue()
