"""Real tables that ship inside packages; none is copied into this repository."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Features (n, d) and a target (n). Tables of one `cluster` share rows or origin: they are no two witnesses."""

    name: str
    cluster: str
    features: Array
    targets: Array
    taken: None = field(default=None, kw_only=True)  # of lists: which places are taken


def package(name: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed; make regret installs what the benchmark needs.")
    return Path(spec.origin).parent
