"""Mean regret of each policy with its interval, one panel a metric of which both books speak."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.regret.score import (
    ARTICLE,
    ARTICLE_LITERAL,
    BEST_CONSTANT,
    EVIDENCE,
    LIBRARY,
    RANDOM,
    WORST,
    Family,
    Scored,
)
from benchmarks.regret.svg import adapted

SHOWN = (EVIDENCE, ARTICLE, ARTICLE_LITERAL, BEST_CONSTANT, LIBRARY, RANDOM, WORST)
COLOURS = {
    EVIDENCE: "#0072b2",
    ARTICLE: "#d55e00",
    ARTICLE_LITERAL: "#b07a00",
    BEST_CONSTANT: "#009e73",
}  # Okabe and Ito, the yellow darker
GREY, INK, PAPER, RULE = "#8a8f98", "#30343b", "#ffffff", "#e6e8eb"
COLUMNS = 4
WIDEST = 0.12  # regrets beyond are drawn at the edge and written out
NARROWEST = 0.003


def draw(families: Sequence[Family], path: Path) -> None:
    """Write the picture as SVG."""
    every = [scored for family in families for scored in family.scored.values()]
    panels = [scored for scored in every if ARTICLE in scored.regrets]
    mpl.rcParams.update({"font.family": "sans-serif", "font.size": 9, "svg.hashsalt": "regret", "svg.fonttype": "none"})
    rows = -(-len(panels) // COLUMNS)
    figure, axes = plt.subplots(
        rows, COLUMNS, figsize=(11.5, 2.75 * rows + 0.7), sharey=True, squeeze=False, facecolor=PAPER
    )
    for axis, scored in zip(axes.flat, panels, strict=False):
        _panel(axis, scored)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    figure.suptitle(
        "Mean regret against the best loss in hindsight", x=0.008, ha="left", color=INK, fontsize=12, weight="bold"
    )
    figure.text(
        0.008,
        1 - 0.42 / figure.get_figheight(),
        "RMSE and MAE in per cent of the best loss's, scores in hundredths; bars are 95 % over origins of data; "
        "an arrow points beyond the panel",
        color="#5b616b",
        va="top",
    )
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.5 / figure.get_figheight()), w_pad=1.4, h_pad=1.6)
    figure.savefig(path, metadata={"Date": None}, facecolor=PAPER)
    plt.close(figure)
    path.write_text(adapted(path.read_text(encoding="utf-8")), encoding="utf-8")


def _panel(axis: Axes, scored: Scored) -> None:
    estimates = {policy: scored.estimate(policy) for policy in SHOWN}
    widest = min(WIDEST, max(NARROWEST, *(1.25 * entry.high for entry in estimates.values())))
    lowest = min(-0.06 * widest, 1.15 * min(entry.low for entry in estimates.values()))
    for place, policy in enumerate(reversed(SHOWN)):
        entry, colour = estimates[policy], COLOURS.get(policy, GREY)
        inside, beyond = min(entry.mean, widest), entry.mean > widest
        axis.plot([min(entry.low, widest), min(entry.high, widest)], [place, place], color=colour, lw=2.2, alpha=0.4)
        axis.plot(inside, place, ">" if beyond else "o", color=colour, ms=7 if policy == EVIDENCE else 5, clip_on=False)
        axis.annotate(
            _text(entry.mean),
            (inside, place),
            (0, 6.5 if policy == EVIDENCE else 5.5),
            textcoords="offset points",
            ha="right" if inside > 0.8 * widest else "center",
            fontsize=8,
            color=colour if policy in COLOURS else "#5b616b",
            weight="bold" if policy == EVIDENCE else "normal",
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
        )
    axis.axvline(0, color=INK, lw=0.9, zorder=1)
    axis.set_title(scored.matrix.metric.shown, fontsize=10.5, loc="left", color=INK)
    axis.set_xlim(lowest, widest * 1.03)
    axis.locator_params(axis="x", nbins=4)
    axis.xaxis.set_major_formatter(lambda value, _: f"{round(100 * value, 2):g} %")
    axis.tick_params(length=0, colors="#5b616b")
    axis.set_yticks(range(len(SHOWN)), list(reversed(SHOWN)))
    for label, policy in zip(axis.get_yticklabels(), reversed(SHOWN), strict=False):  # only the first column has them
        label.set_color(COLOURS.get(policy, "#5b616b"))
    axis.set_ylim(-0.5, len(SHOWN) - 0.25)
    axis.spines[:].set_visible(False)
    axis.grid(axis="x", color=RULE, lw=0.7)
    axis.set_axisbelow(True)


def _text(mean: float) -> str:
    return f"{100 * mean:.1f} %" if abs(mean) >= 0.01 else f"{round(100 * mean, 2) + 0.0:.2f} %"  # noqa: PLR2004 - a digit more
