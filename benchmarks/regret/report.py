"""The scores as a table for people, and as the file that the engine cites."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.regret.cells import HERE, RESULTS
from benchmarks.regret.score import (
    ARTICLE,
    ARTICLE_LITERAL,
    BEST_CONSTANT,
    EVIDENCE,
    EVIDENCE_UNTOLD,
    LIBRARY,
    RANDOM,
    Family,
    Scored,
)
from benchmarks.regret.statistics import estimate

CITED = HERE.parents[1] / "recommender" / "evidence.json"
POLICIES = (EVIDENCE, EVIDENCE_UNTOLD, ARTICLE, ARTICLE_LITERAL, BEST_CONSTANT, LIBRARY, RANDOM)
BAR, ABOVE, CLOSED, CATASTROPHES = 0.01, 0.005, 0.6, 0.01  # what was promised before the run


def version() -> str:
    """Return 12 digits that change with any stored score."""
    digest = hashlib.sha256()
    for path in sorted(RESULTS.glob("*.gz")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def markdown(families: Iterable[Family], head: str) -> str:
    """Return the whole report."""
    parts = [head.strip()]
    for found in families:
        for scored in found.scored.values():
            parts += [
                f"\n## {found.name}: {scored.matrix.metric.shown}\n",
                *_facts(found, scored),
                "",
                _table(scored),
                "",
            ]
            parts += [_verdict(scored), "", _strata(scored)]
    return "\n".join(parts) + "\n"


def _facts(found: Family, scored: Scored) -> Iterator[str]:
    sets = {cell.dataset for cell in scored.cells}
    yield (
        f"{len(sets)} data sets of {len(set(scored.clusters))} origins, {len(scored.cells)} cells. Seeds of one loss "
        f"differ by {_percent(scored.noise)}. Best constant elsewhere: {', '.join(scored.best)}."
    )
    tuned = ", ".join(f"{name} = {value:g}" for name, value in found.thresholds.items())
    if tuned:
        yield f"Thresholds tuned on all origins (the table uses those tuned without the cell's own): {tuned}."


def _table(scored: Scored) -> str:
    lines = [
        "| policy | mean regret | 95 % interval | 95th percentile | worst | over 10 % |",
        "|---|---|---|---|---|---|",
    ]
    for policy in (*POLICIES, *scored.matrix.constants):
        if policy not in scored.regrets:
            continue
        found = scored.estimate(policy)
        shown = (
            f"**{policy}**"
            if policy == EVIDENCE
            else f"always `{policy}`"
            if policy in scored.matrix.constants
            else policy
        )
        lines.append(
            f"| {shown} | {_percent(found.mean)} | {_percent(found.low)} to {_percent(found.high)} | "
            f"{_percent(found.p95)} | {_percent(found.worst)} | {_percent(found.catastrophes)} |"
        )
    return "\n".join(lines)


def _verdict(scored: Scored) -> str:
    """Return what was promised beside what came out."""
    mine, constant = scored.estimate(EVIDENCE), scored.estimate(BEST_CONSTANT)
    share, low, high = scored.gap(EVIDENCE)
    lines = [
        f"- mean regret at most {_percent(BAR)}: {_percent(mine.mean)}, {_met(mine.mean <= BAR)}",
        (
            f"- at most {_percent(ABOVE)} above the best constant ({_percent(constant.mean)}): "
            f"{_met(mine.mean <= constant.mean + ABOVE)}"
        ),
        (
            f"- regret above 10 % in at most {_percent(CATASTROPHES)} of cells: {_percent(mine.catastrophes)}, "
            f"{_met(mine.catastrophes <= CATASTROPHES)}"
        ),
    ]
    if constant.mean <= scored.noise:
        lines.append("- the gap from the best constant to the oracle is inside the seed noise: a tie")
    else:
        lines.append(
            f"- {CLOSED:.0%} of the gap to the oracle closed: {share:.0%} ({low:.0%} to {high:.0%}), "
            f"{_met(share >= CLOSED)}"
        )
    return "\n".join(lines)


def _strata(scored: Scored) -> str:
    shown = (EVIDENCE, ARTICLE, BEST_CONSTANT)
    lines = [f"| stratum | {' | '.join(shown)} |", "|---|---|---|---|"]
    for stratum in sorted({cell.stratum for cell in scored.cells}):
        means = " | ".join(_percent(scored.estimate(policy, stratum).mean) for policy in shown)
        lines.append(f"| {stratum} | {means} |")
    return "\n".join(lines)


def _met(good: bool) -> str:  # noqa: FBT001 - one word of it
    return "met" if good else "**not met**"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def cite(families: Iterable[Family], path: Path = CITED) -> None:
    """Write the file that the engine cites: regret by rule and metric, where the rule decided."""
    rules: dict[str, list[dict[str, object]]] = {}
    for found in families:
        for scored in found.scored.values():
            for policy, other in ((EVIDENCE, ARTICLE), (ARTICLE, EVIDENCE)):
                for rule in sorted(set(scored.rules[policy])):
                    rules.setdefault(rule, []).append(_entry(scored, rule, policy, other))
    text = json.dumps({"version": version(), "rules": rules}, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def _entry(scored: Scored, rule: str, policy: str, other: str) -> dict[str, object]:
    here = np.array([name == rule for name in scored.rules[policy]])
    clusters = [cluster for cluster, kept in zip(scored.clusters, here, strict=True) if kept]
    mine = estimate(scored.regrets[policy][here], clusters)
    theirs, constant = (estimate(scored.regrets[name][here], clusters).mean for name in (other, BEST_CONSTANT))
    metric = scored.matrix.metric
    return {
        "metric": metric.shown,
        "unit": "relative" if metric.relative else "absolute",
        "mean_regret": round(mine.mean, 5),
        "interval": [round(mine.low, 5), round(mine.high, 5)],
        "cells": int(here.sum()),
        "clusters": len(set(clusters)),
        "other_book": round(theirs, 5),
        "best_constant": round(constant, 5),
        "tied": bool(abs(mine.mean - constant) <= scored.noise),
    }


def summary(families: Iterable[Family]) -> str:
    """Return the table of the README: policies down, metrics across."""
    panels = [scored for found in families for scored in found.scored.values()]
    lines = [
        f"| mean regret | {' | '.join(scored.matrix.metric.shown for scored in panels)} |",
        "|---" * (len(panels) + 1) + "|",
    ]
    lines += [
        f"| {policy} | {' | '.join(_percent(scored.estimate(policy).mean) for scored in panels)} |"
        for policy in (EVIDENCE, ARTICLE, ARTICLE_LITERAL, BEST_CONSTANT, LIBRARY, RANDOM)
    ]
    return "\n".join(lines)
