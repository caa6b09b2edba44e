"""The scores as a page for people, with what is needed to judge whether to believe them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy.stats import wilcoxon

from benchmarks.regret.ablation import ablations, fidelity
from benchmarks.regret.cite import by_rule, version
from benchmarks.regret.markdown import met, percent, table
from benchmarks.regret.protocol import digest, protocol
from benchmarks.regret.score import (
    ADVISED,
    ARTICLE,
    ARTICLE_LITERAL,
    BEST_CONSTANT,
    EVIDENCE,
    EVIDENCE_UNTOLD,
    LIBRARY,
    LUCKY,
    ORACLE,
    RANDOM,
    WORST,
    Family,
    Scored,
)
from recommender.rules.thresholds import bounds_in_force

POLICIES = (EVIDENCE, ADVISED, EVIDENCE_UNTOLD, ARTICLE, ARTICLE_LITERAL, BEST_CONSTANT, LUCKY, LIBRARY, RANDOM)
SUMMARY = (EVIDENCE, ADVISED, EVIDENCE_UNTOLD, ARTICLE, ARTICLE_LITERAL, BEST_CONSTANT, LIBRARY, RANDOM, WORST)
COMPARED = (EVIDENCE, ARTICLE, ARTICLE_LITERAL, BEST_CONSTANT)
WORST_SHOWN = 4


def markdown(families: Sequence[Family], head: str) -> str:
    """Return the whole report."""
    parts = [head.strip(), f"Protocol `{digest()}` ([protocol.json](protocol.json)), results `{version()}`."]
    parts += ["## In short", summary(families), "## What was promised", _promises(families)]
    parts += ["## Thresholds", *(_thresholds(family) for family in families if family.thresholds)]
    for family in families:
        for scored in family.scored.values():
            parts += [f"## {family.name}: {scored.matrix.metric.shown}", *_page(family, scored)]
    return "\n\n".join(parts) + "\n"


def summary(families: Iterable[Family]) -> str:
    """Return a table of mean regrets, with metrics as rows and policies as columns."""
    panels = [scored for family in families for scored in family.scored.values()]
    return table(
        ["mean regret", *SUMMARY],
        ([_named(scored), *(_mean(scored, policy) for policy in SUMMARY)] for scored in panels),
    )


def _named(scored: Scored) -> str:
    """Return the metric with its family: several families have an accuracy."""
    return f"{scored.matrix.family}: {scored.matrix.metric.shown}"


def _mean(scored: Scored, policy: str) -> str:
    """Return the mean regret of a policy, a dash where it was not asked."""
    asked = policy in scored.regrets or policy == WORST
    return percent(scored.estimate(policy).mean) if asked else "-"


def _promises(families: Iterable[Family]) -> str:
    promised = protocol().promises
    head = [
        "metric",
        f"mean regret at most {percent(promised.mean_regret)}",
        f"at most {percent(promised.above_best_constant)} above the best constant",
        f"regret above 10 % in at most {percent(promised.catastrophes)} of cells",
        f"{promised.gap_closed:.0%} of the gap from the best constant to the oracle closed",
    ]
    rows = [[_named(scored), *_kept(scored)] for family in families for scored in family.scored.values()]
    return table(head, rows)


def _kept(scored: Scored) -> Iterator[str]:
    promised, mine, constant = protocol().promises, scored.estimate(EVIDENCE), scored.estimate(BEST_CONSTANT)
    gap = scored.gap(EVIDENCE)
    above = mine.mean - constant.mean
    yield f"{percent(mine.mean)}, {met(mine.mean <= promised.mean_regret)}"
    yield f"{percent(above)}, {met(above <= promised.above_best_constant)}"
    kept = met(mine.catastrophes <= promised.catastrophes)
    yield f"{percent(mine.catastrophes)}, {kept}; halves differ so in {percent(scored.catastrophes_by_noise)}"
    noise = scored.noise(BEST_CONSTANT, ORACLE)
    if constant.mean <= noise:
        yield f"tie: a gap of {percent(constant.mean)}, seed noise {percent(noise)}"
    else:
        shown = f"{gap.share:.0%} ({gap.low:.0%} to {gap.high:.0%}) of {percent(constant.mean)}"
        yield f"{shown}, {met(gap.share >= promised.gap_closed)}"


def _thresholds(family: Family) -> str:
    shipped = bounds_in_force()
    rows = []
    for name, value in family.thresholds.items():
        elsewhere = sorted({setting[name] for setting in family.without.values()})
        rows.append([f"`{name}`", f"{shipped[name]:g}", f"{value:g}", ", ".join(f"{one:g}" for one in elsewhere)])
    return table([family.name, "in the rules", "tuned on all origins", "tuned without one origin"], rows)


def _page(family: Family, scored: Scored) -> Iterator[str]:
    yield _facts(scored)
    yield _regrets(family, scored)
    yield _against(scored)
    yield _strata(family, scored)
    if ADVISED in scored.regrets:
        yield "Each kind of model by itself, its best constant chosen on the same kind:"
        yield _by_model(family, scored)
    yield "Where each rule decided, with *tie* where the best constant is as close as seeds are:"
    yield _rules(scored)
    yield "The evidence book asked otherwise:"
    yield _ablations(family, scored)
    told = fidelity(family, scored)
    yield f"Of {told.checked} printed counterfactuals {told.true} came true; in {told.nearest} nothing changed before."


def _facts(scored: Scored) -> str:
    matrix = scored.matrix
    narrow = np.mean([matrix.oracle(cell) not in matrix.constants for cell in matrix.cells])
    sets, origins = ({getattr(cell, part) for cell in scored.pairs} for part in ("dataset", "cluster"))
    best = ", ".join(f"`{name}`" for name in scored.best)
    sentences = [
        f"{len(sets)} data sets of {len(origins)} origins, {len(scored.pairs)} cells of two halves each.",
        f"Best constant, chosen elsewhere: {best}.",
    ]
    noise = percent(scored.catastrophes_by_noise)
    sentences.append(f"In {noise} of cells the best loss of one half is over 10 % behind the best of the other.")
    if narrow:
        sentences.append(f"In {percent(float(narrow))} of halves the oracle is a loss that only some targets admit.")
    if matrix.diverged:
        sentences.append(f"{matrix.diverged} trainings diverged; each counts as the worst loss of its cell.")
    return " ".join(sentences)


def _regrets(family: Family, scored: Scored) -> str:
    default = protocol().families[family.name].library_default
    shown = {
        policy: f"{policy} (`{default}`)" if policy == LIBRARY else policy
        for policy in POLICIES
        if policy in scored.regrets
    }
    shown[EVIDENCE] = f"**{EVIDENCE}**"
    shown |= {name: f"always `{name}`" for name in scored.matrix.constants}
    rows = []
    for policy, name in shown.items():
        entry = scored.estimate(policy)
        tail = (entry.p95, entry.worst, entry.catastrophes)
        rows.append([name, percent(entry.mean), f"{percent(entry.low)} to {percent(entry.high)}", *map(percent, tail)])
    return table(["policy", "mean regret", "95 % interval", "95th percentile", "worst cell", "over 10 %"], rows)


def _against(scored: Scored) -> str:
    counts, differences = scored.against_constant(EVIDENCE), scored.differences(EVIDENCE)
    test = "no difference to test" if not differences.any() else f"p = {wilcoxon(differences).pvalue:.2g}"
    by_set: dict[str, list[float]] = defaultdict(list)
    for cell, regret in zip(scored.matrix.cells, scored.regrets[EVIDENCE], strict=True):
        by_set[cell.dataset].append(regret)
    worst = sorted(((float(np.mean(values)), name) for name, values in by_set.items()), reverse=True)[:WORST_SHOWN]
    return (
        f"Against the best constant the evidence book wins on {counts.wins} origins, ties on {counts.ties} and loses "
        f"on {counts.losses} (a tie: within seed noise; Wilcoxon's signed rank test on means of origins: {test}). "
        f"Worst data sets: {', '.join(f'{name} {percent(value)}' for value, name in worst)}."
    )


def _strata(family: Family, scored: Scored) -> str:
    listed = protocol().families[family.name]
    groups = {f"*{name}*": strata for name, strata in listed.groups.items() if len(strata) > 1}
    groups |= {name: [name] for name in listed.strata}
    compared = [policy for policy in COMPARED if policy in scored.regrets]
    rows = [
        [name, *(percent(scored.estimate(policy, strata).mean) for policy in compared)]
        for name, strata in groups.items()
    ]
    return table(["stratum", *compared], rows)


def _by_model(family: Family, scored: Scored) -> str:
    rows = []
    for model in protocol().families[family.name].models:
        own = scored.of_model(model)
        for policy in (EVIDENCE, ADVISED, BEST_CONSTANT):
            entry, gap = own.estimate(policy), own.gap(policy)
            closed = "-" if policy == BEST_CONSTANT else f"{gap.share:.0%} ({gap.low:.0%} to {gap.high:.0%})"
            interval = f"{percent(entry.low)} to {percent(entry.high)}"
            rows.append([model, policy, percent(entry.mean), interval, percent(entry.catastrophes), closed])
    return table(["model", "policy", "mean regret", "95 % interval", "over 10 %", "of the gap closed"], rows)


def _rules(scored: Scored) -> str:
    rows = [
        [
            f"`{rule}`",
            str(entry.cells),
            str(entry.clusters),
            f"{percent(entry.mean_regret)} ({percent(entry.interval[0])} to {percent(entry.interval[1])})",
            "-" if entry.other_book is None else percent(entry.other_book),
            f"{percent(entry.best_constant)}{', *tie*' if entry.tied else ''}",
        ]
        for rule, entry in by_rule(scored)
    ]
    return table(["rule", "halves", "origins", "mean regret", "other book there", "best constant there"], rows)


def _ablations(family: Family, scored: Scored) -> str:
    rows = [
        [entry.asked, "names a loss that was not trained" if entry.regret is None else percent(entry.regret)]
        for entry in ablations(family, scored)
    ]
    return table(["question", "mean regret"], rows)
