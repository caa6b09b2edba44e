"""What the arrays sent to POST /v1/advise show: measured facts, completed by those given, and a quick experiment."""

from torch import Tensor

from losses.text import Language, Text, in_language
from recommender.experiment.judging.report import ExperimentReport
from recommender.measure import measure_profile
from recommender.measure.warnings import ON_TARGETS
from recommender.notices import Notice
from recommender.profile import Profile
from recommender.tasks import Task, read_task_and_scenario
from service.compute import Runtime
from service.jobs.jobs import Jobs
from service.routes.advise.schema import AdviseRequest, MeasuredAnswer
from service.routes.jobs.quick_experiment import QuickQuestion, quick_experiment
from service.uploads.roles import OPTIONAL
from service.uploads.upload import Upload

COUNTED = Text(
    en="weights and mask count in the evaluations; the facts were measured on every item.",
    zh="weights 和 mask 只用于评估;各项事实是在全部样本上测得的。",
)


async def measured_arrays(
    request: AdviseRequest, upload: Upload, runtime: Runtime, language: Language
) -> MeasuredAnswer:
    """Return what was measured; where the losses of a task need no targets, the number of items alone."""
    task = _task_of(request)
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


async def compared_by_training(
    request: AdviseRequest, upload: Upload, features: Tensor | None, jobs: Jobs, language: Language
) -> tuple[ExperimentReport, Profile] | None:
    """Return the report of a quick experiment and the facts its pilot model showed, None where it was not asked for."""
    if request.experiment is None:
        return None
    task = _task_of(request)
    mask = upload.roles.get("mask")
    question = QuickQuestion(request.dataset, request.target, task, request.goal, upload.assumed, request.query, mask)
    return await quick_experiment(jobs, question, features, upload.roles.get("targets"), language)


def with_pilot_facts(measured: Profile, pilot: Profile) -> Profile:
    """Return the facts, those about a pilot model's residuals in place of those that the targets alone show."""
    return measured.model_copy(update={name: fact for name, fact in pilot if fact is not None})


def true_of_pilot(warnings: list[Notice], pilot: Profile) -> list[Notice]:
    """Return the warnings that hold once a pilot model's residuals were measured."""
    on_residuals = pilot.outlier_rate is not None
    return [warning for warning in warnings if not (on_residuals and warning.code == ON_TARGETS.code)]


def _task_of(request: AdviseRequest) -> Task | None:
    """Return the task of the request, its scenario or its query; None where the targets decide."""
    if request.task is None and request.scenario is None:
        return None if request.query is None else Task.RANKING
    return read_task_and_scenario(request.task, request.scenario)[0]


def _length(roles: dict[str, Tensor]) -> int:
    return max((len(tensor) for tensor in roles.values() if tensor.ndim), default=0)


def completed_facts(measured: Profile, request: AdviseRequest) -> Profile:
    """Return the measured facts, those that the request states in their place."""
    given = {name: getattr(request.profile, name) for name in request.profile.model_dump(exclude_none=True)}
    features = {} if request.features is None else {"features": request.features}
    return measured.model_copy(update={**features, **given})
