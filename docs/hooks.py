"""What the site generator is told beside mkdocs.yml: pages that are found, and links of files that stand elsewhere."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
INCLUDED = {
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "regret.md": "benchmarks/regret/result.md",
    "rules_measured.md": "benchmarks/rules/result.md",
    "experiments.md": "benchmarks/experiments/result.md",
    "conformance.md": "benchmarks/conformance/result.md",
    "losses_time.md": "benchmarks/losses_time.md",
}


def on_config(config: dict[str, Any]) -> dict[str, Any]:
    """Put the page of every task of losses into the navigation."""
    [losses] = [part["Losses"] for part in config["nav"] if "Losses" in part]
    known = {path for entry in losses for path in entry.values()}
    pages = (path.relative_to(ROOT / "docs").as_posix() for path in sorted((ROOT / "docs/losses").glob("*.md")))
    losses += [{Path(path).stem.capitalize(): path} for path in pages if path not in known]
    return config


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:  # noqa: ANN401 - mkdocs' own type, installed apart
    """Return the text of a page; of one that stands for a file elsewhere, that file."""
    source = INCLUDED.get(page.file.src_uri)
    if source is None:
        return markdown
    text = (ROOT / source).read_text(encoding="utf-8")
    text = re.sub(r"\]\(docs/", "](", text)
    if "/" not in source:
        return text
    # What lies beside a report is in the repository and not in the site; a number and its unit stay in one line.
    return re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)[^)]*\)", r"\1", text).replace(" %", "\u00a0%")
