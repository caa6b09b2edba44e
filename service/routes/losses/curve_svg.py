"""Curves as a standalone SVG: two panels, one colour a loss, readable on light and dark pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

from losses.description.curve import Curve
from losses.description.lines import TRUTH

WIDTH, HEIGHT = 860, 340
PANEL, GAP = 370, 70
LEFT, TOP, TALL = 48, 44, 220
LINE, LETTER = 22, 7.4  # of the legend: the height of a line, the width of a letter
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe & Ito 2008: told apart by all eyes
IN_THE_DARK = {0: "#3d9be0", 5: "#a5d8f7"}  # the blues, lighter


def _strokes(colours: Iterable[tuple[int, str]]) -> str:
    """Return the CSS that assigns a colour to each curve."""
    return "".join(f".c{place}{{stroke:{colour}}}" for place, colour in colours)


STYLE = f"""\
svg{{font:13px system-ui,sans-serif;background:#fff}}text{{fill:#333}}.faint{{fill:#777;font-size:11px}}
.grid{{stroke:#e4e4e4}}.zero{{stroke:#b5b5b5}}path{{fill:none;stroke-width:2.2;stroke-linejoin:round}}
{_strokes(enumerate(COLOURS))}
@media(prefers-color-scheme:dark){{svg{{background:#16181d}}text{{fill:#e6e6e6}}.faint{{fill:#9aa0a6}}
.grid{{stroke:#2a2e36}}.zero{{stroke:#565c66}}{_strokes(IN_THE_DARK.items())}}}"""


@dataclass(frozen=True)
class AxisScale:
    """Maps numbers on an axis to positions in the picture."""

    low: float
    high: float
    start: float
    length: float

    def __call__(self, value: float) -> float:
        """Return the position of a number."""
        return round(self.start + self.length * (value - self.low) / (self.high - self.low), 1)

    def ticks(self) -> list[float]:
        """Return about five round numbers between the ends of the axis."""
        raw = (self.high - self.low) / 5
        unit = 10.0 ** floor(log10(raw))
        step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= raw)
        first, last = -floor(-self.low / step), floor(self.high / step + 1e-9)
        return [round(place * step, 10) for place in range(int(first), int(last) + 1)]


def draw(curves: Sequence[Curve]) -> str:
    """Return the curves, all along the same axis, as one picture."""
    names = ", ".join(curve.loss for curve in curves)
    places = _legend_places([curve.loss for curve in curves])
    height = HEIGHT + LINE * places[-1][1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" role="img">',
        f"<title>{escape(names)} against the {_axis(curves)}</title><style>{STYLE}</style>",
        _panel("loss", curves, [curve.value for curve in curves], LEFT),
        _panel("gradient", curves, [curve.gradient for curve in curves], LEFT + PANEL + GAP),
        _legend(curves, places),
        "</svg>",
    ]
    return "".join(parts)


def _axis(curves: Sequence[Curve]) -> str:
    """Return the label of the x axis, with the target where the name does not imply it."""
    target = next((curve.target for curve in curves if curve.target is not None), None)
    axis = curves[0].axis
    return axis if target is None or axis == TRUTH else f"{axis}, the target being {target:g}"


def _panel(title: str, curves: Sequence[Curve], lines: list[list[float]], left: float) -> str:
    """Return one panel: axes, grid, curves, and its title."""
    across = AxisScale(curves[0].x[0], curves[0].x[-1], left, PANEL - 10)
    low, high = min(0.0, *(min(line) for line in lines)), max(0.0, *(max(line) for line in lines))
    room = (high - low or 1.0) * 0.04
    up = AxisScale(low - room, high + room, TOP + TALL, -TALL)
    right = across(across.high)
    parts = [f'<text x="{left}" y="{TOP - 14}">{title}</text>']
    for tick in up.ticks():
        kind = "zero" if tick == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{left}" x2="{right}" y1="{up(tick)}" y2="{up(tick)}"/>')
        parts.append(f'<text class="faint" x="{left - 6}" y="{up(tick) + 4}" text-anchor="end">{tick:g}</text>')
    marks = [(across(tick), TOP + TALL + 16, f"{tick:g}") for tick in across.ticks()]
    marks.append(((left + right) / 2, TOP + TALL + 34, _axis(curves)))
    parts += [f'<text class="faint" x="{x}" y="{y}" text-anchor="middle">{text}</text>' for x, y, text in marks]
    for place, line in enumerate(lines):
        points = " L".join(f"{across(x)} {up(y)}" for x, y in zip(curves[0].x, line, strict=True))
        parts.append(f'<path class="c{place % len(COLOURS)}" d="M{points}"/>')
    return "".join(parts)


def _legend_places(names: Sequence[str]) -> list[tuple[float, int]]:
    """Return the position of each name in the legend: x, and the line."""
    places, x, line = [], float(LEFT), 0
    for name in names:
        width = 24 + LETTER * len(name) + 26
        if x > LEFT and x + width > WIDTH:
            x, line = float(LEFT), line + 1
        places.append((x, line))
        x += width
    return places


def _legend(curves: Sequence[Curve], places: Sequence[tuple[float, int]]) -> str:
    """Return the legend of the curves."""
    parts = []
    for place, (curve, (x, line)) in enumerate(zip(curves, places, strict=True)):
        y = HEIGHT - 16 + LINE * line
        parts.append(f'<path class="c{place % len(COLOURS)}" d="M{x:g} {y} h18"/>')
        parts.append(f'<text x="{x + 24:g}" y="{y + 4}">{escape(curve.loss)}</text>')
    return "".join(parts)
