"""The server as a process: started as the README says, asked over a socket."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.service.processes import PATIENCE_S, ROOT, serving

README = ROOT / "README.md"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as running:
        yield running.url


def test_several_losses_over_a_socket(server: str) -> None:
    body = {"loss": ["mse", "mae"], "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}

    answer = httpx.post(f"{server}/v1/evaluate", json=body)

    assert [result["value"] for result in answer.json()["results"]] == [2.125, 1.25]
    assert "compute;dur=" in answer.headers["server-timing"]


def blocks() -> list[str]:
    """Return the shell blocks of the README that ask the service."""
    return [block for block in re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL) if "curl" in block]


def test_every_curl_of_the_readme_works_in_order(server: str, tmp_path: Path) -> None:
    python = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{python}:{os.environ['PATH']}"}

    for block in blocks():
        script = block.replace("localhost:8000", server.removeprefix("http://")).replace(
            "curl -s", "curl -sS --fail-with-body"
        )
        done = subprocess.run(  # noqa: S603 - the README's own text
            ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - found on the PATH
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, (script, done.stdout, done.stderr)
    assert len(blocks()) >= 8


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"LOSSARY_PORT": "text"}, "LOSSARY_PORT"),
        ({"LOSSARY_DEVICE": "tpu"}, "LOSSARY_DEVICE"),
        ({"LOSSARY_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": ""}, "use auto or cpu"),
        ({"LOSSARY_RULES": "/nowhere/rules.toml"}, "LOSSARY_RULES"),
    ],
)
def test_a_bad_setting_is_said_in_one_line(variables: dict[str, str], says: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={**os.environ, "LOSSARY_PORT": "0", "LOSSARY_LOG_LEVEL": "error", **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode != 0
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_supervisor_of_several_workers_imports_no_torch() -> None:
    script = "import sys, service.__main__; sys.exit('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)  # noqa: S603 - our own program

    assert done.returncode == 0
