"""The handler of POST /v1/advise: measure, recommend, and evaluate, all on one upload."""

from typing import Any

from fastapi import APIRouter, Response

from losses.contract.expression import parse
from losses.errors import (
    BadOption,
    MissingInput,
    NonFiniteInput,
    ShapeMismatch,
    UnknownInput,
    UnsupportedDtype,
)
from losses.text import Text
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
from recommender.profile import Profile
from recommender.recommendation import recommend as engine
from recommender.recommendation.answer import Recommendation
from recommender.rules.thresholds import bounds_in_force
from service.dependencies import JobsInForce, RuntimeInForce, SettingsInForce, ThresholdsInForce
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
from service.routes.advise.measuring import (
    compared_by_training,
    completed_facts,
    measured_arrays,
    true_of_pilot,
    with_pilot_facts,
)
from service.routes.advise.rivals import evaluated_objective, named_as_losses_do, rivals_of, without_ignored
from service.routes.advise.schema import EXAMPLES, Advice, AdviseRequest
from service.routes.fields.brief import brief_response
from service.routes.fields.language import Spoken
from service.uploads.openapi import declared
from service.uploads.roles import FEATURES, MEASURED, known_roles
from service.uploads.upload import Received

router = APIRouter(prefix="/v1", tags=["advise"])
TAKEN = (*(name for name in known_roles() if name not in MEASURED), FEATURES)
ALONE = Text(
    en="Targets are predicted from features by experiment=quick; ask for it, or leave them out.",
    zh="features 用于 experiment=quick 时预测目标;请求该实验,或去掉 features。",
)


@router.post(
    "/advise",
    summary="Measure arrays, recommend a loss for them, and evaluate it",
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
    compared = await compared_by_training(request, upload, features, jobs, language)
    measured = await measured_arrays(request, upload, runtime, language)
    measured_ms = current().compute_ms
    pilot = compared[1] if compared and "predictions" not in upload.roles else Profile()
    facts = completed_facts(with_pilot_facts(measured.profile, pilot), request)
    recommendation = engine.recommend(
        request.task or (None if request.scenario else measured.task),
        request.scenario,
        facts,
        request.goal,
        rulebook=request.rulebook or settings.rulebook,
        thresholds=bounds,
        language=language,
    )
    upload = await without_ignored(measured.task, request.ignore_index, named_as_losses_do(upload), runtime)
    evaluations = [
        await evaluated_objective(text, role, heads, upload, runtime, language)
        for text, (role, heads) in rivals_of(recommendation).items()
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
        measured=measured.model_copy(update={"profile": facts, "warnings": true_of_pilot(measured.warnings, pilot)}),
        recommendation=recommendation,
        evaluations=evaluations,
        timing_ms={name: round(ms, 3) for name, ms in upload.timing_ms.items()},
        version=VERSION,
        **beside,
    )
    return brief_response(advice, response, exclude_unset=True) if request.brief else advice


def _without(recommendation: Recommendation, codes: set[str]) -> Recommendation:
    """Return a recommendation without the warnings that were already given."""
    kept = [warned for warned in recommendation.warnings if warned.code not in codes]
    return Recommendation.model_validate({**recommendation.model_dump(), "warnings": kept})


def _on_dataset(recommendation: Recommendation, dataset: str | None, assumed: dict[str, Any]) -> Recommendation:
    """Return a recommendation whose experiment request names the dataset and its target column."""
    request = recommendation.experiment.request
    if request is None or dataset is None:
        return recommendation
    target = assumed.get("roles", {}).get("targets")
    named = request.model_copy(update={"dataset": dataset, "target": target})
    plan = recommendation.experiment.model_copy(update={"request": named})
    return recommendation.model_copy(update={"experiment": plan})
