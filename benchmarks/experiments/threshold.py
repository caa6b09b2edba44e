"""python -m benchmarks.experiments.threshold: from how many standard errors on should the rules be overruled?

The linear experiment of a request to advise, on every fresh table under every stratum: what the chosen candidate costs
on clean rows, over the one that is best there, by the threshold at which the incumbent is replaced.
"""

from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

from benchmarks.experiments.measure import METRICS, Job, columns_of, every_job, outliers_of, question_of
from benchmarks.regret.cells import HALVES
from benchmarks.regret.markdown import percent, table
from recommender.experiment import plan
from recommender.experiment.judging.comparison import compare
from recommender.experiment.judging.selection import chooser, held_out_value, judged
from recommender.experiment.run import solve_unit
from recommender.metrics import METRICS as ROWS

THRESHOLDS = (-np.inf, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, np.inf)  # always the best out of fold; ...; never
Outcome = tuple[str, str, float, float, bool]  # metric, cluster, threshold, regret, whether the incumbent was replaced


def main() -> None:
    """Print mean regret and how often the incumbent is replaced, by threshold."""
    with ProcessPoolExecutor(2) as pool:
        outcomes = [outcome for some in pool.map(of_job, every_job()) for outcome in some]
    for metric in dict.fromkeys(outcome[0] for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome[0] == metric]
        print(f"\n{ROWS[metric].title.en}\n")
        print(table(["overruled above", "mean regret", "replaced"], [_row(own, at) for at in THRESHOLDS]))


def _row(outcomes: list[Outcome], at: float) -> list[str]:
    by_cluster = defaultdict(list)
    for _, cluster, threshold, regret, _ in outcomes:
        if threshold == at:
            by_cluster[cluster].append(regret)
    replaced = np.mean([gone for _, _, threshold, _, gone in outcomes if threshold == at])
    return [
        f"t = {at:g}",
        percent(float(np.mean([np.mean(own) for own in by_cluster.values()]))),
        percent(float(replaced)),
    ]


def of_job(job: Job) -> list[Outcome]:
    """Return the outcomes of both halves under every metric; what outliers are is told."""
    torch.set_num_threads(1)
    return [outcome for half in HALVES for metric in METRICS[job.table.task] for outcome in _of_half(job, half, metric)]


def _of_half(job: Job, half: str, metric: str) -> list[Outcome]:
    outliers = outliers_of(job)[0]
    planned = plan(question_of(job.table.task, metric, outliers), columns_of(job, half))
    output = solve_unit(planned, planned.units[0])
    judgement = judged(planned, [output], "errors" if outliers == "errors" else "signal")
    row, valid = ROWS[metric], ~judgement.diverged
    places = range(len(planned.candidates))
    clean = [held_out_value(planned, output, place, judgement.chosen[place]) for place in places]
    costs = np.array(
        [row.cost(float(value)) if ok and value is not None else np.inf for value, ok in zip(clean, valid, strict=True)]
    )
    incumbent = next(place for place in places if planned.candidates[place].incumbent)
    relative = ROWS[chooser(planned)].is_relative
    outcomes = []
    for at in THRESHOLDS:
        chosen = compare(
            judgement.costs, incumbent, planned.question.folds, valid, 0, relative=relative, overruled_at=at
        ).chosen
        regret = costs[chosen] / costs.min() - 1 if row.is_relative else costs[chosen] - costs.min()
        outcomes.append((metric, job.table.cluster, at, float(regret), chosen != incumbent))
    return outcomes


if __name__ == "__main__":
    main()
