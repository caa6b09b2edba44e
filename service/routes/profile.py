"""POST /v1/profile: measure facts of arrays."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from losses.errors import MissingInput, NonFiniteInput, ShapeMismatch, UnknownInput, UnsupportedDtype
from losses.version import VERSION
from recommender.errors import (
    BadBox,
    IdOutOfRange,
    NothingToMeasure,
    NotOneHot,
    NotProbabilities,
    SingleColumn,
    UnknownTask,
    UnreadableTargets,
)
from recommender.measure import measure_profile
from recommender.measure.classes.label_noise import PredictionKind
from recommender.measure.details import Detail
from recommender.notices import Notice
from recommender.profile import Profile
from recommender.tasks import Task
from service.dependencies import RuntimeInForce
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
from service.routes.fields.brief import Brief
from service.routes.fields.language import Spoken
from service.uploads.openapi import ASSUMED, DatasetParameter, allowed_texts, declared
from service.uploads.upload import Received

router = APIRouter(prefix="/v1", tags=["profile"])
ROLES = ("targets", "predictions", "embeddings", "labels")
_MOST_FEATURES = 2**63 - 1  # what an int64 holds


class ProfileRequest(BaseModel):
    """The fields besides the tensors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: DatasetParameter = None
    task: Annotated[
        str | None,
        Field(
            description="Which facts apply; left out, it is inferred and said.", json_schema_extra=allowed_texts(Task)
        ),
    ] = None
    features: Annotated[
        int | None,
        Field(ge=1, le=_MOST_FEATURES, description="Parameters the model effectively fits; it lands in the profile."),
    ] = None
    ignore_index: Annotated[
        StrictInt | None,
        Field(
            description="A label that does not count. Left out, 255, 254 and 65535 do not where other labels are far "
            "below, and labels below 0 do not; a warning says so."
        ),
    ] = None
    predictions_are: Annotated[
        PredictionKind | None,
        Field(description="What the predictions of a classifier are; left out, probabilities where all are 0 to 1."),
    ] = None
    brief: Brief = False  # taken as everywhere, though this answer never has nulls


class ProfileAnswer(BaseModel):
    """Facts with their intervals, ready for POST /v1/recommend, and further measurements."""

    task: Task
    profile: Profile
    details: dict[str, Detail] = Field(description="What no rule reads, by name: for people.")
    warnings: list[Notice]
    assumed: Annotated[dict[str, Any] | None, Field(description=ASSUMED)] = None
    version: str = VERSION


REGRESSION = {
    "task": "regression",
    "targets": [2.1, 3.9, 6.2, 7.8, 10.1, 40.0],
    "predictions": [2.0, 4.0, 6.0, 8.0, 10.0, 12.0],
    "features": 2,
}
MASKS = {
    "task": "segmentation",
    "targets": [[[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]], [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]],
}
BOXES = {"task": "detection", "targets": [[0, 0, 10, 10], [20, 20, 120, 70]]}
EMBEDDINGS = {
    "task": "similarity",
    "embeddings": [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [0.6, 0.8]],
    "labels": [0, 0, 1, 1],
}


@router.post(
    "/profile",
    summary="Measure the facts that rules read",
    response_model_exclude_none=True,
    openapi_extra=declared(
        ProfileRequest,
        {
            "regression with one outlier": REGRESSION,
            "masks, one of them empty": MASKS,
            "boxes": BOXES,
            "embeddings with class labels": EMBEDDINGS,
        },
        {"task": "regression"},
        taken=ROLES,
    ),
    responses=responses(
        BadEnvelope,
        TooLarge,
        UnsupportedFormat,
        UnknownDataset,
        BadRequest,
        MissingInput,
        UnknownInput,
        UnknownTask,
        UnsupportedDtype,
        NonFiniteInput,
        ShapeMismatch,
        UnreadableTargets,
        NothingToMeasure,
        NotOneHot,
        SingleColumn,
        IdOutOfRange,
        NotProbabilities,
        BadBox,
        ComputeDeadline,
    ),
)
@properties("evaluate")
async def profile(upload: Received, runtime: RuntimeInForce, language: Spoken) -> ProfileAnswer:
    """Measure outliers, imbalance, objects and the rest, with intervals.

    Send `targets`, and `predictions` where there are some: a regression is then measured on residuals, and a
    classifier's out-of-fold predictions hint at wrong labels. Masks and boxes (x1, y1, x2, y2) are targets too.
    Similarity is measured on `embeddings` (n, d) and `labels` (n).
    """
    request = upload.read(ProfileRequest)
    upload.only(*ROLES)
    task, facts, warnings, details = await runtime.run(
        lambda: measure_profile(
            request.task,
            language=language,
            features=request.features,
            ignore_index=request.ignore_index,
            predictions_are=request.predictions_are,
            **upload.roles,
        )
    )
    return ProfileAnswer(task=task, profile=facts, details=details, warnings=warnings, assumed=upload.assumed or None)
