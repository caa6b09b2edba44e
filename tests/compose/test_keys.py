"""Keys in compose: a file in a folder that it mounts, as docs/operators.md says, in no image and in no variable."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.compose.stack import REQUEST, VALUE, Stack, docker, until, value

PLACE = "/run/keys/keys.toml"


@dataclass
class Locked:
    """A service that asks for a key, and one it knows."""

    stack: Stack
    key: str
    folder: Path


def made(name: str) -> tuple[str, str]:
    """Return the lines of a new key, and the key."""
    program = [sys.executable, "-m", "service.pipeline.auth", "new", name]
    new = subprocess.run(program, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    return new.stdout, new.stderr.split()[-1]


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    folder = tmp_path_factory.mktemp("keys")
    folder.chmod(0o755)  # the service is nobody's owner
    lines, key = made("tests")
    (folder / "keys.toml").write_text(lines, encoding="utf-8")
    added = {"environment": {"LOSSARY_KEYS": PLACE}, "volumes": [f"{folder}:/run/keys:ro"]}
    with Stack("keys", override=json.dumps({"services": {"lossary": added}})).deployed() as stack:
        yield Locked(stack, key, folder)


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

    assert PLACE in known
    assert locked.key not in known
    assert "sha256 =" not in known


def test_the_file_cannot_be_written_from_within(locked: Locked) -> None:
    refused = locked.stack.run("exec", "-T", "lossary", "sh", "-c", f"echo > {PLACE}")

    assert refused.returncode != 0


def test_a_key_that_is_added_beside_it_counts_without_a_restart(locked: Locked) -> None:
    lines, key = made("later")
    file = locked.folder / "keys.toml"
    replaced = locked.folder / "new.toml"
    replaced.write_text(file.read_text(encoding="utf-8") + lines, encoding="utf-8")
    replaced.rename(file)  # as an editor does; a file that is mounted by itself would stay the old one

    until(lambda: httpx.get(f"{locked.stack.url}/v1/limits", headers={"X-API-Key": key}).is_success)
