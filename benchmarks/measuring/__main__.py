"""How fast a profile is measured: passes over the arrays, each against one blocked histogram of the same arrays.

Every case runs in a process of its own, with one thread. `make bench-profile`, or
`python -m benchmarks.measuring [MILLIONS]`.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recommender.measure import measure_profile
from recommender.measure.numbers.residual_blocks import BLOCK, ResidualStream
from recommender.measure.numbers.residual_scores import summarise
from recommender.measure.numbers.target_values import amounts

MILLION = 1_000_000
MILLIONS = 64
BINS, REACH = 1024, 6.0  # of the histogram, in standard deviations to either side
TRIES = 3
CASES = {
    "float32 residuals": (torch.float32, False),
    "float32 targets and predictions": (torch.float32, True),
    "float64 residuals": (torch.float64, False),
    "bfloat16 residuals": (torch.bfloat16, False),
}


def normal(n: int, dtype: torch.dtype, seed: int) -> Tensor:
    """Return normal numbers, generated a million at a time so that no large temporary remains."""
    numbers, generator = torch.empty(n, dtype=dtype), torch.Generator().manual_seed(seed)
    for start in range(0, n, MILLION):
        numbers[start : start + MILLION] = torch.randn(min(MILLION, n - start), generator=generator)
    return numbers


def histogram(values: Tensor) -> np.ndarray:
    """Return counts in equal bins, block by block: faster here than numpy.histogram and torch.histc."""
    counts = np.zeros(BINS, dtype=np.int64)
    for start in range(0, values.numel(), BLOCK):
        block = values[start : start + BLOCK]
        numbers = (block.float() if block.dtype == torch.bfloat16 else block).numpy()
        places = ((numbers + REACH) * (BINS / (2 * REACH))).astype(np.int32)
        np.clip(places, 0, BINS - 1, out=places)
        counts += np.bincount(places, minlength=BINS)
    return counts


def library_histogram(values: Tensor) -> Tensor:
    """Return the same by torch.histc."""
    counts = torch.zeros(BINS)
    for start in range(0, values.numel(), BLOCK):
        counts += torch.histc(values[start : start + BLOCK].float(), BINS, -REACH, REACH)
    return counts


def seconds(work: Callable[[], object], tries: int = TRIES) -> float:
    """Return the least of several wall-clock times."""
    times = []
    for _ in range(tries):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def resident_mb(key: str) -> float:
    """Return the memory of this process in MB: VmRSS now, or VmHWM at its highest."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024 / MILLION


def growth_mb(work: Callable[[], object]) -> float:
    """Return by how much the memory's peak grows during some work."""
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    before = resident_mb("VmRSS")
    work()
    return resident_mb("VmHWM") - before


def passes(arrays: list[Tensor]) -> int:
    """Return how often all arrays are read."""
    stream = ResidualStream(*arrays)
    with np.errstate(all="ignore"):
        amounts(stream)
        summarise(stream)
    return 1 + stream.passes


def case(name: str, n: int) -> None:
    """Print one line."""
    dtype, paired = CASES[name]
    torch.set_num_threads(1)
    arrays = [normal(n, dtype, seed) for seed in range(1 + paired)]
    measure_profile("regression", *[array[:1000] for array in arrays])  # so that libraries are loaded
    grown = growth_mb(lambda: measure_profile("regression", *arrays))
    once = seconds(lambda: [histogram(array) for array in arrays])
    library = seconds(lambda: [library_histogram(array) for array in arrays], tries=1)
    total = seconds(lambda: measure_profile("regression", *arrays))
    read = passes(arrays)
    print(
        f"{name:32} {n / MILLION:5.0f} M {once:8.3f} s {library:8.3f} s {read:6} {total:8.3f} s"
        f" {total / read / once:8.2f} {grown:8.1f} MB",
        flush=True,
    )


def small() -> None:
    """Print how long a profile of 200 residuals takes."""
    torch.set_num_threads(1)
    pair = [normal(200, torch.float32, seed) for seed in range(2)]
    measure_profile("regression", *pair)
    print(f"200 targets and predictions: {1e3 * seconds(lambda: measure_profile('regression', *pair), 200):.2f} ms")


def main() -> None:
    """Run every case in a process of its own."""
    millions = sys.argv[1] if len(sys.argv) > 1 else str(MILLIONS)
    print(f"{'':32} {'n':>7} {'histogram':>10} {'histc':>10} {'passes':>6} {'profile':>10} {'ratio':>8} {'growth':>11}")
    for name in (*CASES, "small"):
        command = [sys.executable, "-m", "benchmarks.measuring", millions, name]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})  # noqa: S603 - ourselves
    print("ratio: seconds of a pass of the profile over seconds of a histogram of the same arrays; growth: of memory")


if __name__ == "__main__":
    if sys.argv[2:] == ["small"]:
        small()
    elif sys.argv[2:]:
        case(sys.argv[2], int(float(sys.argv[1]) * MILLION))
    else:
        main()
