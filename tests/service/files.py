"""Arrays as uploads."""

import io

import numpy as np
from numpy.typing import ArrayLike

Part = tuple[str | None, bytes | str]
Files = dict[str, Part]


def npy(values: ArrayLike, dtype: str | None = None, *, fortran: bool = False) -> Part:
    """Return an array as the .npy file of one part."""
    buffer = io.BytesIO()
    array = np.asarray(values, dtype)
    np.save(buffer, np.asfortranarray(array) if fortran else array)
    return "array.npy", buffer.getvalue()
