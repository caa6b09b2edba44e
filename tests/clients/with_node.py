"""Node's fetch: JSON, forms, a stream, a long body, many at once."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.clients.running import MSE, Say, program

SCRIPT = Path(__file__).with_name("fetch.mjs")


def test_fetch(url: str, files: Path, say: Say) -> None:
    done = subprocess.run(  # noqa: S603 - node of the system
        [program("node"), str(SCRIPT), url, str(files)], capture_output=True, text=True, check=True, timeout=100
    )
    lines = {line["way"]: line for line in map(json.loads, done.stdout.splitlines())}
    for way, line in lines.items():
        say(f"{way}: {line['status']} {line.get('value', line.get('detail', ''))}")

    values = {way: line["value"] for way, line in lines.items() if "value" in line}
    wanted = {"json": 2.5, "form": MSE, "form with a request part": MSE, "stream": MSE, "1.6 MB": 1.0}
    assert values == pytest.approx(wanted)
    assert "'Content-Type': 'application/json'" in lines["json without a type"]["detail"]
    assert lines["20 at once"]["status"] == "200"
