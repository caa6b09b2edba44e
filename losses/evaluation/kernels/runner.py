"""Calls a compiled kernel through the C interface of AOTInductor, which lets other threads run meanwhile.

torch's own binding of these functions holds the interpreter lock during the call. Source: torch's headers
aoti_runtime/interface.h and aoti_torch/c/shim.h.
"""

import ctypes
import math
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

import torch
from torch import Tensor

AT_ONCE = 8  # calls of one kernel that run side by side
_Handle, _Size, _Int = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int32
_BYTES = ctypes.sizeof(_Handle)
_CPU = 0  # the device type


@cache
def _torch() -> ctypes.CDLL:
    """Return torch's shared library, with the functions that pass tensors."""
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
    pointer = ctypes.POINTER(_Handle)
    lengths = ctypes.POINTER(ctypes.c_int64)
    library.aoti_torch_create_tensor_from_blob.argtypes = [
        *(_Handle, ctypes.c_int64, lengths, lengths, ctypes.c_int64, _Int, _Int, _Int, _Handle)
    ]
    library.aoti_torch_get_data_ptr.argtypes = [_Handle, pointer]
    library.aoti_torch_get_numel.argtypes = [_Handle, lengths]
    library.aoti_torch_delete_tensor_object.argtypes = [_Handle]
    return library


@cache
def _dtype_codes() -> dict[torch.dtype, int]:
    """Return torch's numeric codes of the dtypes."""
    names = ("float32", "float64", "int64", "int32", "uint8", "bool")
    return {getattr(torch, name): getattr(_torch(), f"aoti_torch_dtype_{name}")() for name in names}


class Runner:
    """One shared library: takes contiguous CPU tensors, and returns one vector of float64."""

    def __init__(self, path: Path) -> None:
        """Load the library.

        Raises: OSError where it cannot be loaded.
        """
        self._library = ctypes.CDLL(str(path))
        self._library.AOTInductorModelContainerRun.argtypes = [
            *(_Handle, ctypes.POINTER(_Handle), _Size, ctypes.POINTER(_Handle), _Size, _Handle, _Handle)
        ]
        self._library.AOTInductorModelContainerCreateWithDevice.argtypes = [
            *(ctypes.POINTER(_Handle), _Size, ctypes.c_char_p, ctypes.c_char_p)
        ]
        self._container = _Handle()
        if self._library.AOTInductorModelContainerCreateWithDevice(
            ctypes.byref(self._container), AT_ONCE, b"cpu", None
        ):
            raise OSError(f"{path} holds no kernel")

    def __call__(self, tensors: Sequence[Tensor], last: Sequence[float]) -> list[float] | None:
        """Return the result of the kernel for the tensors and a last one of these float64; None where it fails."""
        count = len(tensors) + 1
        handles, result = (_Handle * count)(), (_Handle * 1)()
        for place, tensor in enumerate(tensors):
            _point(handles, place, tensor.data_ptr(), tensor.shape, tensor.dtype)
        numbers = (ctypes.c_double * len(last))(*last)
        _point(handles, len(tensors), ctypes.addressof(numbers), (len(last),), torch.float64)
        if self._library.AOTInductorModelContainerRun(self._container, handles, count, result, 1, None, None):
            return None
        library, data, numel = _torch(), _Handle(), ctypes.c_int64()
        library.aoti_torch_get_data_ptr(result[0], ctypes.byref(data))
        library.aoti_torch_get_numel(result[0], ctypes.byref(numel))
        values = list((ctypes.c_double * numel.value).from_address(data.value or 0))
        library.aoti_torch_delete_tensor_object(result[0])
        return values


def _point(
    handles: "ctypes.Array[ctypes.c_void_p]", place: int, address: int, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    """Set one of the handles, which the kernel releases, to a contiguous tensor in memory."""
    ndim, lengths, strides = _lengths(shape)
    _torch().aoti_torch_create_tensor_from_blob(
        *(address, ndim, lengths, strides, 0, _dtype_codes()[dtype], _CPU, 0, ctypes.byref(handles, place * _BYTES))
    )


@lru_cache(256)  # the same few come again and again
def _lengths(shape: tuple[int, ...]) -> "tuple[int, ctypes.Array[ctypes.c_int64], ctypes.Array[ctypes.c_int64]]":
    """Return the number of axes, the lengths and the strides of a contiguous tensor, as C takes them."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    as_array = ctypes.c_int64 * len(shape)
    return len(shape), as_array(*shape), as_array(*strides)
