# Generated from the OpenAPI document by make docs-tables: do not edit.
"""The answers of the operations with the tag recommend."""

from __future__ import annotations

from typing import Any, Literal

from lossary import result
from lossary.answers.profile import Notice, Task

Scenario = Literal[
    "house_prices",
    "salaries",
    "box_regression",
    "spam",
    "disease_diagnosis",
    "multilabel_images",
    "image_classification",
    "text_many_classes",
    "small_objects",
    "rare_disease",
    "face_recognition",
    "person_reidentification",
    "similarity_matching",
    "image_generation",
    "style_transfer",
    "super_resolution",
    "tumour_segmentation",
]


class Against(result.Result):
    """Another loss on the same data."""

    __slots__ = ()

    objective: str
    decided: str
    value: float
    difference: float
    interval: list[Any]


class AlternativeAnswer(result.Result):
    """Another objective worth trying."""

    __slots__ = ()

    objective: str
    prefer_when: str
    repair: list[RepairAnswer]
    origin: Literal["rule", "catalogue"]


class Ask(result.Result):
    """A question that only a person can answer, and whose answer changes which loss is right."""

    __slots__ = ()

    fact: str
    question: str
    how_to_tell: str
    answers: list[AskAnswer]


class AskAnswer(result.Result):
    """One possible answer to an open question."""

    __slots__ = ()

    value: str
    meaning: str
    objective: str


class AtLeast(result.Result):
    """The recommendation changes when the fact reaches a number."""

    __slots__ = ()

    fact: str
    at_least: float
    objective: str


class Below(result.Result):
    """The recommendation changes when the fact falls below a number."""

    __slots__ = ()

    fact: str
    below: float
    objective: str


class BookAnswer(result.Result):
    """The answer of one rule book."""

    __slots__ = ()

    objective: str
    heads: list[HeadAnswer]
    section: str | None
    rule: str
    sources: list[Source]
    measured: list[Regret]
    compared: list[Comparison]


class Comparison(result.Result):
    """The loss that a rule recommends, compared with other losses on the same data.

    Those are its alternatives, what it rules out, and the defaults of libraries.
    """

    __slots__ = ()

    data: str
    metric: str
    better: Literal["lower", "higher"]
    unit: Literal["relative", "absolute"]
    objective: str
    decided: str
    value: float
    against: list[Against]
    repeats: int
    origins: int
    holds: bool
    command: str


class Decision(result.Result):
    """How to decide by the probabilities: the threshold between yes and no, or which of several classes to take."""

    __slots__ = ()

    threshold: float | None
    on: Literal["probability"]
    formula: str
    because: str
    source: str


class Experiment(result.Result):
    """A plan of a small experiment that compares losses, as the article finally advises."""

    __slots__ = ()

    candidates: list[str]
    metric: str
    how: str
    request: ExperimentDraft | None


class ExperimentDraft(result.Result):
    """The body of POST /v1/experiments."""

    __slots__ = ()

    dataset: str | None
    target: str | None
    task: Task
    goal: Goal
    candidates: Literal["auto"]
    models: list[Literal["linear", "mlp"]]
    folds: int
    repeats: int
    budget_seconds: float
    seed: int


class Fired(result.Result):
    """One condition of a rule, compared with what is known."""

    __slots__ = ()

    rule: str
    fact: str
    value: float | str
    interval: list[Any] | None
    operator: Literal[">=", "<", "==", "in", "known"]
    threshold: float | str
    margin: float | None
    because: str
    source: str


class Goal(result.Result):
    """What the model is for, which decides more than any measured fact.

    Missing parts are assumed, and the answer says so.
    """

    __slots__ = ()

    metric: str | None
    functional: Literal["mean", "median", "quantile", "interval", "distribution"] | None
    quantile: float | None
    coverage: float | None
    decision: Literal["probabilities", "ranking", "balanced", "accuracy"] | None
    segmentation: Literal["overlap", "boundary", "probabilities"] | None
    outliers: Literal["errors", "signal", "unknown"] | None
    empty_masks: bool | None
    false_negative_cost: float | None
    cost_matrix: list[list[float]] | None
    boxes: Literal["coordinates", "iou"] | None
    ranking: Literal["ndcg", "pairs", "top_one"] | None
    generation: Literal["adversarial", "likelihood"] | None


class HeadAnswer(result.Result):
    """The objective of one output of the model."""

    __slots__ = ()

    head: str
    objective: str
    activation: str


class OtherGoal(result.Result):
    """What the rule book would recommend if one part of the goal were different."""

    __slots__ = ()

    goal: Goal
    objective: str


class ParameterAnswer(result.Result):
    """A parameter of the recommended loss, and how it was computed."""

    __slots__ = ()

    loss: str
    name: str
    value: float
    formula: str
    source: str


class Recommendation(result.Result):
    """Which loss to use and why, what nearly decided otherwise, and what was assumed."""

    __slots__ = ()

    summary: str
    ask: Ask | None
    task: Task
    scenario: Scenario | None
    goal: Goal
    recommended: Recommended | None
    article: BookAnswer | None
    evidence: BookAnswer | None
    agreement: Literal["agree", "refine", "conflict"] | None
    parameters: list[ParameterAnswer]
    repair: list[RepairAnswer]
    decision: Decision | None
    fired: list[Fired]
    nearly: list[Fired]
    counterfactual: Below | AtLeast | None
    other_goals: list[OtherGoal]
    alternatives: list[AlternativeAnswer]
    ruled_out: list[RuledOutAnswer]
    warnings: list[Notice]
    assumptions: list[str]
    borderline: bool
    experiment: Experiment
    snippets: Snippets
    rules_hash: str
    version: str


class Recommended(result.Result):
    """The answer of the rule book that was asked for."""

    __slots__ = ()

    objective: str
    heads: list[HeadAnswer]
    rulebook: Literal["article", "evidence"]


class Regret(result.Result):
    """The distance of a rule's answers from the best loss in hindsight, where the rule decided."""

    __slots__ = ()

    metric: str
    unit: Literal["relative", "absolute"]
    mean_regret: float
    interval: list[Any]
    cells: int
    clusters: int
    other_book: float | None
    best_constant: float
    tied: bool


class RepairAnswer(result.Result):
    """How the output of one head becomes a probability."""

    __slots__ = ()

    head: str
    formula: str
    code: str
    exact_where: str


class RuledOutAnswer(result.Result):
    """An objective that does not fit this case."""

    __slots__ = ()

    objective: str
    because: str


class Snippets(result.Result):
    """Code that runs; comments say where another library takes its inputs in another form."""

    __slots__ = ()

    pytorch: str
    keras: str | None
    optax: str | None


class Source(result.Result):
    """What a rule rests on."""

    __slots__ = ()

    rule: str
    text: str
    strength: Literal["A", "B", "C", "D", "P"] | None
