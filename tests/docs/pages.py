"""What stands in the pages that people read: code to run, and what it should print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    ROOT.glob("docs/**/*.md")
)
FENCED = re.compile(r'^```(\w+)?(?: title="([^"]*)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One piece of code, and the answer that stands below it."""

    language: str
    text: str
    answer: str | None = None
    answer_language: str = ""


def named(page: Path) -> str:
    """Return a page as its readers call it."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    """Yield the code of a page, each with the block that is titled as its answer."""
    fences = FENCED.findall(page.read_text(encoding="utf-8"))
    for place, (language, title, text) in enumerate(fences):
        if title.startswith("the answer"):
            continue
        following = fences[place + 1] if place + 1 < len(fences) else ("", "", "")
        has_answer = following[1].startswith("the answer")
        yield Block(language, text, following[2] if has_answer else None, following[0])
