"""The import of torch's compiler, which warns of torch's own use of what torch has deprecated."""

import warnings
from functools import cache
from importlib import import_module


@cache
def import_compiler() -> None:
    """Import what torch.compile imports on first use, so that it warns nobody and is no error under `-W error`.

    It takes some seconds. Call it before threads start, since the filters of warnings are those of the process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import_module("torch._inductor.compile_fx")
