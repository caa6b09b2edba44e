"""The fields of a recommendation."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from recommender.notices import Notice
from recommender.profile import Goal
from recommender.recommendation.agreement import Agreement
from recommender.rules.measured_comparisons import Comparison
from recommender.rules.measured_regret import Regret
from recommender.rules.table import Operator, RulebookName, Strength
from recommender.tasks import Scenario, Task

Origin = Literal["rule", "catalogue"]


class _Part(BaseModel):
    """A part of an answer; extra fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HeadAnswer(_Part):
    """The objective of one output of the model."""

    head: str
    objective: str
    activation: str = Field(description="What the output goes through before it is read as a prediction.")


class Recommended(_Part):
    """The answer of the rule book that was asked for."""

    objective: str = Field(description="Text that every other endpoint takes; of several heads, their sum.")
    heads: list[HeadAnswer]
    rulebook: RulebookName


class Source(_Part):
    """What a rule rests on."""

    rule: str
    text: str
    strength: Strength | None = Field(
        description="A theorem, B controlled comparison on many data sets, C one paper, D library default, P our own "
        "benchmark; null for the article."
    )


class BookAnswer(_Part):
    """The answer of one rule book."""

    objective: str
    heads: list[HeadAnswer]
    section: str | None = Field(description="Where in the article; of several heads, one each. Null for evidence.")
    rule: str = Field(description="The row that decided; of several heads, one each.")
    sources: list[Source] = Field(description="What the deciding rows rest on.")
    measured: list[Regret] = Field(description="What our benchmark measured where these rows decided; can be empty.")
    compared: list[Comparison] = Field(
        description="What these rows recommend, measured against what they name as alternatives; can be empty."
    )


class ParameterAnswer(_Part):
    """A parameter of the recommended loss, and how it was computed."""

    loss: str
    name: str
    value: float
    formula: str
    source: str


class Fired(_Part):
    """One condition of a rule, compared with what is known."""

    rule: str
    fact: str
    value: float | str
    interval: tuple[float, float] | None
    operator: Operator
    threshold: float | str
    margin: float | None = Field(description="Value minus threshold, positive inside; null where there is no number.")
    because: str
    source: str


class Below(_Part):
    """The recommendation changes when the fact falls below a number."""

    fact: str
    below: float
    objective: str


class AtLeast(_Part):
    """The recommendation changes when the fact reaches a number."""

    fact: str
    at_least: float
    objective: str


class RepairAnswer(_Part):
    """How the output of one head becomes a probability."""

    head: str
    formula: str = Field(description="v is the output, z before its activation, p the probability, k a class.")
    code: str = Field(
        description="A module that defines `probability`: it takes predictions as the loss does, and what else of its "
        "arguments has one number a class."
    )
    exact_where: str


class Decision(_Part):
    """How to decide by the probabilities: the threshold between yes and no, or which of several classes to take."""

    threshold: float | None = Field(description="Yes from this probability on; null for several classes.")
    on: Literal["probability"] = Field(
        description="The output after its activation and, where `repair` has one for it, after the repair."
    )
    formula: str
    because: str
    source: str


class AlternativeAnswer(_Part):
    """Another objective worth trying."""

    objective: str
    prefer_when: str
    repair: list[RepairAnswer]
    origin: Origin = Field(description="Whether a rule names it, or it is a loss of the catalogue that fits as well.")


class OtherGoal(_Part):
    """What the rule book would recommend if one part of the goal were different."""

    goal: Goal
    objective: str


class RuledOutAnswer(_Part):
    """An objective that does not fit this case."""

    objective: str
    because: str


class AskAnswer(_Part):
    """One possible answer to an open question."""

    value: str
    meaning: str
    objective: str = Field(description="What the evidence book recommends then.")


class Ask(_Part):
    """A question that only a person can answer, and whose answer changes which loss is right."""

    fact: str = Field(description="Where to say the answer: a part of the goal or a fact of the profile.")
    question: str
    how_to_tell: str
    answers: list[AskAnswer]


class ExperimentDraft(_Part):
    """The body of POST /v1/experiments."""

    dataset: str | None = Field(default=None, description="The id of a dataset; yours to name where it is null.")
    target: str | None = Field(default=None, description="The column to predict; yours to name where it is null.")
    task: Task
    goal: Goal
    candidates: Literal["auto"] = Field(
        default="auto",
        description="Both books' answers and their alternatives, log links, Cauchy's loss and label smoothing where "
        "they fit.",
    )
    models: list[Literal["linear", "mlp"]] = ["linear", "mlp"]
    folds: int = 5
    repeats: int = 3
    budget_seconds: float = 60
    seed: int = 0


class Experiment(_Part):
    """A plan of a small experiment that compares losses, as the article finally advises."""

    candidates: list[str]
    metric: str
    how: str
    request: ExperimentDraft | None = Field(
        description="The body of POST /v1/experiments that would settle it, ready to send once dataset and target are "
        "named; null for tasks whose models are not made of table columns."
    )


class Snippets(_Part):
    """Code that runs; comments say where another library takes its inputs in another form."""

    pytorch: str = Field(description="Empty where nothing is recommended.")
    keras: str | None = Field(description="Null where Keras cannot say this objective.")
    optax: str | None = Field(description="Null where optax cannot say this objective.")


class Recommendation(_Part):
    """Which loss to use and why, what nearly decided otherwise, and what was assumed."""

    summary: str = Field(
        description="One sentence to act on: which loss to take for this goal, and why; of two answers, which of them, "
        "and what each measured."
    )
    ask: Ask | None = Field(description="The question whose answer would change which loss is right; null where none.")
    task: Task
    scenario: Scenario | None
    goal: Goal = Field(description="The goal in force, defaults filled in; `assumptions` names those.")
    recommended: Recommended | None = Field(
        description="The answer of the book asked for, or of the other where that is silent; null where both are."
    )
    article: BookAnswer | None = Field(description="Null where the article says nothing of the task.")
    evidence: BookAnswer | None = Field(description="Null where no evidence row speaks of the task.")
    agreement: Agreement | None = Field(
        description="agree: both books give the same text. refine: the evidence keeps the article's losses with other "
        "parameters or more terms. conflict: otherwise. Null where one book is silent."
    )
    parameters: list[ParameterAnswer]
    repair: list[RepairAnswer] = Field(
        description="One for each head whose output is bent away from the probability and can be bent back."
    )
    decision: Decision | None = Field(
        description="Null where no yes or no was asked for, or where `warnings` says what is missing for it."
    )
    fired: list[Fired] = Field(description="Conditions of the rows that apply; those of the deciding row first.")
    nearly: list[Fired] = Field(description="Conditions missed by a factor of two or less, or inside the interval.")
    counterfactual: Below | AtLeast | None = Field(
        description="The nearest change of one fact that changes the answer."
    )
    other_goals: list[OtherGoal] = Field(
        description="Every other value of one part of the goal that would change the answer; the rest would not."
    )
    alternatives: list[AlternativeAnswer]
    ruled_out: list[RuledOutAnswer]
    warnings: list[Notice]
    assumptions: list[str]
    borderline: bool = Field(description="Whether another answer lies inside the interval of a measured fact.")
    experiment: Experiment
    snippets: Snippets
    rules_hash: str
    version: str = Field(
        description="Of what answered; with `rules_hash` it says whether a stored answer still stands."
    )

    @property
    def objective(self) -> str:
        """The recommended objective, an empty string where no book has a rule; not a field of the answer."""
        return self.recommended.objective if self.recommended else ""
