"""What the rows of classes share: thresholds, alternatives, and the questions they are tried on."""

from losses.text import Text
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.formulas import focal_gamma
from recommender.rules.table import Alternative
from recommender.tasks import Task

TASKS = (Task.MULTICLASS,)


def with_goal(decision: str, **facts: object) -> Question:
    """Return a question with that goal."""
    goal = Goal(decision=decision)  # type: ignore[arg-type] # the literals of Goal
    return Question(Task.MULTICLASS, profile=Profile(**facts), goal=goal)  # type: ignore[arg-type] # facts by name


SAME_FROM_IDS = Alternative(
    "sparse_categorical_ce", Text(en="labels are ids: the same number.", zh="标签为整数索引:数值相同。")
)
INSIST_ON_FOCAL = Alternative(
    "focal_softmax",
    Text(
        en="you insist on focal loss; its output needs the map back to probabilities.",
        zh="坚持使用 Focal 损失;其输出须经映射还原为概率。",
    ),
    computed={"gamma": focal_gamma},
)
