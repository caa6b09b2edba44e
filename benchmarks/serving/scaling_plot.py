"""The figures of `scaling` as an SVG: requests a second and memory by size, both on logarithmic axes."""

from math import log10
from typing import NamedTuple

COLOURS = {"bound": "#8a8f98", "1 worker": "#0072b2", "2 workers": "#d55e00"}  # Okabe & Ito 2008
WIDTH, HEIGHT, PANEL, LEFT, TOP, TALL = 860, 330, 350, 58, 44, 210
STYLE = """\
svg{font:13px system-ui,sans-serif;background:#fff}text{fill:#333}.faint{fill:#777;font-size:11px}
.grid{stroke:#e4e4e4}path{fill:none;stroke-width:2.2}
@media(prefers-color-scheme:dark){svg{background:#16181d}text{fill:#e6e6e6}.faint{fill:#9aa0a6}.grid{stroke:#2a2e36}}"""
TITLE = "Requests a second and memory of one worker and two by the numbers in a request, against the bound"
POWERS = {0: "1", 1: "10", 2: "100", 3: "1k", 4: "10k", 5: "100k", 6: "1M", 7: "10M", 8: "100M", -1: "0.1", -2: "0.01"}


class Lines(NamedTuple):
    """What was measured: requests a second and MiB by name, one of each for every size in numbers."""

    sizes: list[int]
    rates: dict[str, list[float]]
    memory: dict[str, list[float]]


def draw(lines: Lines) -> str:
    """Return the picture, which stands alone and is readable on light and dark pages."""
    right = LEFT + PANEL + 84
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" role="img">',
            f"<title>{TITLE}</title><style>{STYLE}</style>",
            _panel("requests a second", lines.sizes, lines.rates, LEFT),
            _panel("memory, MiB", lines.sizes, lines.memory, right),
            *(_legend(name, LEFT + 150 * place) for place, name in enumerate(lines.rates)),
            "</svg>\n",
        ]
    )


def _panel(title: str, sizes: list[int], lines: dict[str, list[float]], left: float) -> str:
    figures = [figure for line in lines.values() for figure in line]
    low, high = _power(min(figures), down=True), _power(max(figures), down=False)
    first, last = log10(sizes[0]), log10(sizes[-1])

    def across(size: float) -> float:
        return round(left + PANEL * (log10(size) - first) / ((last - first) or 1), 1)

    def up(figure: float) -> float:
        return round(TOP + TALL - TALL * (log10(figure) - low) / ((high - low) or 1), 1)

    parts = [f'<text x="{left}" y="{TOP - 14}">{title}</text>']
    for power in range(low, high + 1):
        y = up(10.0**power)
        parts.append(f'<line class="grid" x1="{left}" x2="{left + PANEL}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="faint" x="{left - 6}" y="{y + 4}" text-anchor="end">{POWERS[power]}</text>')
    marks = [(across(size), TOP + TALL + 16, POWERS[round(log10(size))]) for size in sizes]
    marks.append((left + PANEL / 2, TOP + TALL + 34, "numbers in a request"))
    parts += [f'<text class="faint" x="{x}" y="{y}" text-anchor="middle">{text}</text>' for x, y, text in marks]
    for name, line in lines.items():
        points = " L".join(f"{across(size)} {up(figure)}" for size, figure in zip(sizes, line, strict=True))
        parts.append(f'<path stroke="{COLOURS[name]}" d="M{points}"/>')
    return "".join(parts)


def _power(figure: float, *, down: bool) -> int:
    """Return the power of ten below or above a figure."""
    exact = log10(figure)
    return int(exact // 1) if down else -int(-exact // 1)


def _legend(name: str, x: float) -> str:
    y = HEIGHT - 16
    return f'<path stroke="{COLOURS[name]}" d="M{x} {y} h18"/><text x="{x + 24}" y="{y + 4}">{name}</text>'
