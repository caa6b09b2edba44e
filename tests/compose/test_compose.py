"""The image and the compose file on a real Docker Engine. `make compose-test` builds the image, then runs this."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [
    pytest.mark.skipif("LOSSARY_COMPOSE" not in os.environ, reason="needs a Docker Engine: make compose-test"),
    pytest.mark.timeout(300),
]

ROOT = Path(__file__).parents[2]
GRACE_SECONDS = 30  # stop_grace_period
NO_CAPABILITIES = "0" * 16


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run docker compose under a project name of its own, so that a deployment on this engine is left alone."""
    return subprocess.run(  # noqa: S603 - the arguments are this file's
        ["docker", "compose", "--project-name", "lossary-test", "--profile", "gpu", *arguments],  # noqa: S607 - found on the PATH
        cwd=ROOT,
        env={**os.environ, "LOSSARY_PORT": "0"},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def compose(*arguments: str) -> str:
    """Return what docker compose printed; the test fails where it failed."""
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def container() -> dict[str, Any]:
    """Return the facts of the service's container, running or not."""
    facts: dict[str, Any] = json.loads(compose("ps", "--all", "--format", "json", "lossary"))
    return facts


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[None]:
    """Leave nothing behind."""
    yield
    compose("down", "--volumes", "--timeout", "5")


@pytest.fixture
def url() -> str:
    """Return the address of the service, healthy."""
    up = run("up", "--detach", "--wait", "--no-build", "lossary")
    assert up.returncode == 0, up.stderr + run("logs", "lossary").stdout
    return "http://" + compose("port", "lossary", "8000").strip()


def test_it_is_healthy_and_answers(url: str) -> None:
    ready = httpx.get(f"{url}/readyz")
    request = {"loss": "mse", "predictions": [1, 2], "targets": [1.5, 0]}
    evaluated = httpx.post(f"{url}/v1/evaluate", json=request)

    assert container()["Health"] == "healthy"
    assert ready.json() == {"status": "ready", "device": "cpu"}
    assert evaluated.json()["results"][0]["value"] == 2.125


@pytest.mark.usefixtures("url")
def test_it_listens_on_loopback_only() -> None:
    assert {port["URL"] for port in container()["Publishers"]} == {"127.0.0.1"}


@pytest.mark.usefixtures("url")
def test_no_process_has_root_or_any_privilege() -> None:
    status = compose("exec", "-T", "lossary", "sh", "-c", "cat /proc/[0-9]*/status")

    def values(field: str) -> set[str]:
        return set(re.findall(rf"^{field}:\t(.*)$", status, re.MULTILINE))

    assert "python" in values("Name")
    assert values("Uid") == values("Gid") == {"\t".join(["10001"] * 4)}
    assert values("CapEff") == values("CapPrm") == values("CapBnd") == {NO_CAPABILITIES}
    assert values("NoNewPrivs") == {"1"}


@pytest.mark.usefixtures("url")
def test_only_tmp_can_be_written() -> None:
    compose("exec", "-T", "lossary", "touch", "/tmp/file")  # noqa: S108 - the container's

    refused = run("exec", "-T", "--user", "0", "lossary", "touch", "/app/file")

    assert "Read-only file system" in refused.stderr


@pytest.mark.usefixtures("url")
def test_it_is_compiled_before_it_starts() -> None:
    count = "find /app -name '*.py' | wc -l; find /app -name '*.pyc' | wc -l"

    sources, compiled = compose("exec", "-T", "lossary", "sh", "-c", count).split()

    assert sources == compiled


@pytest.mark.usefixtures("url")
def test_it_ends_by_itself_when_told_to_stop() -> None:
    started = time.monotonic()
    compose("stop", "lossary")

    assert time.monotonic() - started < GRACE_SECONDS
    assert container()["ExitCode"] in (0, 128 + 15)


def test_both_profiles_run_side_by_side() -> None:
    services = json.loads(compose("config", "--format", "json"))["services"]
    gpu = services["lossary-gpu"]

    assert gpu["deploy"]["resources"]["reservations"]["devices"] == [
        {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    ]
    assert gpu["environment"]["LOSSARY_DEVICE"] == "cuda"
    assert gpu["ports"][0]["published"] != services["lossary"]["ports"][0]["published"]
    assert all(gpu[key] == services["lossary"][key] for key in ("read_only", "cap_drop", "security_opt", "mem_limit"))


def test_without_a_driver_the_gpu_profile_says_so() -> None:
    cpu_image = "services: {lossary-gpu: {image: 'lossary:cpu'}}"  # a start is refused before the image matters
    files = ("--file", "docker-compose.yml", "--file", "-")

    refused = run(*files, "up", "--detach", "--no-build", "lossary-gpu", stdin=cpu_image)

    if refused.returncode == 0:
        pytest.skip("this engine has an NVIDIA driver")
    assert 'could not select device driver "nvidia" with capabilities: [[gpu]]' in refused.stderr
