"""Markdown tables, and what must be written otherwise inside of them."""

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Return rows under headings; the columns numbered in `right` are aligned to the right."""
    aligned = set(right)
    lines = [
        f"| {' | '.join(headings)} |",
        f"|{'|'.join(' ---: ' if place in aligned else ' --- ' for place in range(len(headings)))}|",
    ]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def code(text: object) -> str:
    """Return text as code in a cell, "" for nothing."""
    return f"`{text}`".replace("|", "\\|") if text not in (None, "") else ""


def codes(texts: Iterable[object]) -> str:
    """Return several as code."""
    return ", ".join(map(code, texts))


def cell(text: str) -> str:
    """Return plain text that may stand in a cell."""
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def formula(latex: str) -> str:
    """Return a formula that may stand in a cell, where a bar would end it."""
    bars = latex.replace("\\|", "\\Vert ").replace("|", "\\vert ")  # the first are those of a norm
    return f"${bars.strip()}$"  # a formula that ends in a space is not taken for one
