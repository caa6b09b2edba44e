"""Mean regret of each policy with its interval, one panel a metric."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

from benchmarks.regret.score import ARTICLE, ARTICLE_LITERAL, BEST_CONSTANT, EVIDENCE, LIBRARY, RANDOM, Family

SHOWN = (EVIDENCE, ARTICLE, ARTICLE_LITERAL, BEST_CONSTANT, LIBRARY, RANDOM)
COLOURS = {EVIDENCE: "#0072b2", ARTICLE: "#d55e00", ARTICLE_LITERAL: "#e69f00"}  # Okabe and Ito
GREY = "#8a8f98"
WIDEST = 0.2  # regrets beyond are cut and written out


def draw(families: Sequence[Family], path: Path) -> None:
    """Write the picture as SVG."""
    panels = [scored for found in families for scored in found.scored.values()]
    mpl.rcParams.update(
        {"font.family": "sans-serif", "font.size": 9, "svg.hashsalt": "lossary", "svg.fonttype": "none"}
    )
    figure, axes = plt.subplots(1, len(panels), figsize=(2.3 * len(panels) + 1.6, 2.9), sharey=True, squeeze=False)
    for axis, scored in zip(axes[0], panels, strict=True):
        found = {policy: scored.estimate(policy) for policy in SHOWN}
        widest = min(WIDEST, 1.15 * max(max(entry.mean, 0.01) for entry in found.values()))
        for place, policy in enumerate(reversed(SHOWN)):
            entry, colour = found[policy], COLOURS.get(policy, GREY)
            axis.plot([min(entry.low, widest), min(entry.high, widest)], [place, place], color=colour, lw=2, alpha=0.45)
            beyond = entry.mean > widest
            size = 6 if policy == EVIDENCE else 4.5
            axis.plot(min(entry.mean, widest), place, ">" if beyond else "o", color=colour, ms=size)
            shown = f"{100 * entry.mean:.1f} %" if abs(entry.mean) >= 0.001 else f"{100 * entry.mean:.2f} %"  # noqa: PLR2004 - a digit more
            axis.annotate(
                shown,
                (min(entry.mean, widest), place),
                (0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=7.5,
                color=colour,
            )
        axis.axvline(0, color="#30343b", lw=0.8)
        axis.set_title(scored.matrix.metric.shown, fontsize=10, loc="left", color="#30343b")
        axis.set_xlim(min(-0.003, 1.1 * min(entry.low for entry in found.values())), widest * 1.12)
        axis.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        axis.tick_params(length=0, colors="#5b616b")
        axis.set_yticks(range(len(SHOWN)), list(reversed(SHOWN)))
        axis.set_ylim(-0.6, len(SHOWN) - 0.2)
        for side in axis.spines.values():
            side.set_visible(False)
        axis.grid(axis="x", color="#e6e8eb", lw=0.6)
        axis.set_axisbelow(True)
    figure.supxlabel("mean regret against the best loss in hindsight; bars: 95 %", fontsize=8.5, color="#5b616b")
    figure.tight_layout(w_pad=1.2)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
