"""curl: JSON, forms, files, --http2 (which asks for an upgrade), chunks, compression, and bodies that expect a 100."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.clients.running import MSE, Say, program

JSON = ("-H", "Content-Type: application/json", "-d", '{"loss":"mse","predictions":[1,2],"targets":[0,0]}')
CALLS: dict[str, tuple[tuple[str, ...], float]] = {
    "json": (JSON, 2.5),
    "--json": (("--json", JSON[-1]), 2.5),
    "--http2": (("--http2", *JSON), 2.5),
    "--http1.0": (("--http1.0", *JSON), 2.5),
    "-F": (("-F", "loss=mse", "-F", "predictions=@z.npy", "-F", "targets=@y.npy"), MSE),
    "--http2 -F": (("--http2", "-F", "loss=mse", "-F", "predictions=@z.npy", "-F", "targets=@y.npy"), MSE),
    "--data-binary": (("-H", "Content-Type: application/x-npy", "--data-binary", "@both.npy"), MSE),
    "1.6 MB, Expect: 100-continue": (("-H", JSON[1], "--data-binary", "@big.json"), 1.0),
    "1.6 MB, --http2": (("--http2", "-H", JSON[1], "--data-binary", "@big.json"), 1.0),
    "1.6 MB, chunks": (("-H", JSON[1], "-H", "Transfer-Encoding: chunked", "--data-binary", "@big.json"), 1.0),
    "--compressed": (("--compressed", *JSON), 2.5),
}


@pytest.mark.parametrize(("flags", "value"), CALLS.values(), ids=CALLS)
def test_curl(url: str, files: Path, say: Say, flags: tuple[str, ...], value: float) -> None:
    call = [program("curl"), "-sS", "--max-time", "60", "-w", "\n%{http_code} HTTP/%{http_version}", *flags]
    done = subprocess.run(  # noqa: S603 - curl of the system
        [*call, f"{url}/v1/evaluate?loss=mse" if "both.npy" in " ".join(flags) else f"{url}/v1/evaluate"],
        cwd=files,
        capture_output=True,
        text=True,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    say(f"{status}, value {json.loads(body)['results'][0]['value']}")

    assert status.startswith("200")
    assert json.loads(body)["results"][0]["value"] == pytest.approx(value)


def test_curl_sends_two_requests_over_one_connection_after_an_upgrade_that_is_not_taken(url: str, say: Say) -> None:
    one = ["--http2", *JSON, f"{url}/v1/evaluate", "-o", "/dev/null", "-w", "%{http_code} %{num_connects} "]
    done = subprocess.run(  # noqa: S603 - curl of the system
        [program("curl"), "-sS", *one, "--next", *one], capture_output=True, text=True, check=True
    )
    say(done.stdout.strip())

    assert done.stdout.split() == ["200", "1", "200", "0"]
