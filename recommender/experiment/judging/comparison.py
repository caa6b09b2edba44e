"""Which differences between candidates are real: corrected resampled t-tests over the scores of the folds.

One threshold decides: the incumbent is replaced where another candidate is better by more than one corrected standard
error (t > 1). Better is claimed only at Holm's 5 %; what is not significantly worse than the chosen one, or worse by
less than 1 %, is tied with it.

Sources: Nadeau & Bengio 2003, doi:10.1023/A:1024068626366 (corrected resampled t); Holm 1979; Benavoli et al. 2017,
JMLR 18(77) (region of practical equivalence). Over 15 folds the corrected test called 7.4 % of differences wrongly,
the naive one 16 %; overruling at t > 1 was right in 61 to 65 % of runs. What other
thresholds cost is in benchmarks/experiments/threshold.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]
OVERRULED_AT = 1.0  # corrected standard errors
SIGNIFICANT = 0.05
EQUIVALENT = 0.01  # of the score
DRAWS = 4000
MOST_ROWS_ASKED = 100  # times those there are; beyond it more rows are no answer


@dataclass(frozen=True)
class FoldComparison:
    """The comparison of candidates by the scores of the folds; all arrays have the shape (candidates).

    `t` is that of each candidate against the chosen one, positive where it is worse; `p` is after Holm's correction.
    """

    best: int
    chosen: int
    t_of_best: float  # against the incumbent
    better: bool  # whether the chosen one is better than the incumbent beyond doubt
    means: Numbers
    errors: Numbers
    t: Numbers
    p: Numbers
    tied: Numbers
    apart: Numbers  # of each candidate from the chosen one, positive where it is worse: shares of its cost, or points
    apart_errors: Numbers
    probability_best: Numbers
    lead: float  # of choosing, over the incumbent; of every fold by what the others of its repeat would choose


def compare(
    costs: Numbers,
    incumbent: int,
    folds: int,
    valid: Numbers,
    seed: int,
    *,
    relative: bool = True,
    overruled_at: float = OVERRULED_AT,
    chosen: int | None = None,
    eligible: Numbers | None = None,
) -> FoldComparison:
    """Return which candidate is chosen, unless `chosen` says that, and what is tied with it.

    Shapes: costs (candidates, repeats * folds), the lower the better; valid (candidates), False for what diverged;
    eligible (candidates), False for what is neither chosen nor tied, whatever it costs.
    `relative`: differences count as shares of the cost, rather than as points. `overruled_at`: how many corrected
    standard errors better than the incumbent a candidate has to be.
    """
    costs = np.where(valid[:, None], costs, 0.0)  # what diverged has no scores
    means = np.where(valid, costs.mean(1), np.inf)
    admitted = valid if eligible is None else valid & eligible
    best = int(np.where(admitted, means, np.inf).argmin())
    keep = valid[incumbent]
    t_of_best = _t(costs[incumbent] - costs[best], folds) if keep and best != incumbent else 0.0
    if chosen is None:
        chosen = incumbent if keep and t_of_best <= overruled_at else best
    t = np.array([_t(row - costs[chosen], folds) if ok else np.inf for row, ok in zip(costs, valid, strict=True)])
    others = [place for place in range(len(costs)) if place != chosen and valid[place]]
    p = np.ones(len(costs))
    p[others] = _holm(_p(t[others], costs.shape[1] - 1))
    unit = _unit(means[chosen], relative=relative)
    apart = (means - means[chosen]) / unit
    tied = admitted & ~((p < SIGNIFICANT) & (apart > EQUIVALENT))
    return FoldComparison(
        best=best,
        chosen=chosen,
        t_of_best=t_of_best,
        better=bool(chosen != incumbent and keep and p[incumbent] < SIGNIFICANT),
        means=means,
        errors=np.array([_error(row, folds) if ok else np.inf for row, ok in zip(costs, valid, strict=True)]),
        t=t,
        p=p,
        tied=tied,
        apart=apart,
        apart_errors=np.array([_error(row - costs[chosen], folds) for row in costs]) / unit,
        probability_best=_probability_best(costs, valid, folds, seed),
        lead=_lead(costs, incumbent, folds, admitted, relative=relative),
    )


def rows_to_decide(comparison: FoldComparison, n: int, scores: int) -> int | None:
    """Return how many rows would separate the chosen candidate from the nearest tie.

    The error of a difference is assumed to fall as 1 / sqrt(n). None where there is no tie, or far too many rows are
    needed.
    """
    from scipy.stats import t as student  # noqa: PLC0415 - SciPy is slow to import

    rivals = [place for place in np.flatnonzero(comparison.tied) if place != comparison.chosen]
    if not rivals:
        return None
    nearest = min(rivals, key=lambda place: comparison.means[place])
    observed = abs(float(comparison.t[nearest]))
    wanted = float(student.ppf(1 - SIGNIFICANT / 2, scores - 1))
    factor = (wanted / observed) ** 2 if observed > 0 else np.inf
    return int(round(n * factor, -2)) if 1 < factor <= MOST_ROWS_ASKED else None


def _error(differences: Numbers, folds: int) -> float:
    """Return the corrected standard error of the mean of fold scores; folds share most of their training rows."""
    count = len(differences)
    if count < 2:  # noqa: PLR2004 - one number has no spread
        return float("inf")
    return float(np.sqrt((1 / count + 1 / (folds - 1)) * differences.var(ddof=1)))


def _t(differences: Numbers, folds: int) -> float:
    """Return the corrected t of the mean difference."""
    mean, error = float(differences.mean()), _error(differences, folds)
    if error == 0:
        return 0.0 if mean == 0 else float(np.copysign(np.inf, mean))
    return mean / error


def _p(t: Numbers, freedom: int) -> Numbers:
    """Return the two-sided p-value of t, for no true difference."""
    from scipy.stats import t as student  # noqa: PLC0415 - SciPy is slow to import

    return np.asarray(2 * student.sf(np.abs(t), freedom))


def _holm(p: Numbers) -> Numbers:
    """Return p-values corrected for multiple testing by Holm's method."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def _probability_best(costs: Numbers, valid: Numbers, folds: int, seed: int) -> Numbers:
    """Return each candidate's probability of having the lowest mean cost, under a correlated multivariate t."""
    chance = np.zeros(len(costs))
    rows = costs[valid]
    count = costs.shape[1]
    if len(rows) < 2 or count < 2:  # noqa: PLR2004 - nothing to compare
        chance[valid] = 1.0 / max(1, len(rows))
        return chance
    rng = np.random.default_rng(seed)
    covariance = (1 / count + 1 / (folds - 1)) * np.cov(rows)
    normal = rng.multivariate_normal(np.zeros(len(rows)), covariance, DRAWS, method="svd")
    heavy = normal / np.sqrt(rng.chisquare(count - 1, (DRAWS, 1)) / (count - 1))
    best = (rows.mean(1) + heavy).argmin(1)
    chance[valid] = np.bincount(best, minlength=len(rows)) / DRAWS
    return chance


def _lead(costs: Numbers, incumbent: int, folds: int, valid: Numbers, *, relative: bool) -> float:
    """Return the mean lead over the incumbent of the candidate that the other folds of the same repeat would choose.

    Each row is held out once in a repeat, so the fold whose lead is read has no influence on the choice.
    """
    if not valid[incumbent]:
        return float("nan")
    leads = []
    for repeat in costs.reshape(len(costs), -1, folds).transpose(1, 0, 2):
        for fold in range(folds):
            others = np.delete(repeat, fold, 1)
            best = int(np.where(valid, others.mean(1), np.inf).argmin())
            chosen = best if _t(others[incumbent] - others[best], folds) > OVERRULED_AT else incumbent
            leads.append(repeat[incumbent, fold] - repeat[chosen, fold])
    return float(np.mean(leads) / _unit(float(costs[incumbent].mean()), relative=relative))


def _unit(cost: float, *, relative: bool) -> float:
    """Return the unit of differences: the cost for relative ones, else 1."""
    return max(abs(cost), 1e-300) if relative else 1.0
