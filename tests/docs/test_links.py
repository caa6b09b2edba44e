"""No page points at something that is not there."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import FENCED, PAGES, ROOT, named

LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+?)(?: \{ #(\S+) \})?$", re.MULTILINE)


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return where a link into a page may point."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return frozenset(named_as or slug(title) for title, named_as in HEADING.findall(text))


def slug(title: str) -> str:
    """Return the anchor that a heading gets."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8")))

    for link in links:
        if re.match(r"[a-z]+:", link):
            assert link.startswith(("https://", "http://127.0.0.1")), link
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_picture_says_what_it_shows(page: Path) -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(", page.read_text(encoding="utf-8"))

    assert all(len(alternative) > len("picture") for alternative in pictures)
