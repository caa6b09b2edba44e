"""What the client costs, and what its command prints: make bench-client.

The client is installed in an environment of its own: its size, and how long `import lossary` takes there. There 200
advises go through it, and as many through httpx as one writes it by hand with a connection that is kept, in turns. Then
the command, at 80 columns: answers, a typo, a file that is missing, a service that is not there, a pipe, and JSON.
"""

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.service.processes import free_port, serving

ROOT = Path(__file__).parents[1]
MEBIBYTE = 1 << 20
IMPORTS = 9
TOOLS = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")  # of the environment itself
IMPORTED = "import time; begun = time.perf_counter(); import lossary; print(time.perf_counter() - begun)"
# Run in the environment of the client: medians in ms of so many advises each way, in turns of ten.
ADVISES = """
import json, statistics, sys, time
import httpx, lossary
body = {"task": "regression", "targets": [2.1, 3.9, 6.2, 7.8, 10.1, 40.0], "predictions": [2.0, 4, 6, 8, 10, 12]}
client, by_hand = lossary.Client(sys.argv[1]), httpx.Client(base_url=sys.argv[1])
ways = {
    "lossary": lambda: client.advise(**body).recommendation.recommended.objective,
    "httpx": lambda: by_hand.post("/v1/advise", json=body).json()["recommendation"]["recommended"]["objective"],
}
took = {way: [] for way in ways}
for way in ways.values():
    way()
for turn in range(20):
    for way in sorted(ways, reverse=turn % 2 == 0):
        for _ in range(10):
            begun = time.perf_counter()
            ways[way]()
            took[way].append(1e3 * (time.perf_counter() - begun))
print(json.dumps({way: [statistics.median(each), sum(each)] for way, each in took.items()}))
"""
TABLE = "label,y_pred\n" + "".join(f"{k},{k + (-1) ** k}\n" for k in range(40))


def measure_client(url: str, folder: Path) -> None:
    """Print the cost of the client where nothing else is installed."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)  # noqa: S603 - our own
    python = folder / "bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", ROOT / "client"], check=True, capture_output=True)  # noqa: S603 - the same
    packages = next(folder.glob("lib/python*/site-packages"))
    own = [path for path in packages.iterdir() if not path.name.startswith(TOOLS)]
    files = [file for path in own for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    size = sum(file.stat().st_size for file in files) / MEBIBYTE
    times = [float(_printed([python, "-c", IMPORTED])) for _ in range(IMPORTS)]
    print(f"installed: {size:.1f} MiB, {', '.join(sorted(path.stem for path in packages.glob('*.dist-info')))}")
    print(f"import lossary: {min(times):.3f} s, median of {IMPORTS} {statistics.median(times):.3f} s")
    ways = json.loads(_printed([python, "-c", ADVISES, url]))
    for way, (median, total) in ways.items():
        print(f"200 advises through {way}: {total / 1e3:.2f} s, median {median:.2f} ms")
    print(f"ratio of the medians: {ways['lossary'][0] / ways['httpx'][0]:.2f}")


def record_commands(url: str, folder: Path) -> None:
    """Print commands with their output on a screen of 80 columns, and their exit codes."""
    (folder / "predictions.csv").write_text(TABLE)
    gone = f"http://127.0.0.1:{free_port()}"
    roles = "--roles predictions:y_pred,targets:label"
    for command, address in (
        ("lossary recommend regression -f outlier_rate=0.08 -f residual_scale=2.1", url),
        (f"lossary evaluate predictions.csv -l mse -l 'smooth_l1(beta=0.5)' {roles}", url),
        ("lossary show huber", url),
        ("lossary recommend binray", url),
        ("lossary evaluate predictions.csv -l hubber", url),
        ("lossary profile missing.csv", url),
        ("lossary losses", gone),
        ("lossary losses | head -4", url),
        (f"lossary evaluate predictions.csv -l mse {roles} --json | head -12", url),
    ):
        run = command.replace("lossary ", f"{shlex.quote(sys.executable)} -m lossary ", 1)
        environment = {**os.environ, "LOSSARY_URL": address, "COLUMNS": "80"}
        shell = ["bash", "-o", "pipefail", "-c", f"{run} 2>&1"]
        done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        print(f"\n$ {command}\n{done.stdout}[exit {done.returncode}]")


def _printed(command: list[str | Path]) -> str:
    """Return the output of a command."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own


def main() -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory() as folder, serving(LOSSARY_DATA=folder, LOSSARY_LOG_LEVEL="error") as server:
        measure_client(server.url, Path(folder) / "environment")
        record_commands(server.url, Path(folder))


if __name__ == "__main__":
    main()
