"""The routes that describe the server and its models: every loss, and `objective`, which takes an expression."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from losses.contract import names, registry
from losses.contract.loss import Loss
from losses.errors import UnknownLoss
from losses.text import Text
from losses.version import VERSION
from service.dependencies import RegionsInForce, RuntimeInForce
from service.pipeline.properties import properties
from service.problems import BadRequest, UnknownPath, responses
from service.routes.fields.parameters import KNOWN_PARAMETERS

router = APIRouter(prefix="/v2", tags=["open inference protocol"])
OBJECTIVE = "objective"
MODEL_VERSION = "1"
PLATFORM = "lossary"
ModelParameter = Annotated[
    str,
    Path(description="The id of a loss, or objective.", openapi_examples={"mse": {"summary": "mse", "value": "mse"}}),
]


@router.get("", summary="Describe the server")
@properties("any key", protocol="open inference")
async def server(shared: RegionsInForce) -> dict[str, object]:
    """Describe the server."""
    extensions = ["binary_tensor_data", *(["system_shared_memory"] if shared else [])]
    return {"name": "lossary", "version": VERSION, "extensions": extensions}


@router.get("/health/live", summary="Report whether the server is alive")
@properties("open", quiet=True, protocol="open inference")
async def live() -> dict[str, bool]:
    """Answer as long as the process does."""
    return {"live": True}


@router.get("/health/ready", summary="Report whether the server is ready")
@properties("open", quiet=True, protocol="open inference")
async def ready(_: RuntimeInForce) -> dict[str, bool]:
    """Answer once the device is there."""
    return {"ready": True}


async def _version(request: Request) -> str:
    """Return the version that the path names, the usual one where it names none."""
    version: str = request.path_params.get("version", MODEL_VERSION)
    return version


Version = Annotated[str, Depends(_version)]


@router.get(
    "/models/{model}/ready",
    summary="Report whether a model is ready",
    dependencies=KNOWN_PARAMETERS,
    responses=responses(UnknownPath, BadRequest),
)
@router.get("/models/{model}/versions/{version}/ready", include_in_schema=False, dependencies=KNOWN_PARAMETERS)
@properties("any key", protocol="open inference")
async def model_ready(model: ModelParameter, version: Version) -> dict[str, object]:
    """Answer for every loss."""
    model_named(model, version)
    return {"name": model, "ready": True}


@router.get(
    "/models/{model}",
    summary="Describe the inputs and outputs of a model",
    dependencies=KNOWN_PARAMETERS,
    responses=responses(UnknownPath, BadRequest),
)
@router.get("/models/{model}/versions/{version}", include_in_schema=False, dependencies=KNOWN_PARAMETERS)
@properties("any key", protocol="open inference")
async def metadata(model: ModelParameter, version: Version) -> dict[str, object]:
    """Describe the inputs of a loss; -1 stands for any length, and any float or whole-number datatype is read."""
    named = model_named(model, version)
    loss = named[0] if named else None
    roles = loss.roles if loss else ("predictions", "targets")
    return {
        "name": model,
        "versions": [MODEL_VERSION],
        "platform": PLATFORM,
        "inputs": [{"name": role, "datatype": _usual(loss, role), "shape": _shape(loss, role)} for role in roles],
        "outputs": [{"name": "value", "datatype": "FP64", "shape": [1]}],
    }


@router.post("/repository/index", summary="List models")
@properties("evaluate", protocol="open inference")
async def index() -> list[dict[str, str]]:
    """List every loss, and `objective`."""
    return [
        {"name": name, "version": MODEL_VERSION, "state": "READY", "reason": ""}
        for name in (OBJECTIVE, *registry.catalogue())
    ]


def model_named(name: str, version: str) -> names.Named | None:
    """Return the loss that a model stands for, and the parameters that its name implies; None for `objective`.

    Raises: UnknownPath with the nearest name.
    """
    if version != MODEL_VERSION:
        raise UnknownPath(
            Text(f"The one version of every model is {MODEL_VERSION}.", f"每个模型唯一的版本是 {MODEL_VERSION}。")
        )
    if name == OBJECTIVE:
        return None
    try:
        return names.find(name)
    except UnknownLoss as unknown:
        raise UnknownPath(unknown.text, **unknown.facts) from None


def _usual(loss: Loss | None, role: str) -> str:
    """Return the usual datatype of an input."""
    return "INT64" if loss is not None and loss.bind().domain(role).whole else "FP32"


def _shape(loss: Loss | None, role: str) -> list[int]:
    """Return the shape of an input with -1 for every length."""
    return [-1] * (len(loss.pattern(role).names) if loss is not None else 1)
