"""The file that the engine cites: the regret of each rule of either book where it decided."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.regret.cells import HERE, RESULTS
from benchmarks.regret.protocol import digest
from benchmarks.regret.score import ARTICLE, BEST_CONSTANT, EVIDENCE, EVIDENCE_UNTOLD, Family, Scored
from benchmarks.regret.statistics import Estimate, estimate, noise_of_mean
from recommender.rules.measured_regret import MeasuredRegrets, Regret

CITED = HERE.parents[1] / "recommender" / "rules" / "measured_regret.json"
DIGITS = 5


def version() -> str:
    """Return 12 digits that change with the protocol and with any stored score."""
    whole = hashlib.sha256(digest().encode())
    for path in sorted(RESULTS.glob("*.gz")):
        whole.update(path.read_bytes())
    return whole.hexdigest()[:12]


def cite(families: Iterable[Family], path: Path = CITED) -> None:
    """Write the file."""
    rules: dict[str, list[Regret]] = {}
    for family in families:
        for scored in family.scored.values():
            for rule, entry in by_rule(scored):
                rules.setdefault(rule, []).append(entry)
    whole = MeasuredRegrets(version=version(), rules=rules).model_dump(mode="json")
    path.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def by_rule(scored: Scored) -> Iterator[tuple[str, Regret]]:
    """Yield every rule that decided somewhere, with its measured regret.

    Some rules decide only where the question does not state what outliers are.
    """
    seen: set[str] = set()
    for policy, other in ((EVIDENCE, ARTICLE), (EVIDENCE_UNTOLD, ARTICLE), (ARTICLE, EVIDENCE)):
        decided = scored.rules.get(policy, [])
        for rule in sorted(set(decided) - seen):
            yield rule, _regret(scored, np.array([name == rule for name in decided]), policy, other)
        seen |= set(decided)


def _regret(scored: Scored, here: np.ndarray, policy: str, other: str) -> Regret:
    clusters = [cell.cluster for cell, kept in zip(scored.matrix.cells, here, strict=True) if kept]

    def of(name: str) -> Estimate:
        return estimate(scored.regrets[name][here], clusters)

    mine, constant, metric = of(policy), of(BEST_CONSTANT).mean, scored.matrix.metric
    return Regret(
        metric=metric.shown,
        unit="relative" if metric.relative else "absolute",
        mean_regret=round(mine.mean, DIGITS),
        interval=(round(mine.low, DIGITS), round(mine.high, DIGITS)),
        cells=int(here.sum()),
        clusters=len(set(clusters)),
        other_book=round(of(other).mean, DIGITS) if other in scored.regrets else None,
        best_constant=round(constant, DIGITS),
        tied=abs(mine.mean - constant) <= noise_of_mean(scored.variances(policy, BEST_CONSTANT)[here], clusters),
    )
