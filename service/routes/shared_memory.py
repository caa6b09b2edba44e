"""/v2/systemsharedmemory: clients on the same machine register shared memory for inputs and outputs.

Without a directory in LOSSARY_SHARED_MEMORY these paths answer 404 and are not documented.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from service.dependencies import RegionsInForce, SettingsInForce
from service.pipeline.properties import properties
from service.problems import (
    BadEnvelope,
    BadRegion,
    BadRequest,
    RegionExists,
    TooLarge,
    UnknownPath,
    UnknownRegion,
    UnsupportedFormat,
    responses,
    validated,
)
from service.uploads.bodies.body import body_of
from service.uploads.json_bodies.text import parsed
from service.uploads.media_type import JSON, require
from service.uploads.openapi import body_of_json
from service.uploads.shared_memory import OFF, Extent, Region, RegionName, Regions

router = APIRouter(prefix="/v2/systemsharedmemory", tags=["open inference protocol"])
EXAMPLE = {"key": "/lossary_example", "offset": 0, "byte_size": 8}
NameInPath = Annotated[
    RegionName,
    Path(description="The name of a region.", openapi_examples={"mine": {"summary": "mine", "value": "mine"}}),
]


async def _on(regions: RegionsInForce) -> Regions:
    """Return the registry of regions.

    Raises: UnknownPath where shared memory is off.
    """
    if regions is None:
        raise UnknownPath(OFF)
    return regions


Kept = Annotated[Regions, Depends(_on)]


@router.get("/status", summary="List the registered regions", responses=responses(UnknownPath))
@properties("evaluate", protocol="open inference")
async def status(regions: Kept) -> list[Region]:
    """List every region."""
    return regions.listed()


@router.get(
    "/region/{name}/status", summary="Describe a region", responses=responses(UnknownPath, UnknownRegion, BadRequest)
)
@properties("evaluate", protocol="open inference")
async def status_of(regions: Kept, name: NameInPath) -> list[Region]:
    """List one region."""
    return [regions.named(name)]


@router.post(
    "/region/{name}/register",
    summary="Register a region of shared memory",
    response_class=Response,
    openapi_extra=body_of_json(Extent, {"eight bytes of a file that is there": EXAMPLE}),
    responses=responses(BadEnvelope, UnknownPath, RegionExists, TooLarge, UnsupportedFormat, BadRequest, BadRegion),
)
@properties("evaluate", protocol="open inference")
async def register(regions: Kept, name: NameInPath, settings: SettingsInForce, http: Request) -> Response:
    """Let infer requests read and write a part of a file of the directory, under a name."""
    # clients of the protocol send no Content-Type
    require(http, JSON, *([] if "content-type" in http.headers else [""]))
    body = await body_of(http).read(settings.max_json_bytes, "max_json_bytes")
    regions.register(name, validated(Extent, parsed(body)))
    return Response()


@router.post(
    "/region/{name}/unregister",
    summary="Unregister a region",
    response_class=Response,
    responses=responses(UnknownPath, BadRequest),
)
@properties("evaluate", protocol="open inference")
async def unregister(regions: Kept, name: NameInPath) -> Response:
    """Forget a region, also one that is not there; its file stays as it is."""
    regions.unregister(name)
    return Response()


@router.post("/unregister", summary="Unregister all regions", response_class=Response, responses=responses(UnknownPath))
@properties("evaluate", protocol="open inference")
async def unregister_all(regions: Kept) -> Response:
    """Forget every region; their files stay as they are."""
    regions.unregister_all()
    return Response()
