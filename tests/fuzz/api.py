"""schemathesis over the whole document of a real server, with every check on; what is not is in schemathesis.toml."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.service.processes import serving

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]


@dataclass(frozen=True)
class Report:
    """How it went."""

    cases: int
    findings: int
    operations: int
    note: str
    text: str


def run(
    folder: Path, cases: int, phases: str = "examples,coverage,fuzzing,stateful", seed: int | None = None
) -> Report:
    """Send requests to a server on loopback; `cases` is how many the fuzzing phase sends to an operation."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "report.json"
    with serving(LOSSARY_LOG_LEVEL="error") as server:
        options = ["--max-examples", str(cases), "--phases", phases, "--continue-on-failure", "--no-shrink"]
        written = ["--report", "json", "--report-json-path", str(file)]
        ended = subprocess.run(  # noqa: S603 - our own
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(FOLDER / "schemathesis.toml")),
                *("run", f"{server.url}/openapi.json", *options, *written),
                *(("--seed", str(seed)) if seed is not None else ()),
            ],
            cwd=folder,  # it leaves files of its own
            env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        logged = Path(server.log).read_text(encoding="utf-8")
    said = json.loads(file.read_text(encoding="utf-8"))
    (folder / "output.txt").write_text(ended.stdout + ended.stderr + logged, encoding="utf-8")
    count = said["test_cases"]
    findings = count["unique_failures"] + len(said["errors"]) + bool(ended.returncode and not count["unique_failures"])
    phased = ", ".join(name for name, phase in said["phases"].items() if phase["status"] != "skip")
    operations = said["operations"]["tested"]
    note = f"{operations} operations; {phased}"
    return Report(count["generated"], findings, operations, note, ended.stdout)
