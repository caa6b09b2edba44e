"""What operators do to a running service, and what their machines do to it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from service.settings import Settings
from tests.service.pipeline.test_auth import line
from tests.service.processes import PATIENCE_S, ROOT, Server, awaited, eventually, free_port, serving


def test_a_log_that_nobody_reads_stops_nothing() -> None:
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-m", "service", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "LOSSARY_DEVICE": "cpu", "LOSSARY_LOG_FORMAT": "json"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        awaited(Server(process, port, os.devnull))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            answers = {client.get("/v1/limits").status_code for _ in range(600)}  # 300 bytes of log each
    finally:
        process.kill()
        process.communicate()

    assert answers == {200}


def test_a_key_that_is_added_or_taken_away_counts_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(line("old", "lossary_old"))

    with serving(LOSSARY_KEYS=str(file)) as server:

        def status(secret: str) -> int:
            return httpx.get(f"{server.url}/v1/limits", headers={"x-api-key": secret}).status_code

        before = status("lossary_old"), status("lossary_new")
        file.write_text(line("new", "lossary_new"))
        changed = eventually(lambda: (status("lossary_old"), status("lossary_new")) == (401, 200))
        file.write_text("no TOML at all [")
        os.utime(file, ns=(1, 1))
        logged = eventually(lambda: "keys not reloaded" in Path(server.log).read_text())
        after = status("lossary_new")

    assert before == (200, 401)
    assert changed
    assert logged
    assert after == 200


def test_a_hangup_does_not_end_a_single_worker() -> None:
    with serving() as server:
        server.process.send_signal(signal.SIGHUP)
        logged = eventually(lambda: "hangup ignored" in Path(server.log).read_text())
        answer = httpx.get(f"{server.url}/healthz")

    assert logged
    assert answer.status_code == 200


@pytest.mark.parametrize(("text", "size"), [("2GB", 2 * 10**9), ("512MiB", 512 << 20), ("1024", 1024)])
def test_sizes_are_taken_with_their_units(monkeypatch: pytest.MonkeyPatch, text: str, size: int) -> None:
    monkeypatch.setenv("LOSSARY_MAX_BODY_BYTES", text)

    assert Settings().max_body_bytes == size


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_a_folder_of_counts_that_cannot_be_used_is_one_line(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()

    ended = subprocess.run(
        [sys.executable, "-m", "service", "--port", "0", "--workers", "2"],
        cwd=ROOT,
        env={**os.environ, "LOSSARY_DEVICE": "cpu", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "PROMETHEUS_MULTIPROC_DIR" in ended.stderr
