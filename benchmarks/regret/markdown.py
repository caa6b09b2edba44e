"""Numbers as text."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the first column is read, the others are compared."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percent(share: float) -> str:
    """Return a share in per cent; of a score, in hundredths of it. No minus before a zero."""
    return f"{round(100 * share, 2) + 0.0:.2f} %"


def met(good: bool) -> str:  # noqa: FBT001 - one word of it
    """Return whether a promise was kept."""
    return "met" if good else "**not met**"
