"""How near evaluation on a CUDA device comes to its memory and to its link: make bench-gpu.

Resident inputs are held against a copy of the same bytes on the device, inputs of the host against a copy of pinned
memory to it. Each figure is the median of rounds in which both sides take turns.
"""

import statistics
import sys
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from service.compute.runtime import CUDA_CHUNK_ELEMENTS

NUMBERS = 1 << 28  # 1 GiB in float32, twice
ROUNDS = 9
RESIDENT = ("mse", "mae", "huber", "bce", "log_cosh", "quantile")
CUDA = torch.device("cuda")


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that work on the device takes."""
    torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def in_turn(*sides: Callable[[], object]) -> list[float]:
    """Return the median time of each side; the first round warms up."""
    rounds = [[seconds(side) for side in sides] for _ in range(ROUNDS + 1)][1:]
    return [statistics.median(side) for side in zip(*rounds, strict=True)]


def main() -> None:
    """Measure and print."""
    if not torch.cuda.is_available():
        sys.exit("No CUDA device is here, so nothing can be measured.")
    options = Options(device=CUDA, chunk_elements=CUDA_CHUNK_ELEMENTS)
    host = {role: torch.rand(NUMBERS) for role in ("predictions", "targets")}
    there = {role: tensor.to(CUDA) for role, tensor in host.items()}
    room, moved = torch.empty_like(there["targets"]), 2 * NUMBERS * 4  # bytes read, or read and written
    table = Table("inputs", "loss", "evaluated", "copied", "share", title=torch.cuda.get_device_name())

    def row(where: str, loss: str, ours: float, copy: float) -> None:
        rates = [f"{moved / took / 1e9:,.0f} GB/s" for took in (ours, copy)]
        table.add_row(where, loss, *rates, f"{copy / ours:.0%}")

    for loss in RESIDENT:
        objective = parse(loss)
        ours, copy = in_turn(
            lambda: evaluate(objective, there, options=options),  # noqa: B023 - called before the next round
            lambda: room.copy_(there["predictions"]),
        )
        row("on the device", loss, ours, copy)
    pinned = {role: tensor.pin_memory() for role, tensor in host.items()}
    link = in_turn(lambda: [room.copy_(tensor, non_blocking=True) for tensor in pinned.values()])[0]
    for where, given in (("pinned", pinned), ("pageable", host)):
        (ours,) = in_turn(lambda: evaluate(parse("mse"), given, options=options))  # noqa: B023 - the same
        row(where, "mse", ours, link)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
