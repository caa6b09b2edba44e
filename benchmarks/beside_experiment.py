"""Small requests while an experiment runs, against the same without one, in turns: make bench-experiment-beside.

One client asks one small evaluation after another on a connection that is kept. An experiment is asked for, the same
number of requests is timed once it trains, and it is cancelled; and so on. Ends with 1 where the p99 of those beside
an experiment is above 1.5 times that of the others.
"""

import argparse
import sys
import tempfile
import time

import httpx
import numpy as np

BODY = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}
ROWS, COLUMNS = 5000, 20
MOST = 1.5  # times; what the requirements allow
PATIENCE_S = 120.0


def table() -> str:
    """Return a table of numbers with a target column, as CSV."""
    draw = np.random.default_rng(0)
    features = draw.normal(size=(ROWS, COLUMNS))
    target = features @ draw.normal(size=COLUMNS) + draw.standard_t(3, size=ROWS)
    names = ",".join([*(f"x{place}" for place in range(COLUMNS)), "y"])
    lines = [",".join(f"{value:.5g}" for value in row) for row in np.column_stack([features, target])]
    return "\n".join([names, *lines]) + "\n"


def timed(http: httpx.Client, requests: int) -> list[float]:
    """Return the times of small evaluations, in ms."""
    took = []
    for _ in range(requests):
        begun = time.perf_counter()
        http.post("/v1/evaluate", json=BODY).raise_for_status()
        took.append(1e3 * (time.perf_counter() - begun))
    return took


def trains(http: httpx.Client, place: str) -> None:
    """Return once an experiment trains its second unit, so that imports are finished."""
    deadline = time.monotonic() + PATIENCE_S
    while not (shown := http.get(place).raise_for_status().json())["progress"]["done"]:
        if time.monotonic() > deadline or shown["status"] not in ("queued", "running"):
            raise TimeoutError(shown["status"])
        time.sleep(0.1)


def main() -> None:
    """Measure a service that is started for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1000)
    asked = parser.parse_args()

    from tests.service.processes import serving  # noqa: PLC0415 - a program of ours beside the tests' own helper

    alone: list[float] = []
    beside: list[float] = []
    with (
        tempfile.TemporaryDirectory() as data,
        serving(LOSSARY_DATA=data) as server,
        httpx.Client(base_url=server.url, timeout=PATIENCE_S) as http,
    ):
        sent = http.post("/v1/datasets", content=table(), headers={"content-type": "text/csv"}).raise_for_status()
        question = {"dataset": sent.json()["id"], "target": "y", "repeats": 10, "budget_seconds": 3600}
        timed(http, asked.requests)
        for _ in range(asked.rounds):
            alone += timed(http, asked.requests)
            place = http.post("/v1/experiments", json=question).raise_for_status().headers["location"]
            trains(http, place)
            beside += timed(http, asked.requests)
            http.post(f"{place}/cancel").raise_for_status()
            time.sleep(2)  # in which the worker sees it
    ratio = np.percentile(beside, 99) / np.percentile(alone, 99)
    for name, took in (("alone", alone), ("beside an experiment", beside)):
        median, last = np.percentile(took, [50, 99])
        print(f"{name}: {len(took)} small evaluations, p50 {median:.2f} ms, p99 {last:.2f} ms")
    print(f"p99 beside an experiment is {ratio:.2f} times that without (at most {MOST:g}).")
    sys.exit(bool(ratio > MOST))


if __name__ == "__main__":
    main()
