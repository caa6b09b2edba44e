"""make docs-tables: write what lists losses, rules, settings, metrics, refusals and routes into pages and client.

A page says where a list stands, and `BLOCKS` what writes it:

    <!-- generated: settings -->
    (replaced)
    <!-- end -->

Words after the name are given to the block: `<!-- generated: section 1.1 -->`. Pictures and the pages of the losses
are files of their own. `python -m docs.generate --check` writes nothing, and fails where something would change.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from docs.blocks import architecture, client, evidence, losses, monitoring, pictures, rules, wire
from monitoring import dashboard

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MARKED = re.compile(
    r"(?P<start><!-- generated: (?P<name>[a-z-]+) ?(?P<arguments>[^>\n]*?) ?-->\n).*?(?P<end><!-- end -->)", re.DOTALL
)
BLOCKS: Mapping[str, Callable[..., str]] = {
    **losses.BLOCKS,
    **rules.BLOCKS,
    **wire.BLOCKS,
    **monitoring.BLOCKS,
    **evidence.BLOCKS,
    **architecture.BLOCKS,
}


def pages() -> list[Path]:
    """Return every page that people write, with or without generated parts."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]


def filled(text: str) -> str:
    """Return a page with its generated parts written anew.

    Raises: KeyError for a name that no block has.
    """

    def write(part: re.Match[str]) -> str:
        block = BLOCKS[part["name"]](*part["arguments"].split())
        return f"{part['start']}\n{block}\n\n{part['end']}"

    return MARKED.sub(write, text)


def outputs() -> Iterator[tuple[Path, str]]:
    """Yield every file that is generated, whole or in part, with what should stand in it."""
    for page in pages():
        yield page, filled(page.read_text(encoding="utf-8"))
    yield ROOT / "monitoring/dashboard.json", dashboard.text()
    for name, text in client.files().items():
        yield client.CLIENT / name, text
    for name, text in {**losses.pages(), **pictures.pictures()}.items():
        yield DOCS / name, text


def stale(made: Mapping[Path, str]) -> dict[Path, str]:
    """Return the files that differ from what should stand in them."""
    return {path: text for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text}


def orphans(made: Mapping[Path, str]) -> set[Path]:
    """Return pages and curves of losses, and classes of answers, that nothing writes any more."""
    kinds = (*DOCS.glob("losses/*.md"), *DOCS.glob("losses/curves/*.svg"), *client.CLIENT.glob("answers/*.py"))
    return {*kinds} - {*made}


def main(arguments: list[str]) -> int:
    """Write what is stale, or with --check only name it; return the exit status."""
    check = "--check" in arguments
    made = dict(outputs())
    changed, left = stale(made), orphans(made)
    for path, text in changed.items():
        print(f"{'stale' if check else 'written'}: {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in left:
        print(f"{'stale' if check else 'removed'}: {path.relative_to(ROOT)}")
        if not check:
            path.unlink()
    return int(check and bool(changed or left))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
