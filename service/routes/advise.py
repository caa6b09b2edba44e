"""POST /v1/advise: what do these arrays say of the data, which loss fits it, and what does that loss say of them?"""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt
from torch import Tensor

from losses.contract.expression import parse
from losses.contract.work import NUMBER_S
from losses.errors import (
    BadOption,
    DomainViolation,
    MissingInput,
    NonFiniteInput,
    ShapeMismatch,
    UnknownInput,
    UnsupportedDtype,
)
from losses.evaluation.passes import Options
from losses.text import Language, Text, in_language
from losses.version import VERSION
from recommender.errors import (
    BadExperiment,
    BadThreshold,
    NothingToMeasure,
    UnknownMetric,
    UnknownScenario,
    UnknownTask,
    UnknownThreshold,
    UnreadableTargets,
)
from recommender.experiment.judging.report import ExperimentReport
from recommender.loss_inputs import loss_inputs, mask_for, masked
from recommender.measure import measure_profile
from recommender.measure.details import Detail
from recommender.measure.warnings import ON_TARGETS
from recommender.notices import Notice
from recommender.profile import Goal, Profile
from recommender.recommendation import recommend as engine
from recommender.recommendation.answer import Ask, BookAnswer, Recommendation
from recommender.rules.table import RulebookName
from recommender.rules.thresholds import bounds_in_force
from recommender.tasks import Scenario, Task, read_task_and_scenario
from service.compute import Runtime
from service.dependencies import JobsInForce, RuntimeInForce, SettingsInForce, ThresholdsInForce
from service.jobs.jobs import Jobs
from service.pipeline.properties import properties
from service.problems import (
    BadEnvelope,
    BadRequest,
    ComputeDeadline,
    TooLarge,
    UnknownDataset,
    UnsupportedFormat,
    responses,
)
from service.request_record import current
from service.routes.brief import Brief, brief_response
from service.routes.evaluation_schema import Result, result
from service.routes.language import Spoken
from service.routes.quick_experiment import Asked, Question, quick_experiment
from service.uploads.openapi import ASSUMED, DatasetParameter, allowed_texts, declared
from service.uploads.roles import FEATURES, MEASURED, OPTIONAL, known_roles
from service.uploads.upload import Received, Upload

router = APIRouter(prefix="/v1", tags=["advise"])
MOST_EVALUATED = 8  # a row has three alternatives at most, the catalogue about three, and the other book one answer
UNFIT = (BadOption, DomainViolation, MissingInput, NonFiniteInput, ShapeMismatch, UnsupportedDtype)
EvaluatedAs = Literal["recommended", "article", "evidence", "alternative"]
_LOSSES_CALL = {"embeddings": "predictions", "labels": "targets"}
SHARES = Options(gradient="summary")
TAKEN = (*(name for name in known_roles() if name not in MEASURED), FEATURES)
ALONE = Text(
    en="Targets are predicted from features by experiment=quick; ask for it, or leave them out.",
    zh="features 用于 experiment=quick 时预测目标;请求该实验,或去掉 features。",
)
SEVERAL_HEADS = Text(
    en="Its heads have outputs of their own; evaluate each at /v1/evaluate.",
    zh="它的各个输出头各有自己的输出;请在 /v1/evaluate 分别评估。",
)
COUNTED = Text(
    en="weights and mask count in the evaluations; the facts were measured on every item.",
    zh="weights 和 mask 只用于评估;各项事实是在全部样本上测得的。",
)


class AdviseRequest(BaseModel):
    """The fields beside the tensors. Task or scenario left out, the task is read off the targets, and said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: DatasetParameter = None
    task: Annotated[
        str | None, Field(description="What the model puts out.", json_schema_extra=allowed_texts(Task))
    ] = None
    scenario: Annotated[
        str | None,
        Field(description="An application the article names.", json_schema_extra=allowed_texts(Scenario)),
    ] = None
    goal: Goal = Goal()
    rulebook: Annotated[
        RulebookName | None,
        Field(description="Which book `recommended` follows; left out, that of LOSSARY_RULEBOOK, or the article."),
    ] = None
    thresholds: Annotated[
        dict[str, StrictFloat],
        Field(description="Overrides for this request, by the names at /v1/rules.", max_length=64),
    ] = {}
    profile: Annotated[Profile, Field(description="Facts that complete the measured ones, or replace them.")] = (
        Profile()
    )
    features: Annotated[
        StrictInt | None,
        Field(
            ge=1,
            description="An array (n, p) is what targets are predicted from by experiment=quick. A whole number is how "
            "many parameters the model effectively fits; say that as profile.features.",
        ),
    ] = None
    experiment: Annotated[
        Asked | None,
        Field(description="quick: compare the losses on the dataset too, by a linear model, within a second or two."),
    ] = None
    target: Annotated[
        str | None,
        Field(description="The column of the dataset to be predicted; the others are predicted from.", max_length=500),
    ] = None
    ignore_index: Annotated[
        StrictInt | None,
        Field(
            description="A label that does not count. Left out, 255, 254 and 65535 do not where other labels are far "
            "below, and labels below 0 do not; a warning says so."
        ),
    ] = None
    brief: Brief = False


class MeasuredAnswer(BaseModel):
    """What was measured, completed and overridden by the facts given: ready for POST /v1/recommend."""

    task: Task
    profile: Profile
    warnings: list[Notice]
    details: dict[str, Detail] = {}


class Evaluated(BaseModel):
    """What one objective says of the predictions. `reason` says why where `result` is null."""

    objective: str
    role: Annotated[
        EvaluatedAs, Field(description="The recommended objective, the answer of the other book, or an alternative.")
    ]
    result: Result | None
    reason: str | None


class Advice(BaseModel):
    """The data, the loss for it, and that loss beside its rivals on the predictions sent."""

    summary: Annotated[str, Field(description="That of the recommendation.")]
    ask: Annotated[Ask | None, Field(description="That of the recommendation.")]
    measured: MeasuredAnswer
    recommendation: Annotated[
        Recommendation, Field(description="As from POST /v1/recommend, without the warnings that `measured` has.")
    ]
    evaluations: list[Evaluated]
    experiment: Annotated[
        ExperimentReport | None, Field(description="What a linear model found, where that was asked for.")
    ] = None
    timing_ms: dict[str, float]
    assumed: Annotated[dict[str, Any] | None, Field(description=ASSUMED)] = None
    version: str


EXAMPLES: dict[str, dict[str, Any]] = {
    "regression with one outlier": {
        "task": "regression",
        "targets": [2.1, 3.9, 6.2, 7.8, 10.1, 40.0],
        "predictions": [2.0, 4.0, 6.0, 8.0, 10.0, 12.0],
        "brief": True,
    },
    "a rare class, and misses that cost ten false alarms": {
        "task": "binary",
        "targets": [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        "predictions": [-2.1, -3.0, -0.4, -1.7, -2.2, 0.3, -1.1, -2.8, -1.9, 0.9],
        "goal": {"false_negative_cost": 10.0},
    },
}


@router.post(
    "/advise",
    summary="Which loss fits these arrays, and what does it say of them?",
    response_model=Advice,
    response_model_exclude_unset=True,
    openapi_extra=declared(AdviseRequest, EXAMPLES, {"task": "regression"}, taken=TAKEN),
    responses=responses(
        BadEnvelope,
        TooLarge,
        UnsupportedFormat,
        BadRequest,
        UnknownTask,
        UnknownScenario,
        UnknownMetric,
        UnknownThreshold,
        BadThreshold,
        MissingInput,
        UnknownInput,
        ShapeMismatch,
        UnsupportedDtype,
        NonFiniteInput,
        UnreadableTargets,
        NothingToMeasure,
        ComputeDeadline,
        UnknownDataset,
        BadExperiment,
    ),
)
@properties("evaluate")
async def advise(
    language: Spoken,
    thresholds: ThresholdsInForce,
    settings: SettingsInForce,
    runtime: RuntimeInForce,
    jobs: JobsInForce,
    response: Response,
    upload: Received,
) -> Advice | Response:
    """Measure the arrays, recommend a loss, and evaluate it beside its alternatives, all on one upload.

    With `experiment=quick` the losses are also compared by training: to predict `targets` from `features` (n, p), or
    the column `target` of a dataset from the others.
    Send targets, predictions and whatever else the losses take. Class counts and priors follow from the targets. What
    cannot be evaluated on these arrays has a reason in place of a result.
    """
    request = upload.read(AdviseRequest)
    bounds = {**thresholds, **request.thresholds}
    bounds_in_force(bounds)
    features = upload.take(FEATURES)
    if features is not None and request.experiment is None:
        raise BadOption(FEATURES, ALONE)
    compared = await _compared(request, upload, features, jobs, language)
    measured = await _measured(request, upload, runtime, language)
    measured_ms = current().compute_ms
    pilot = compared[1] if compared and "predictions" not in upload.roles else Profile()
    facts = _completed(_joined(measured.profile, pilot), request)
    recommendation = engine.recommend(
        request.task or (None if request.scenario else measured.task),
        request.scenario,
        facts,
        request.goal,
        rulebook=request.rulebook or settings.rulebook,
        thresholds=bounds,
        language=language,
    )
    upload = await _counting(measured.task, request.ignore_index, _named_as_losses_do(upload), runtime)
    evaluations = [
        await _evaluated(text, role, heads, upload, runtime, language)
        for text, (role, heads) in _rivals(recommendation).items()
    ]
    done = [parse(entry.objective) for entry in evaluations if entry.result]
    current().losses = tuple(term.loss.id for objective in done for _, term in objective.terms)
    upload.timing_ms |= {"measure": measured_ms, "compute": current().compute_ms - measured_ms}
    response.headers["Server-Timing"] = ", ".join(f"{name};dur={ms:.3f}" for name, ms in upload.timing_ms.items())
    recommendation = _on_dataset(
        _without(recommendation, {warned.code for warned in measured.warnings}), request.dataset, upload.assumed
    )
    beside: dict[str, Any] = {"assumed": upload.assumed} if upload.assumed else {}
    if compared is not None:
        beside["experiment"] = compared[0]
    advice = Advice(
        summary=recommendation.summary if compared is None else compared[0].verdict.summary,
        ask=recommendation.ask,
        measured=measured.model_copy(update={"profile": facts, "warnings": _true_of(measured.warnings, pilot)}),
        recommendation=recommendation,
        evaluations=evaluations,
        timing_ms={name: round(ms, 3) for name, ms in upload.timing_ms.items()},
        version=VERSION,
        **beside,
    )
    return brief_response(advice, response, exclude_unset=True) if request.brief else advice


async def _measured(request: AdviseRequest, upload: Upload, runtime: Runtime, language: Language) -> MeasuredAnswer:
    """Return what was measured; where the losses of a task need no targets, the number of items alone."""
    allowed_texts = request.task is not None or request.scenario is not None
    task = read_task_and_scenario(request.task, request.scenario)[0] if allowed_texts else None
    arrays = upload.roles
    labelled = "targets" in arrays or ("labels" in arrays and (task is None or task.row.measured_as == "embeddings"))
    if task is not None and not task.row.needs_targets and not labelled:
        return MeasuredAnswer(task=task, profile=Profile(n=_length(upload.roles) or None), warnings=[])
    if not labelled:
        upload.need("targets")
    measurement = await runtime.run(
        lambda: measure_profile(
            task,
            arrays.get("targets"),
            arrays.get("predictions"),
            language,
            embeddings=arrays.get("embeddings"),
            labels=arrays.get("labels"),
            features=request.features,
            ignore_index=request.ignore_index,
        ),
    )
    warnings = measurement.warnings
    if set(OPTIONAL) & set(upload.roles):
        notice = Notice(code="measured-on-every-item", text=in_language(COUNTED, language))
        warnings = [*warnings, notice]
    return MeasuredAnswer(
        task=measurement.task, profile=measurement.profile, warnings=warnings, details=measurement.details
    )


async def _compared(
    request: AdviseRequest, upload: Upload, features: Tensor | None, jobs: Jobs, language: Language
) -> tuple[ExperimentReport, Profile] | None:
    """Return what a quick experiment found, None where it was not asked for."""
    if request.experiment is None:
        return None
    allowed_texts = request.task is not None or request.scenario is not None
    task = read_task_and_scenario(request.task, request.scenario)[0] if allowed_texts else None
    asked = Question(request.dataset, request.target, task, request.goal, upload.assumed)
    return await quick_experiment(jobs, asked, features, upload.roles.get("targets"), language)


def _joined(measured: Profile, pilot: Profile) -> Profile:
    """Return the facts, those about a pilot model's residuals in place of those that the targets alone show."""
    return measured.model_copy(update={name: fact for name, fact in pilot if fact is not None})


def _true_of(warnings: list[Notice], pilot: Profile) -> list[Notice]:
    """Return the warnings that hold once a pilot model's residuals were measured."""
    on_residuals = pilot.outlier_rate is not None
    return [warning for warning in warnings if not (on_residuals and warning.code == ON_TARGETS.code)]


async def _counting(task: Task, ignore_index: int | None, upload: Upload, runtime: Runtime) -> Upload:
    """Return the arrays with labels that do not count masked, as they were left out of the facts."""
    targets = upload.roles.get("targets")
    if targets is None:
        return upload
    arrays = await runtime.run(lambda: masked(task, upload.roles, ignore_index), targets.numel())
    return upload if arrays is upload.roles else replace(upload, roles=dict(arrays))


def _named_as_losses_do(upload: Upload) -> Upload:
    """Return the arrays with embeddings and labels under the names that losses have for them."""
    roles = {_LOSSES_CALL.get(role, role): tensor for role, tensor in upload.roles.items()}
    return replace(upload, roles=roles) if len(roles) == len(upload.roles) else upload


def _length(roles: dict[str, Tensor]) -> int:
    return max((len(tensor) for tensor in roles.values() if tensor.ndim), default=0)


def _completed(measured: Profile, request: AdviseRequest) -> Profile:
    given = {name: getattr(request.profile, name) for name in request.profile.model_dump(exclude_none=True)}
    features = {} if request.features is None else {"features": request.features}
    return measured.model_copy(update={**features, **given})


def _rivals(recommendation: Recommendation) -> dict[str, tuple[EvaluatedAs, int]]:
    """Return what to evaluate, the role of each, and how many heads it has; one text once, under its first role."""
    listed: dict[str, tuple[EvaluatedAs, int]] = {}
    heads = 1
    if recommendation.recommended:
        heads = len(recommendation.recommended.heads)
        listed[recommendation.recommended.objective] = ("recommended", heads)
    books: dict[EvaluatedAs, BookAnswer | None] = {
        "article": recommendation.article,
        "evidence": recommendation.evidence,
    }
    for role, book in books.items():
        if book:
            listed.setdefault(book.objective, (role, len(book.heads)))
    for other in recommendation.alternatives:
        listed.setdefault(other.objective, ("alternative", heads))
    return dict(list(listed.items())[:MOST_EVALUATED])


async def _evaluated(
    text: str, role: EvaluatedAs, heads: int, upload: Upload, runtime: Runtime, language: Language
) -> Evaluated:
    """Return the recommended objective and its rivals, each evaluated on the upload or with the reason why not."""
    objective = parse(text)
    numbers = sum(tensor.numel() for tensor in upload.roles.values())
    inputs = (
        SEVERAL_HEADS
        if heads > 1
        else await runtime.run(lambda: loss_inputs(objective, upload.roles), NUMBER_S * numbers)
    )
    if isinstance(inputs, Text):
        return Evaluated(objective=text, role=role, result=None, reason=in_language(inputs, language))
    beside = {name: upload.roles[name] for name in OPTIONAL if name in upload.roles}
    if "mask" in beside:
        beside["mask"] = mask_for(objective, upload.roles)
    try:
        (evaluation,) = await runtime.evaluate(
            [objective],
            Upload(roles={**inputs, **beside}, reserved_bytes=upload.reserved_bytes, sent_before=upload.sent_before),
            SHARES,
        )
    except UNFIT as refusal:
        return Evaluated(objective=text, role=role, result=None, reason=in_language(refusal.text, language))
    return Evaluated(
        objective=text,
        role=role,
        result=Result.model_validate(result(evaluation, with_arrays=False), from_attributes=True),
        reason=None,
    )


def _without(recommendation: Recommendation, codes: set[str]) -> Recommendation:
    """Return a recommendation with every field set, less the warnings already given."""
    kept = [warned for warned in recommendation.warnings if warned.code not in codes]
    return Recommendation.model_validate({**recommendation.model_dump(), "warnings": kept})


def _on_dataset(recommendation: Recommendation, dataset: str | None, assumed: dict[str, Any]) -> Recommendation:
    """Return a recommendation whose request for an experiment names the dataset, and the column that was its target."""
    request = recommendation.experiment.request
    if request is None or dataset is None:
        return recommendation
    allowed_texts = request.model_copy(update={"dataset": dataset, "target": assumed.get("roles", {}).get("targets")})
    plan = recommendation.experiment.model_copy(update={"request": allowed_texts})
    return recommendation.model_copy(update={"experiment": plan})
