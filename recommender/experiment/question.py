"""The question of an experiment: the body of POST /v1/experiments."""

from typing import Annotated, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    field_validator,
)

from losses.contract.expression import LONGEST_EXPRESSION
from losses.field_errors import IN_CHINESE
from losses.text import Text
from recommender.errors import BadExperiment
from recommender.profile import Goal
from recommender.tasks import Task

ModelName = Literal["linear", "mlp"]
LearntTask = Literal["regression", "count", "binary", "multiclass", "multilabel", "ordinal", "ranking"]
LEARNT: tuple[str, ...] = get_args(LearntTask)
VERDICT = "/v1/experiments/verdict"
MOST_CANDIDATES = 40
MOST_NAMES = 2_000
SAFE = 2**63  # what JSON holds beyond it is parsed as a float


def _whole(sent: object) -> object:
    """Return a whole number that was too large to be parsed as one as that, so that its bound refuses it."""
    return int(sent) if isinstance(sent, float) and abs(sent) >= SAFE and sent.is_integer() else sent


WholeNumber = Annotated[int, BeforeValidator(_whole)]
_ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=500)]
_Expression = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_EXPRESSION)]
_AUTO, _LIST = "literal['auto']", "list[expression]"
_Candidates = Annotated[  # of a list is said what is wrong with it, and not that it is no text
    Annotated[Literal["auto"], Tag(_AUTO)]
    | Annotated[list[_Expression], Field(min_length=1, max_length=MOST_CANDIDATES), Tag(_LIST)],
    Discriminator(
        lambda sent: _AUTO if sent == "auto" else _LIST if isinstance(sent, list) else None,
        custom_error_type="candidates",
        custom_error_message="should be 'auto' or a list of objectives",
        custom_error_context={IN_CHINESE: "应为 'auto' 或目标函数的列表"},
    ),
]


class ExperimentQuestion(BaseModel):
    """The losses to compare, the columns and the goal; only the target is required."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dataset: str | None = Field(default=None, max_length=100, description="The id of a dataset.")
    target: _ColumnName = Field(description="The column to predict.")
    features: list[_ColumnName] | None = Field(
        default=None, min_length=1, max_length=MOST_NAMES, description="The columns to predict from; null for all."
    )
    task: LearntTask | None = Field(default=None, description="Left out, it is read off the target.")
    query: _ColumnName | None = Field(
        default=None, description="Of ranking: rows with the same value are one list, which is put in order on its own."
    )
    goal: Goal = Goal()
    candidates: _Candidates = Field(
        default="auto",
        description="Objectives to compare; auto: what both rule books answer, their alternatives, and the usual "
        "losses of the task.",
    )
    models: Annotated[list[ModelName], Field(min_length=1, max_length=2)] = Field(
        default=["linear", "mlp"], description="What is trained: a linear model, a network of two layers of 64."
    )
    folds: WholeNumber = Field(default=5, ge=3, le=10)
    repeats: WholeNumber = Field(default=3, ge=1, le=10, description="Partitions into folds, each with a new seed.")
    groups: _ColumnName | None = Field(default=None, description="Rows with the same value stay in one fold.")
    order: _ColumnName | None = Field(default=None, description="Time: no row is predicted from later ones.")
    weights: _ColumnName | None = Field(default=None, description="What each row counts when it is judged.")
    held_out: _ColumnName | None = Field(default=None, description="Rows where it is true are left out of training.")
    budget_seconds: float = Field(default=60.0, gt=0, le=3600, description="Stops adding repeats after that long.")
    seed: WholeNumber = Field(default=0, ge=0, lt=2**31)

    @field_validator("task", mode="before")
    @classmethod
    def _is_learnt(cls, task: object) -> object:
        """Refuse a task that no model here can learn."""
        known = next((other for other in Task if other == task), None)
        if known is not None and known not in LEARNT:
            raise not_learnt(known, "task")
        return task


def not_learnt(task: Task, field: str) -> BadExperiment:
    """Return the refusal of a task that no model here can learn."""
    return BadExperiment(
        field,
        Text(
            f"No model here learns {task}. Train the candidates in your own loop and send the scores of each fold to "
            f"POST {VERDICT}.",
            f"此处没有学习 {task} 的模型。请在自己的训练循环中训练候选损失,并把每一折的得分发送到 POST {VERDICT}。",
        ),
    )
