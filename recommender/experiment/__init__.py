"""Compare losses by experiment: models trained with every candidate, judged by the metric of the goal.

    question = ExperimentQuestion(target="price", goal={"metric": "mae"})
    planned = plan(question, columns)
    report = verdict(planned, [run_unit(planned, unit) for unit in planned.units])

`plan` refuses what cannot be run before anything is trained; `run_unit` is one repeatable step; `verdict` reports the
best loss, the differences with their uncertainty, and ties. Nothing is read or written.
"""

from recommender.experiment.judging.own_scores import ScoresQuestion, ScoresVerdict, verdict_of_scores
from recommender.experiment.judging.report import ExperimentReport, Standing, Verdict
from recommender.experiment.judging.verdict import standings, verdict
from recommender.experiment.plan import Plan, Unit, plan
from recommender.experiment.question import ExperimentQuestion
from recommender.experiment.quick import QuickAnswer, quick
from recommender.experiment.run import OutOfFold, run_unit

__all__ = [
    "ExperimentQuestion",
    "ExperimentReport",
    "OutOfFold",
    "Plan",
    "QuickAnswer",
    "ScoresQuestion",
    "ScoresVerdict",
    "Standing",
    "Unit",
    "Verdict",
    "plan",
    "quick",
    "run_unit",
    "standings",
    "verdict",
    "verdict_of_scores",
]
