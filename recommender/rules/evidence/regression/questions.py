"""The questions that rows of regression are tried on."""

from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.tasks import Task

TASKS = (Task.REGRESSION,)


def with_goal(functional: str = "mean", outliers: str = "errors", **facts: object) -> Question:
    """Return a question with that goal."""
    goal = Goal(functional=functional, outliers=outliers)  # type: ignore[arg-type] # the literals of Goal
    return Question(Task.REGRESSION, profile=Profile(**facts), goal=goal)  # type: ignore[arg-type] # facts by name
