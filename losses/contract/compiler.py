"""The import of torch's compiler without its DeprecationWarning, which would be an error under `-W error`."""

import warnings
from functools import cache
from importlib import import_module


@cache
def import_compiler() -> None:
    """Import what torch.compile imports on first use, its warnings filtered.

    It takes some seconds. Call it before threads start: warning filters are global to the process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import_module("torch._inductor.compile_fx")
