"""10,000 recommendations as one batch, against a request each on one connection: python -m benchmarks.data.batch."""

import argparse
import http.client
import json
import statistics
import time
from typing import Any

import httpx

from tests.service.processes import serving

NDJSON = {"content-type": "application/x-ndjson"}


def questions(count: int) -> list[dict[str, Any]]:
    """Return distinct questions."""
    regression = [
        {"task": "regression", "profile": {"outlier_rate": k / count, "n": 5000 + k, "residual_scale": 1 + k / 1000}}
        for k in range(0, count, 2)
    ]
    binary = [
        {"task": "binary", "profile": {"class_imbalance": 2 + k / 100, "n": 5000 + k}} for k in range(1, count, 2)
    ]
    return [question for pair in zip(regression, binary, strict=True) for question in pair]


def one_by_one(kept: httpx.Client, listed: list[dict[str, Any]]) -> float:
    """Return the ms for each question on one persistent connection."""
    started = time.perf_counter()
    for question in listed:
        kept.post("/v1/recommend", json=question).raise_for_status()
    return 1e3 * (time.perf_counter() - started) / len(listed)


def on_new_connections(port: int, listed: list[dict[str, Any]]) -> float:
    """Return the ms for each question on a new connection, as with curl or `requests.post`."""
    started = time.perf_counter()
    for question in listed:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/v1/recommend", json.dumps(question), {"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()
    return 1e3 * (time.perf_counter() - started) / len(listed)


def batched(kept: httpx.Client, listed: list[dict[str, Any]]) -> float:
    """Return the ms for each question in one batch."""
    lines = "".join(json.dumps({"recommend": question}) + "\n" for question in listed).encode()
    started = time.perf_counter()
    answers = kept.post("/v1/batch", content=lines, headers=NDJSON).content.splitlines()
    elapsed = time.perf_counter() - started
    if len(answers) != len(listed) or not all(answer.startswith(b'{"recommend":') for answer in answers):
        raise SystemExit("The batch was not answered.")
    return 1e3 * elapsed / len(listed)


def main() -> None:
    """Print the time of a question for each method, in alternation, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    listed = questions(asked.count)
    alone = listed[: max(1, asked.count // 10)]  # enough for the time of each
    rounds = []
    with serving() as server, httpx.Client(base_url=server.url, timeout=600) as kept:
        for _ in range(asked.rounds):
            rounds.append((one_by_one(kept, alone), on_new_connections(server.port, alone), batched(kept, listed)))
            single, new, batch = rounds[-1]
            print(f"ms a question: {single:.2f} one by one, {new:.2f} on new connections, {batch:.2f} in a batch")
    by_kept = statistics.median(single / batch for single, _, batch in rounds)
    by_new = statistics.median(new / batch for _, new, batch in rounds)
    print(f"{asked.count} recommendations in a batch: {by_kept:.1f} times as fast as one by one, {by_new:.1f} as anew")


if __name__ == "__main__":
    main()
