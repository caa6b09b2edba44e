"""A copy of the repository's packages in which one edit is made, and what is then asked of it."""

import ast
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen, run
from typing import Any

ROOT = Path(__file__).parents[2]
COPIED = (
    "losses",
    "recommender",
    "service",
    "monitoring",
    "docs",
    "tests/one_edit",
    "tests/losses",
    "tests/recommender",
)
FILES = ("pyproject.toml", "tests/conftest.py")
LEFT_OUT = shutil.ignore_patterns("assets", "curves", "golden")  # compiled files are copied, so that they count


@dataclass(frozen=True)
class Listings:
    """What a copy answered, and what stands in its lists and pages."""

    answers: list[tuple[int, bytes]]
    texts: dict[str, str]

    def places(self, word: str) -> set[str]:
        """Return where a word stands."""
        return {place for place, text in self.texts.items() if word in text}


@dataclass(frozen=True)
class Copy:
    """A copy, and the process that runs functions of it."""

    folder: Path
    process: "Popen[str]"

    def insert(self, path: str, before: str, text: str) -> None:
        """Put a text into a file, before the only place where another stands."""
        file = self.folder / path
        written = file.read_text(encoding="utf-8")
        assert written.count(before) == 1, (path, before)
        file.write_text(written.replace(before, f"{text}{before}"), encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        """Put a text at the end of a file, which need not exist."""
        with (self.folder / path).open("a", encoding="utf-8") as file:
            file.write(text)

    def listings(self, *requests: dict[str, Any], **environment: str) -> Listings:
        """Return what the edited service answers and lists."""
        return Listings(**self._run("listings", requests=list(requests), environment=environment))

    def laws(self, name: str, *files: str) -> int:
        """Run the tests of the copy that are about a name; return how many passed.

        Raises: AssertionError where one does not.
        """
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:randomly", "-k", name, *files]
        environment = {**unmeasured(), "PYTHONPATH": str(self.folder)}
        done = run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - pytest
        assert done.returncode == 0, done.stdout
        passed = re.search(r"(\d+) passed", done.stdout)
        return int(passed[1]) if passed else 0

    def _run(self, module: str, **keywords: object) -> Any:  # noqa: ANN401 - of each module its own
        assert self.process.stdin
        assert self.process.stdout
        print((str(self.folder), f"tests.one_edit.{module}", keywords), file=self.process.stdin, flush=True)
        succeeded, answer = ast.literal_eval(self.process.stdout.readline())
        assert succeeded, answer
        return answer


def copy_to(folder: Path) -> None:
    """Copy the packages and what their pages and laws are made of."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)


def unmeasured() -> dict[str, str]:
    """Return the environment of a process whose lines are not counted for coverage: they are of a copy."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
