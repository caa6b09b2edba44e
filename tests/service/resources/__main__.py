"""Random requests under a megabyte, one after the other, and what they take: make resources.

RESOURCES_SECONDS  for which requests are sent; 60 unless said otherwise
RESOURCES_SEED     of the requests; 0
"""

import os
import sys
import time
from collections import Counter
from http import HTTPStatus
from operator import attrgetter
from random import Random

from tests.service.processes import serving
from tests.service.resources.watching import MIB, Pulse, Taken, pulse, watched

SECONDS = float(os.environ.get("RESOURCES_SECONDS", "60"))
SEED = int(os.environ.get("RESOURCES_SEED", "0"))
COMPUTE_S, LATE_S = 2.0, 0.5
BESIDE = 64 * MIB  # by which memory may grow beyond what is reserved, and beyond 16 times the inputs
TIMES = 16
P99_MS, WORST_MS = 50.0, 250.0
SHOWN = 5  # requests that took most


def main() -> int:
    """Send them; say how many took too much."""
    taken: list[Taken] = []
    with serving(LOSSARY_COMPUTE_SECONDS=str(COMPUTE_S)) as server, watched(server) as asking, pulse(server) as health:
        random, end = Random(SEED), time.monotonic() + SECONDS
        while time.monotonic() < end:
            taken.append(asking.draw(random))
    broken = faults(taken, health)
    print(f"{len(taken)} requests: {dict(Counter(each.status for each in taken).most_common())}")
    print(f"/healthz: median {health.median:.1f} ms, p99 {health.p99:.1f}, worst {health.worst:.1f}")
    meanwhile = next((each for each in taken if each.ended > health.when), None)
    print(f"meanwhile: {str(meanwhile)[:1000]}")
    for name, key in (("memory", "grown"), ("computed for", "compute_ms")):
        print(f"\nmost {name}:")
        for each in sorted(taken, key=attrgetter(key))[-SHOWN:]:
            print(f"  {str(each)[:1000]}")
    for fault in broken:
        print(f"\n{fault[:2000]}")
    return len(broken)


def memory_faults(taken: list[Taken]) -> list[str]:
    """Return which requests took more memory than they may, or were answered by a fault of the service."""
    broken = []
    for each in taken:
        if each.status >= HTTPStatus.INTERNAL_SERVER_ERROR and each.status != HTTPStatus.GATEWAY_TIMEOUT:
            broken.append(f"a fault of the service: {each} {each.answer[:300]!r}")
        if each.grown > min(each.reserved, TIMES * each.arrays) + BESIDE:
            broken.append(f"more than was reserved, or 16 times what came and went: {each}")
    return broken


def faults(taken: list[Taken], health: Pulse) -> list[str]:
    """Return what is not as it should be, times included."""
    late = [f"past the deadline: {each}" for each in taken if each.compute_ms > 1e3 * (COMPUTE_S + LATE_S)]
    waited = health.p99 > P99_MS or health.worst > WORST_MS
    return memory_faults(taken) + late + [f"others waited too long: {health}"] * waited


if __name__ == "__main__":
    sys.exit(bool(main()))
