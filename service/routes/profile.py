"""POST /v1/profile: what do these arrays say of the data?"""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from losses.errors import MissingInput, UnknownInput
from recommender.errors import NothingToMeasure, UnknownTask, UnreadableTargets
from recommender.measure import measure_profile
from recommender.profile import Profile
from recommender.tasks import Task
from recommender.words import Notice
from service.errors import BadEnvelope, BadRequest, TooLarge, UnsupportedFormat, responses
from service.language import Spoken
from service.state import RuntimeInForce
from service.tensors.upload import Received, declared

router = APIRouter(prefix="/v1", tags=["profile"])


class ProfileRequest(BaseModel):
    """The fields beside the tensors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Annotated[str | None, Field(description="Which facts apply; left out, it is inferred and said.")] = None


class ProfileAnswer(BaseModel):
    """Facts with their intervals, ready to be pasted into POST /v1/recommend."""

    task: Task
    profile: Profile
    warnings: list[Notice]


EXAMPLE = {
    "task": "regression",
    "targets": [2.1, 3.9, 6.2, 7.8, 10.1, 40.0],
    "predictions": [2.0, 4.0, 6.0, 8.0, 10.0, 12.0],
}


@router.post(
    "/profile",
    summary="What do these arrays say of the data?",
    response_model_exclude_none=True,
    openapi_extra=declared(
        ProfileRequest, {"regression with one outlier": EXAMPLE}, {"task": "regression"}, ("targets",)
    ),
    responses=responses(
        BadEnvelope,
        TooLarge,
        UnsupportedFormat,
        BadRequest,
        MissingInput,
        UnknownInput,
        UnknownTask,
        UnreadableTargets,
        NothingToMeasure,
    ),
)
async def profile(upload: Received, runtime: RuntimeInForce, language: Spoken) -> ProfileAnswer:
    """Measure outliers, imbalance, sparsity and the rest, with intervals; on residuals where predictions are sent."""
    request = upload.read(ProfileRequest)
    upload.only("targets", "predictions")
    targets, predictions = upload.need("targets"), upload.roles.get("predictions")
    task, facts, warnings = await runtime.run(
        lambda: measure_profile(request.task, targets, predictions, language), targets.numel()
    )
    return ProfileAnswer(task=task, profile=facts, warnings=warnings)
