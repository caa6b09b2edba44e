"""A quick experiment within one request: linear models on one partition, solved instead of trained."""

from typing import NamedTuple

from losses.text import Language
from recommender.experiment.features import Columns
from recommender.experiment.judging.report import ExperimentReport
from recommender.experiment.judging.verdict import verdict
from recommender.experiment.plan import plan
from recommender.experiment.question import ExperimentQuestion
from recommender.experiment.run import solve_unit
from recommender.profile import Profile

QUICK_ROWS = 20_000  # of which a second or two is enough


class QuickAnswer(NamedTuple):
    """The verdict for a linear model, and the facts of the target from the pilot model."""

    report: ExperimentReport
    profile: Profile


def quick(question: ExperimentQuestion, columns: Columns, language: Language = "en") -> QuickAnswer:
    """Return the verdict for a linear model, on a sample of at most 20,000 rows.

    `models` and `repeats` of the question are ignored. Raises: what `plan` raises.
    """
    linear = question.model_copy(update={"models": ["linear"], "repeats": 1})
    planned = plan(linear, columns, most_rows=QUICK_ROWS)
    report = verdict(planned, [solve_unit(planned, unit) for unit in planned.units], language)
    return QuickAnswer(report, planned.profile)
