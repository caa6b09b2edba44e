"""Run every row, print the table and write it beside this file; exit 1 where a difference has no explanation."""

import importlib
import importlib.metadata
import os
import sys
import time
import warnings
from pathlib import Path

import torch

from benchmarks.conformance import report
from benchmarks.conformance.measure import Measured, measure
from benchmarks.conformance.table import Library, Row
from losses.errors import UnknownLoss

HERE = Path(__file__).parent
LIBRARIES = (
    Library(title="torch", package="torch", module="torch"),
    Library(title="Keras", package="keras", module="keras", backend="keras"),
    Library(title="optax", package="optax", module="optax", backend="jax"),
    Library(title="MONAI", package="monai", module="monai"),
    Library(title="smp", package="segmentation_models_pytorch", module="smp"),
    Library(title="kornia", package="kornia", module="kornia"),
    Library(title="PML", package="pytorch_metric_learning", module="pml"),
    Library(title="scikit-learn", package="scikit-learn", module="sklearn"),
    Library(title="torchvision", package="torchvision", module="torchvision"),
)


def rows_of(library: Library) -> tuple[list[Row], str]:
    """Return the rows of a library; none with the reason where it cannot be imported."""
    try:
        module = importlib.import_module(f"benchmarks.conformance.rows.{library.module}")
    except (ImportError, RuntimeError) as error:  # torchvision without its operators raises the latter
        return [], f"{type(error).__name__}: {error}"
    return module.ROWS, ""


def measured(row: Row, library: Library) -> Measured | None:
    """Return the measurement of a row; None where the catalogue has no such loss."""
    try:
        return measure(row, library.backend)
    except UnknownLoss:
        return None
    except Exception as error:  # noqa: BLE001 - whatever a library raises is the verdict of its row
        return Measured(row, [row.ours.partition("(")[0]], error=f"{type(error).__name__}: {error}".replace("\n", " "))


def main(chosen: list[str]) -> int:
    """Compare with the named libraries, or with all of them."""
    started = time.perf_counter()
    torch.set_num_threads(1)
    os.environ |= {"KERAS_BACKEND": "torch", "XLA_FLAGS": "--xla_backend_optimization_level=0"}
    warnings.simplefilter("ignore")
    results, absent, missing = [], {}, []
    for library in LIBRARIES:
        if chosen and library.title not in chosen:
            continue
        rows, why = rows_of(library)
        if why:
            absent[library.title] = why
        for row in rows:
            result = measured(row, library)
            if result is None:
                missing.append(f"{library.title}: {row.ours}")
            else:
                results.append((library, result))
    versions = {
        library.title: importlib.metadata.version(library.package)
        for library in LIBRARIES
        if any(library is of for of, _ in results)
    }
    outcome = report.Outcome(results, versions, absent, missing, time.perf_counter() - started)
    print(report.shown(outcome))
    if not chosen:
        report.write(outcome, HERE)
    return int(outcome.count("UNEXPLAINED") > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
