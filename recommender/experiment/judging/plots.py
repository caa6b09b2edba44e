"""Two pictures of a report, as SVG: what each candidate scores with its interval, and how training went.

Colours are custom properties for light and dark, by the setting of whoever reads.
"""

from collections.abc import Callable, Sequence
from html import escape

from recommender.experiment.judging.report import Curve, ExperimentReport, Standing

WIDTH, ROW, LABEL, RIGHT, TOP = 720, 26, 300, 80, 30
CURVES_HEIGHT, MOST_CURVES = 260, 6
DASHES = ("", "6 3", "2 2", "8 2 2 2", "1 3", "10 4")  # lines are told apart without colour too
STYLE = """
<style>
  svg { color-scheme: light dark; --ink: light-dark(#1f2430, #e6e9ef); --soft: light-dark(#6b7280, #9aa3b2);
        --rule: light-dark(#e2e5ea, #333a47); --best: light-dark(#0b57a4, #7db7ff);
        --rest: light-dark(#8a93a3, #7c8698); }
  text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: var(--ink); }
  .code { font-family: ui-monospace, monospace; } .soft { fill: var(--soft); }
</style>"""


def standings_plot(report: ExperimentReport, model: str) -> str:
    """Return the candidates of one kind of model, the best first: a dot with its 95 % interval, ties filled."""
    rows = [row for row in report.standings if row.model == model and row.value is not None]
    ends = [end for row in rows for end in (row.interval or (row.value, row.value)) if end is not None]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    height = TOP + ROW * len(rows) + 28

    def x(value: float) -> float:
        return LABEL + (value - low) / span * (WIDTH - LABEL - RIGHT)

    lines = [_bar(row, TOP + ROW * place + ROW / 2, x) for place, row in enumerate(rows)]
    better = "right" if report.larger_is_better else "left"
    title = f"{report.metric_title}, {model}: 95 % intervals; {better} is better, filled is tied with the chosen"
    axis = (
        f'<text class="soft" x="{x(low):.0f}" y="{height - 8}">{low:.4g}</text>'
        f'<text class="soft" x="{x(high):.0f}" y="{height - 8}" text-anchor="end">{high:.4g}</text>'
    )
    return _svg(height, title, "".join(lines) + axis)


def _bar(row: Standing, y: float, place: Callable[[float], float]) -> str:
    value = float(row.value or 0.0)
    low, high = row.interval or (value, value)
    colour = "var(--best)" if row.tied else "var(--rest)"
    fill = colour if row.tied else "none"
    return (
        f'<text class="code" x="{LABEL - 12}" y="{y + 4:.0f}" text-anchor="end">{escape(row.objective)}</text>'
        f'<line x1="{place(low):.1f}" x2="{place(high):.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{place(value):.1f}" cy="{y}" r="5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
        f'<text class="soft" x="{WIDTH - RIGHT + 12}" y="{y + 4:.0f}">{value:.4g}</text>'
    )


def curves_plot(report: ExperimentReport, model: str) -> str:
    """Return how the metric that chooses went while the best candidates of one kind of model were trained."""
    names = [row.objective for row in report.standings if row.model == model][:MOST_CURVES]
    curves = [curve for name in names for curve in report.curves if (curve.objective, curve.model) == (name, model)]
    known = [(curve, [value for value in curve.values if value is not None]) for curve in curves]
    values = [value for _, each in known for value in each]
    if not values:
        return ""
    low, high = min(values), max(values)
    lines = [_line(curve, place, low, (high - low) or 1.0) for place, curve in enumerate(curves)]
    last = curves[0].epochs[-1]
    axis = (
        f'<text class="soft" x="48" y="{TOP + 4}" text-anchor="end">{high:.3g}</text>'
        f'<text class="soft" x="48" y="{CURVES_HEIGHT - 34}" text-anchor="end">{low:.3g}</text>'
        f'<text class="soft" x="56" y="{CURVES_HEIGHT - 10}">{curves[0].epochs[0]:g} epochs</text>'
        f'<text class="soft" x="{WIDTH - 190}" y="{CURVES_HEIGHT - 10}" text-anchor="end">{last:g}</text>'
    )
    return _svg(CURVES_HEIGHT, f"{report.metric_title} while {model} was trained", "".join(lines) + axis)


def _line(curve: Curve, place: int, low: float, span: float) -> str:
    left, right, bottom = 56, WIDTH - 190, CURVES_HEIGHT - 38
    first, last = curve.epochs[0], curve.epochs[-1]
    points = [
        (
            left + (epoch - first) / ((last - first) or 1) * (right - left),
            bottom - (value - low) / span * (bottom - TOP),
        )
        for epoch, value in zip(curve.epochs, curve.values, strict=True)
        if value is not None
    ]
    if not points:
        return ""
    colour = "var(--best)" if place == 0 else "var(--rest)"
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    key = TOP + 12 + 20 * place
    stroke = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{DASHES[place % len(DASHES)]}"'
    return (
        f'<polyline fill="none" {stroke} points="{path}"/>'
        f'<line x1="{right + 14}" x2="{right + 40}" y1="{key - 4}" y2="{key - 4}" {stroke}/>'
        f'<text class="code" x="{right + 46}" y="{key}">{escape(_short(curve.objective))}</text>'
    )


def _short(text: str, longest: int = 19) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _svg(height: float, title: str, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}">{STYLE}<title>{escape(title)}</title>{content}</svg>'
    )


def models_of(report: ExperimentReport) -> Sequence[str]:
    """Return the kinds of model of a report, the one of the verdict first."""
    return list(dict.fromkeys([report.verdict.model, *(row.model for row in report.standings)]))
