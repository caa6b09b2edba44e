"""The plots of a report as SVG: the distance of each candidate from the chosen one, and learning curves.

Colours are CSS custom properties for light and dark mode.
"""

from collections.abc import Callable, Sequence
from html import escape

from losses.text import Language, Text, in_language
from recommender.experiment.judging.report import ExperimentReport, LearningCurve, Standing
from recommender.experiment.judging.summary import MODELS
from recommender.metrics import METRICS, Metric

WIDTH, ROW, LABEL, RIGHT, TOP = 720, 26, 300, 80, 30
CURVES_HEIGHT, MOST_CURVES = 260, 6
EPOCHS = Text("epochs", "轮")
DASHES = ("", "6 3", "2 2", "8 2 2 2", "1 3", "10 4")  # lines are told apart without colour too
STYLE = """
<style>
  svg { color-scheme: light dark; --ink: light-dark(#1f2430, #e6e9ef); --soft: light-dark(#6b7280, #9aa3b2);
        --rule: light-dark(#e2e5ea, #333a47); --best: light-dark(#0b57a4, #7db7ff);
        --rest: light-dark(#8a93a3, #7c8698); }
  text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: var(--ink); }
  .code { font-family: ui-monospace, monospace; } .soft { fill: var(--soft); }
</style>"""


def differences_plot(report: ExperimentReport, model: str, language: Language = "en") -> str:
    """Return a plot of how much worse each candidate of one kind of model is than the chosen one, with 95 % intervals.

    Ties are filled. The axis ends at three times the largest distance of a tie.
    """
    rows = [row for row in report.standings if row.model == model and row.difference is not None]
    low, high = _range(rows)
    height = TOP + ROW * len(rows) + 28

    def x(value: float) -> float:
        """Return the position of a difference."""
        return LABEL + (min(max(value, low), high) - low) / (high - low) * (WIDTH - LABEL - RIGHT)

    by, kind = _chosen_by(report), MODELS[model]
    shown = _share if by.is_relative else _points
    zero = f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{TOP - 6}" y2="{height - 22}" stroke="var(--rule)"/>'
    bars = [_bar(row, TOP + ROW * place + ROW / 2, x, shown) for place, row in enumerate(rows)]
    axis = (
        f'<text class="soft" x="{x(low):.0f}" y="{height - 8}">{shown(low)}</text>'
        f'<text class="soft" x="{x(high):.0f}" y="{height - 8}" text-anchor="end">{shown(high)}</text>'
    )
    title = Text(
        f"Distance from the chosen one by {by.title.en}, {kind.en}: 95 % intervals; filled cannot be told from it",
        f"{kind.zh}:按{by.title.zh}比所选损失差多少,95 % 区间;实心表示与所选无法区分",
    )
    return _svg(height, in_language(title, language), zero + "".join(bars) + axis)


def _chosen_by(report: ExperimentReport) -> Metric:
    """Return the metric of the choice: that of the goal, or the proper score that replaces a noisy one."""
    return METRICS[METRICS[report.metric].chosen_by or report.metric]


def _range(rows: Sequence[Standing]) -> tuple[float, float]:
    """Return the ends of the axis: the intervals of ties, and three times as far for other candidates."""
    ends = [end for row in rows if row.tied for end in (row.difference_interval or (0.0, 0.0))]
    low, near = min([0.0, *ends]), max([0.0, *ends])
    far = max([near, *(row.difference or 0.0 for row in rows)])
    high = min(far, 3 * near) if near > 0 else far
    return (low, high) if high > low else (low, low + 1.0)


def _share(value: float) -> str:
    """Return a difference in percent."""
    return f"{100 * value:.1f} %"


def _points(value: float) -> str:
    """Return a difference in points."""
    return f"{value:.3g}"


def _bar(row: Standing, y: float, place: Callable[[float], float], shown: Callable[[float], str]) -> str:
    """Return the interval and the mark of one candidate."""
    value = float(row.difference or 0.0)
    low, high = row.difference_interval or (value, value)
    colour = "var(--best)" if row.tied else "var(--rest)"
    fill = colour if row.tied else "none"
    return (
        f'<text class="code" x="{LABEL - 12}" y="{y + 4:.0f}" text-anchor="end">{escape(row.objective)}</text>'
        f'<line x1="{place(low):.1f}" x2="{place(high):.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{place(value):.1f}" cy="{y}" r="5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
        f'<text class="soft" x="{WIDTH - RIGHT + 12}" y="{y + 4:.0f}">{shown(value)}</text>'
    )


def curves_of(report: ExperimentReport, model: str) -> list[LearningCurve]:
    """Return the learning curves of the best candidates of one kind of model; empty for models solved without steps."""
    names = [row.objective for row in report.standings if row.model == model][:MOST_CURVES]
    return [
        curve
        for name in names
        for curve in report.curves
        if (curve.objective, curve.model) == (name, model) and len(curve.epochs) > 1
    ]


def curves_plot(report: ExperimentReport, model: str, language: Language = "en") -> str:
    """Return a plot of the metric during training, for the best candidates of one kind of model."""
    curves = curves_of(report, model)
    known = [(curve, [value for value in curve.values if value is not None]) for curve in curves]
    values = [value for _, each in known for value in each]
    if not values:
        return ""
    low, high = min(values), max(values)
    lines = [_line(curve, place, low, (high - low) or 1.0) for place, curve in enumerate(curves)]
    last, epochs = curves[0].epochs[-1], in_language(EPOCHS, language)
    axis = (
        f'<text class="soft" x="48" y="{TOP + 4}" text-anchor="end">{high:.3g}</text>'
        f'<text class="soft" x="48" y="{CURVES_HEIGHT - 34}" text-anchor="end">{low:.3g}</text>'
        f'<text class="soft" x="56" y="{CURVES_HEIGHT - 10}">{curves[0].epochs[0]:g} {epochs}</text>'
        f'<text class="soft" x="{WIDTH - 190}" y="{CURVES_HEIGHT - 10}" text-anchor="end">{last:g}</text>'
    )
    by, kind = _chosen_by(report).title, MODELS[model]
    title = Text(f"{by.en} while {kind.en} was trained", f"{kind.zh}训练中的{by.zh}")
    return _svg(CURVES_HEIGHT, in_language(title, language), "".join(lines) + axis)


def _line(curve: LearningCurve, place: int, low: float, span: float) -> str:
    """Return the learning curve of one candidate."""
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
    """Return a text cut to a length."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _svg(height: float, title: str, content: str) -> str:
    """Return an SVG document."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}">{STYLE}<title>{escape(title)}</title>{content}</svg>'
    )


def models_of(report: ExperimentReport) -> Sequence[str]:
    """Return the kinds of model of a report, the one of the verdict first."""
    return list(dict.fromkeys([report.verdict.model, *(row.model for row in report.standings)]))
