"""Every command and every answer of the pages, tried against a service of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Block, blocks, named
from tests.service.processes import PATIENCE_S, serving

REFUSED_FROM = 400  # HTTP
LANGUAGES = {"sh", "python"}
RUN = [
    page
    for page in PAGES
    if page.parent.name != "losses" and any(block.language in LANGUAGES for block in blocks(page))
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(LOSSARY_SHARED_MEMORY="/dev/shm") as running:  # noqa: S108 - shared memory
        yield running.url.removeprefix("http://")


@pytest.mark.parametrize("page", RUN, ids=named)
def test_every_command_of_a_page_works_in_order_and_answers_as_it_says(page: Path, server: str, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language not in LANGUAGES:
            continue
        said = run(block, server, tmp_path)
        if block.answer is not None and block.answer_language == "json":
            assert_shown(json.loads(block.answer), json.loads(said))
        elif block.answer is not None:
            assert said.split() == block.answer.split()


def run(block: Block, server: str, folder: Path) -> str:
    """Run a block in a folder of its page's own, and return what it prints."""
    script = block.text.replace("localhost:8000", server)
    if block.language == "python":
        command = [sys.executable, "-c", script]
    else:
        strict = "" if is_refused(block) else "--fail-with-body"
        command = ["bash", "-euo", "pipefail", "-c", script.replace("curl -s", f"curl -sS {strict}")]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - the text of our own pages
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, (script, done.stdout, done.stderr)
    return done.stdout


def is_refused(block: Block) -> bool:
    """Say whether the answer that a block shows is a refusal."""
    if block.answer is None or block.answer_language != "json":
        return False
    shown = json.loads(block.answer)
    return isinstance(shown, dict) and shown.get("status", 0) >= REFUSED_FROM


def assert_shown(shown: object, answer: object) -> None:
    """Check that all that is shown of an answer stands in it; of a list, the first entries are shown."""
    if isinstance(shown, dict) and isinstance(answer, dict):
        for name, value in shown.items():
            assert name in answer
            assert_shown(value, answer[name])
    elif isinstance(shown, list) and isinstance(answer, list):
        assert len(shown) <= len(answer)
        for one, other in zip(shown, answer, strict=False):
            assert_shown(one, other)
    else:
        assert shown == answer
