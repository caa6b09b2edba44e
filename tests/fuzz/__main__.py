"""Fuzz everything and print what ran: make fuzz.

FUZZ_RUNS    executions of all harnesses together
FUZZ_HTTP    broken files of every decoder that are sent to a running service
FUZZ_CASES   schemathesis's cases for an operation; the coverage phase comes on top
FUZZ_ONLY    names of harnesses, http or api, separated by commas
FUZZ_FOLDER  where corpora, findings and reports stay; a temporary folder otherwise
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import api, over_http
from tests.fuzz.harnesses import HARNESSES, Harness

ROOT = Path(__file__).parents[2]
RUNS = int(os.environ.get("FUZZ_RUNS", "2500000"))
REQUESTS = int(os.environ.get("FUZZ_HTTP", "20000"))
CASES = int(os.environ.get("FUZZ_CASES", "400"))
ONLY = set(filter(None, os.environ.get("FUZZ_ONLY", "").split(",")))


@dataclass(frozen=True)
class Row:
    """What one harness did."""

    name: str
    runs: int
    findings: int
    seconds: float
    note: str

    def __str__(self) -> str:
        return f"{self.name:<22}{self.runs:>12,}{self.findings:>10}{self.seconds:>9.0f}  {self.note}"


def main() -> int:
    """Run what was asked for; say how many findings there were."""
    folder = Path(os.environ.get("FUZZ_FOLDER") or tempfile.mkdtemp(prefix="fuzz-"))
    shares = sum(entry.share for entry in HARNESSES.values())
    print(f"{'harness':<22}{'executions':>12}{'findings':>10}{'seconds':>9}")
    rows = []
    for entry in HARNESSES.values():
        if not ONLY or entry.name in ONLY:
            rows.append(_guided(entry, RUNS * entry.share // shares, folder / entry.name))
            print(rows[-1], flush=True)
    runs, findings = sum(row.runs for row in rows), sum(row.findings for row in rows)
    print(Row("all harnesses", runs, findings, sum(row.seconds for row in rows), ""))
    if not ONLY or "http" in ONLY:
        rows += _over_http(folder / "http")
    if not ONLY or "api" in ONLY:
        started = time.monotonic()
        report = api.run(folder / "api", CASES)
        rows.append(Row("schemathesis cases", report.cases, report.findings, time.monotonic() - started, report.note))
        print(rows[-1], flush=True)
    findings = sum(row.findings for row in rows)
    print(f"\nfindings: {findings}" + (f", under {folder}" if findings else ""))
    return findings


def _over_http(folder: Path) -> list[Row]:
    """Send broken files of every decoder to a running service; one that it answers by a status of 5xx is a finding."""
    started = time.monotonic()
    answers = over_http.run(folder, REQUESTS)
    seconds = (time.monotonic() - started) / len(answers)
    rows = [Row(f"http {each.decoder}", REQUESTS, each.faults, seconds, str(each)) for each in answers]
    print(*rows, sep="\n", flush=True)
    return rows


def _guided(entry: Harness, runs: int, folder: Path) -> Row:
    """Run one harness in a process of its own, which libFuzzer ends; one that ends otherwise is a finding."""
    started = time.monotonic()
    command = [sys.executable, "-m", "tests.fuzz.guided", entry.name, str(runs), str(folder)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, errors="replace")  # noqa: S603 - our own
    done = re.search(r"number_of_executed_units: *(\d+)", ended.stderr)
    findings = len(list((folder / "findings").glob("*.bin")))
    if ended.returncode or not done:
        findings += 1
        (folder / "findings").mkdir(parents=True, exist_ok=True)
        (folder / "findings" / "ended.txt").write_text(ended.stderr[-10000:], encoding="utf-8")
    read = folder / "read"
    note = f"{float(read.read_text()):.1%} read, the rest refused" if read.exists() else ""
    return Row(entry.name, int(done.group(1)) if done else 0, findings, time.monotonic() - started, note)


if __name__ == "__main__":
    sys.exit(bool(main()))
