"""Keys as a secret of compose: a file that compose mounts, in no image and in no variable."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.compose.stack import REQUEST, VALUE, Stack, docker, value

SECRET = "/run/secrets/lossary-keys"  # noqa: S105 - its place


@dataclass
class Locked:
    """A service that asks for a key, and one it knows."""

    stack: Stack
    key: str


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    file = tmp_path_factory.mktemp("keys") / "keys.toml"
    made = subprocess.run(
        [sys.executable, "-m", "service.pipeline.auth", "new", "tests"], capture_output=True, text=True, check=True
    )
    file.write_text(made.stdout, encoding="utf-8")
    file.chmod(0o444)  # compose mounts the file itself, with the mode it has here, and the service is nobody's owner
    with Stack("keys", override=override(file)).deployed() as stack:
        yield Locked(stack, made.stderr.split()[-1])


def override(file: Path) -> str:
    """Return what a deployment with keys adds."""
    return f"""
        services: {{lossary: {{environment: {{LOSSARY_KEYS: {SECRET}}}, secrets: [lossary-keys]}}}}
        secrets: {{lossary-keys: {{file: {file}}}}}
    """


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer lossary_wrong"}, {"X-API-Key": "wrong"}])
def test_without_a_key_nothing_is_answered(locked: Locked, headers: dict[str, str]) -> None:
    refused = httpx.post(f"{locked.stack.url}/v1/evaluate", json=REQUEST, headers=headers)

    assert refused.status_code == httpx.codes.UNAUTHORIZED
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_with_a_key_it_answers(locked: Locked) -> None:
    assert value(locked.stack.url, {"Authorization": f"Bearer {locked.key}"}) == VALUE


def test_it_is_healthy_though_its_probe_has_no_key(locked: Locked) -> None:
    assert locked.stack.container()["State"]["Health"]["Status"] == "healthy"


def test_neither_the_engine_nor_a_log_knows_the_key(locked: Locked) -> None:
    known = docker("inspect", locked.stack.container()["Id"]).stdout + locked.stack.logs()

    assert SECRET in known
    assert locked.key not in known
    assert "sha256 =" not in known


def test_the_secret_cannot_be_written(locked: Locked) -> None:
    refused = locked.stack.run("exec", "-T", "lossary", "sh", "-c", f"echo > {SECRET}")

    assert refused.returncode != 0
