"""What the service answers, by name: made of its OpenAPI document by `make docs-tables`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lossary import result

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
Task = Literal[
    "regression",
    "binary",
    "multilabel",
    "multiclass",
    "segmentation",
    "detection",
    "similarity",
    "generation",
    "count",
    "ordinal",
    "ranking",
    "survival",
    "sequence",
    "distillation",
    "multitask",
]


class Advice(result.Result):
    """The data, the loss for it, and that loss beside its rivals on the predictions sent."""

    __slots__ = ()

    summary: str
    ask: Ask | None
    measured: MeasuredAnswer
    recommendation: Recommendation
    evaluations: list[Evaluated]
    experiment: ExperimentReport | None
    timing_ms: Mapping[str, float]
    assumed: Mapping[str, Any] | None
    version: str


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


class ArticleEntry(result.Result):
    """What the article says, and where it is loose."""

    __slots__ = ()

    section: str
    characteristics: Bilingual
    scenarios: Bilingual
    note: Bilingual | None


class Ask(result.Result):
    """A question that only a person can answer, and that changes which loss is right."""

    __slots__ = ()

    fact: str
    question: str
    how_to_tell: str
    answers: list[AskAnswer]


class AskAnswer(result.Result):
    """One of the things that an open question may turn out to be."""

    __slots__ = ()

    value: str
    meaning: str
    objective: str


class AtLeast(result.Result):
    """The answer changes when the fact reaches a number."""

    __slots__ = ()

    fact: str
    at_least: float
    objective: str


class Below(result.Result):
    """The answer changes when the fact falls below a number."""

    __slots__ = ()

    fact: str
    below: float
    objective: str


class Bilingual(result.Result):
    """A sentence in both languages."""

    __slots__ = ()

    en: str
    zh: str


class BookAnswer(result.Result):
    """The answer of one book."""

    __slots__ = ()

    objective: str
    heads: list[HeadAnswer]
    section: str | None
    rule: str
    sources: list[Source]
    measured: list[Regret]
    compared: list[Comparison]


class BookRegret(result.Result):
    """What a rule book recommends, and what that costs on these data."""

    __slots__ = ()

    objective: str
    regret: float | None


class Catalogue(result.Result):
    """Every loss."""

    __slots__ = ()

    losses: list[Row]
    total: int
    version: str


class Column(result.Result):
    """A column of a table."""

    __slots__ = ()

    name: str
    type: str
    missing: int | None


class Comparison(result.Result):
    """What a rule recommends, measured against what it names as alternatives, rules out, or libraries take."""

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


class CurveLine(result.Result):
    """One loss along the axis."""

    __slots__ = ()

    loss: str
    value: list[float]
    gradient: list[float]


class Curves(result.Result):
    """Losses along one axis."""

    __slots__ = ()

    axis: str | None
    target: float | None
    x: list[float]
    curves: list[CurveLine]
    left_out: list[LeftOut]
    version: str


class Dataset(result.Result):
    """A file that was sent, and what it holds: columns, or arrays."""

    __slots__ = ()

    id: str
    media: str
    bytes: int
    created: str
    expires: str
    rows: int | None
    columns: list[Column] | None
    arrays: list[StoredArray] | None
    uri: str | None
    files: int | None
    roles: Mapping[str, list[str]] | None


class DatasetList(result.Result):
    """The datasets of the key that asks, the newest first."""

    __slots__ = ()

    datasets: list[Dataset]


class Decision(result.Result):
    """How to decide by the probabilities: where to cut them into yes and no, or which of several classes to take."""

    __slots__ = ()

    threshold: float | None
    on: Literal["probability"]
    formula: str
    because: str
    source: str


class Detail(result.Result):
    """One measured number, truth or list, with what is known of its error."""

    __slots__ = ()

    value: bool | float | list[float]
    interval: list[Any] | list[list[Any]] | None
    n: int | None
    method: str | None
    basis: str | None


class Evaluated(result.Result):
    """What one objective says of the predictions. `reason` says why where `result` is null."""

    __slots__ = ()

    objective: str
    role: Literal["recommended", "article", "evidence", "alternative"]
    result: Result | None
    reason: str | None


class EvaluationList(result.Result):
    """Evaluations of the key that asks, the newest first."""

    __slots__ = ()

    evaluations: list[EvaluationState]
    next: float | None


class EvaluationState(result.Result):
    """An evaluation: how far it is, and what each loss says once it has ended."""

    __slots__ = ()

    id: str
    status: str
    created: str
    expires: str
    progress: Progress
    links: JobLinks
    question: Mapping[str, Any]
    problem: Mapping[str, Any] | None
    results: list[Result] | None
    # ["items"] is a member by its key alone
    dtype: str | None


class EvaluationWarning(result.Result):
    """Something you may not have meant."""

    __slots__ = ()

    code: str
    text: str


class Evaluations(result.Result):
    """The results in the order asked, and where the time went."""

    __slots__ = ()

    results: list[Result]
    # ["items"] is a member by its key alone
    dtype: str
    device: str
    timing_ms: Mapping[str, float]
    version: str
    assumed: Mapping[str, Any] | None


class Experiment(result.Result):
    """A small plan: the article's last word is to compare by experiment."""

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


class ExperimentLinks(result.Result):
    """Where the rest is."""

    __slots__ = ()

    self: str
    events: str
    cancel: str
    report: str


class ExperimentList(result.Result):
    """Experiments of the key that asks, the newest first."""

    __slots__ = ()

    experiments: list[ExperimentState]
    next: float | None


class ExperimentReport(result.Result):
    """What an experiment found."""

    __slots__ = ()

    task: str
    metric: str
    metric_title: str
    larger_is_better: bool
    rows: int
    target: str
    difference_unit: Literal["relative", "absolute"]
    standings: list[Standing]
    verdict: Verdict
    verdicts: list[Verdict]
    extreme_rows: list[ExtremeRow]
    curves: list[LearningCurve]
    warnings: list[str]
    snippets: Mapping[str, str | None]
    versions: Versions


class ExperimentState(result.Result):
    """An experiment: how far it is, and what it found so far."""

    __slots__ = ()

    id: str
    status: str
    created: str
    expires: str
    progress: Progress
    links: ExperimentLinks
    question: Mapping[str, Any]
    problem: Mapping[str, Any] | None
    task: str | None
    metric: str | None
    metric_title: str | None
    larger_is_better: bool | None
    rows: int | None
    target: str | None
    standings: list[Standing]
    verdict: Verdict | None
    verdicts: list[Verdict]
    extreme_rows: list[ExtremeRow]
    curves: list[LearningCurve]
    warnings: list[str]
    snippets: Mapping[str, str | None] | None
    versions: Versions | None


class ExtremeRow(result.Result):
    """A row that the candidates agree is far from what they predict: a mistake, or what is to be learnt?"""

    __slots__ = ()

    row: int
    target: float
    predicted: float
    sigmas: float


class Fired(result.Result):
    """One condition of one row against what is known."""

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
    """What the model is for. It decides more than any measured fact; what is left out is assumed, and said."""

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


class GradientShares(result.Result):
    """How the absolute gradient is shared among the items: what an outlier does to training, in a number."""

    __slots__ = ()

    absolute_sum: float
    largest: float
    zero_share: float
    top_1_percent_share: float | None
    top_5_percent_share: float | None
    top_10_percent_share: float | None
    by_class: list[float] | None


class HeadAnswer(result.Result):
    """What one output of the model takes."""

    __slots__ = ()

    head: str
    objective: str
    activation: str


class Input(result.Result):
    """One array that the loss takes."""

    __slots__ = ()

    role: str
    axes: str
    domain: str
    optional: bool


class JobLinks(result.Result):
    """Where the rest is."""

    __slots__ = ()

    self: str
    events: str
    cancel: str


class LearningCurve(result.Result):
    """How the metric that chooses went while one candidate was trained, at its best learning rate."""

    __slots__ = ()

    objective: str
    model: Literal["linear", "mlp"]
    epochs: list[float]
    # ["values"] is a member by its key alone


class LeftOut(result.Result):
    """A loss that is not drawn."""

    __slots__ = ()

    loss: str
    because: str


class Limit(result.Result):
    """One limit, and the variable that sets it where it can be set."""

    __slots__ = ()

    name: str
    value: float
    meaning: str
    variable: str | None


class Limits(result.Result):
    """Every limit of this service. Sizes are in bytes."""

    __slots__ = ()

    limits: list[Limit]


class Measured(result.Result):
    """A fact with what is known of its error."""

    __slots__ = ()

    value: float
    interval: list[Any] | None
    n: int | None
    method: str | None
    basis: str | None


class MeasuredAnswer(result.Result):
    """What was measured, completed and overridden by the facts given: ready for POST /v1/recommend."""

    __slots__ = ()

    task: Task
    profile: Profile
    warnings: list[Notice]
    details: Mapping[str, Detail]


class Notice(result.Result):
    """Something the reader should know before trusting an answer."""

    __slots__ = ()

    code: str
    text: str


class OtherGoal(result.Result):
    """What the book would say, were one part of the goal another."""

    __slots__ = ()

    goal: Goal
    objective: str


class OtherVerdict(result.Result):
    """What would be chosen, were outliers the other of errors and signal."""

    __slots__ = ()

    objective: str
    agrees: bool


class Page(result.Result):
    """Everything that is known of a loss."""

    __slots__ = ()

    id: str
    title: str
    tasks: list[str]
    kind: Literal["item", "ratio", "batch"]
    formula: str
    traits: list[str]
    aliases: list[str]
    inputs: list[Input]
    # ["items"] is a member by its key alone
    elements: str
    activation: str
    parameters: Mapping[str, Any]
    alias_parameters: Mapping[str, Mapping[str, Any]]
    elicits: str
    source: str
    article: ArticleEntry | None
    conventions: Mapping[str, Mapping[str, Any]]
    differences: list[str]
    cases: list[WorkedCase]
    snippets: Mapping[str, str]
    version: str


class ParameterAnswer(result.Result):
    """A parameter and how it was computed."""

    __slots__ = ()

    loss: str
    name: str
    value: float
    formula: str
    source: str


class Profile(result.Result):
    """What is known of the data. A fact left out was not measured, and no rule that asks for it applies."""

    __slots__ = ()

    outlier_rate: float | Measured | None
    residual_scale: float | Measured | None
    class_imbalance: float | Measured | None
    positive_share: float | Measured | None
    mask_sparsity: float | Measured | None
    classes: int | Measured | None
    label_encoding: Literal["onehot", "integer"] | None
    multilabel: bool | None
    n: int | Measured | None
    boxes: bool | None
    one_sidedness: float | Measured | None
    outlier_magnitude: float | Measured | None
    outlier_sum_share: float | Measured | None
    total_under_huber: float | Measured | None
    total_under_mae: float | Measured | None
    features: int | Measured | None
    model: Literal["linear", "flexible"] | None
    outlier_pull: float | Measured | None
    tail_index: float | Measured | None
    heteroscedasticity: float | Measured | None
    skewness: float | Measured | None
    mean_median_gap: float | Measured | None
    support: Literal["real", "nonnegative", "positive", "unit", "counts", "circular"] | None
    dispersion: float | Measured | None
    zero_share: float | Measured | None
    events: float | Measured | None
    variance_power: float | Measured | None
    smallest_class: int | Measured | None
    label_noise: float | Measured | None
    ordered: bool | None
    hierarchy: bool | None
    empty_share: float | Measured | None
    small_share: float | Measured | None
    thinness: float | Measured | None
    missing_labels: bool | None
    box_area_spread: float | Measured | None
    supervision: Literal["triplets", "labels", "positive_pairs", "labelled_pairs", "scored_pairs", "none"] | None
    unit_norm: bool | None
    embedding_scale: float | Measured | None
    paired: bool | None


class ProfileAnswer(result.Result):
    """Facts with their intervals, ready to be pasted into POST /v1/recommend, and what else was measured."""

    __slots__ = ()

    task: Task
    profile: Profile
    details: Mapping[str, Detail]
    warnings: list[Notice]
    assumed: Mapping[str, Any] | None
    version: str


class Progress(result.Result):
    """How much is done, of models (learning rates apart) or pieces of files, and how long the rest takes."""

    __slots__ = ()

    done: int
    total: int
    seconds_left: float | None


class Recommendation(result.Result):
    """Which loss, why, what nearly decided otherwise, and what was assumed."""

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
    """The answer of the book that was asked for."""

    __slots__ = ()

    objective: str
    heads: list[HeadAnswer]
    rulebook: Literal["article", "evidence"]


class Regret(result.Result):
    """How far a rule's answers were from the best loss in hindsight, where the rule decided."""

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


class Result(result.Result):
    """What one objective says. `reason` says why where `value` is null."""

    __slots__ = ()

    loss: str
    value: float | None
    numerator: float | None
    denominator: float | None
    kept: int
    ignored: int
    standard_error: float | None
    gradient: GradientShares | None
    per_class: list[float | None] | None
    terms: list[Result] | None
    reason: str | None
    warnings: list[EvaluationWarning]
    # ["values"] is a member by its key alone
    gradients: Any | None


class Row(result.Result):
    """A loss in one line."""

    __slots__ = ()

    id: str
    title: str
    tasks: list[str]
    kind: Literal["item", "ratio", "batch"]
    formula: str
    traits: list[str]
    aliases: list[str]


class RuledOutAnswer(result.Result):
    """An objective that does not fit here."""

    __slots__ = ()

    objective: str
    because: str


class ScoresStanding(result.Result):
    """One loss."""

    __slots__ = ()

    name: str
    value: float
    interval: list[Any] | None
    probability_best: float
    tied: bool
    p_worse: float | None


class ScoresVerdict(result.Result):
    """Which of them, and how sure that is."""

    __slots__ = ()

    chosen: str
    incumbent: str
    replaces_incumbent: bool
    better: bool
    tied_with: list[str]
    summary: str
    metric: str
    rows_judged: int | None
    warnings: list[str]
    lead: float | None
    rows_to_decide: int | None
    standings: list[ScoresStanding]


class Snippets(result.Result):
    """Code that runs; comments say where another library takes its inputs in another form."""

    __slots__ = ()

    pytorch: str
    keras: str | None
    optax: str | None


class Source(result.Result):
    """What a row rests on."""

    __slots__ = ()

    rule: str
    text: str
    strength: Literal["A", "B", "C", "D", "P"] | None


class Standing(result.Result):
    """One candidate with one kind of model."""

    __slots__ = ()

    objective: str
    model: Literal["linear", "mlp"]
    origins: list[Literal["article", "evidence", "alternative", "usual", "asked"]]
    value: float | None
    interval: list[Any] | None
    regret: float | None
    difference: float | None
    difference_interval: list[Any] | None
    probability_best: float
    tied: bool
    p_worse: float | None
    learning_rate: float | None
    epochs: float | None
    diverged: bool
    held_out: float | None


class StoredArray(result.Result):
    """An array of a file of arrays; .npy has no name for it."""

    __slots__ = ()

    name: str | None
    dtype: str
    shape: list[int]


class Verdict(result.Result):
    """Which loss, for one kind of model. It says nothing of another: run it on yours."""

    __slots__ = ()

    model: Literal["linear", "mlp"]
    objective: str
    incumbent: str
    replaces_incumbent: bool
    better: bool
    tied_with: list[str]
    summary: str
    selection: str
    lead: float | None
    rows_to_decide: int | None
    if_outliers_are_signal: OtherVerdict | None
    if_outliers_are_errors: OtherVerdict | None
    books: Mapping[str, BookRegret]


class Versions(result.Result):
    """What made the report."""

    __slots__ = ()

    service: str
    rules_hash: str


class WorkedCase(result.Result):
    """Inputs and what comes out: a value per item, or the value."""

    __slots__ = ()

    params: Mapping[str, Any]
    inputs: Mapping[str, Any]
    gives: Any
