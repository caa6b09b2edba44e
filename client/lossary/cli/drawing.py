"""Curves for a terminal, drawn with Braille characters."""

from collections.abc import Sequence

BRAILLE = 0x2800  # the character without dots; each dot is a bit on top of it (Unicode, Braille Patterns)
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row, then by column, of one character
DOWN, ACROSS = len(DOTS), len(DOTS[0])


def drawn(values: Sequence[float], rows: int) -> list[str]:
    """Return a curve as `rows` lines of text, the highest first; each character shows two values."""
    low, high = min(values), max(values)
    last = rows * DOWN - 1
    heights = [round((value - low) / ((high - low) or 1) * last) for value in values]
    cells = [[BRAILLE] * -(-len(values) // ACROSS) for _ in range(rows)]
    for place, height in enumerate(heights):
        before = heights[place - 1] if place else height
        step = (height > before) - (height < before)
        for level in range(before + step, height, step) if step else ():  # what lies between, where the curve is steep
            _mark(cells, place, last - level)
        _mark(cells, place, last - height)
    return ["".join(map(chr, row)) for row in cells]


def _mark(cells: list[list[int]], across: int, down: int) -> None:
    """Set the dot at a position."""
    cells[down // DOWN][across // ACROSS] |= DOTS[down % DOWN][across % ACROSS]
