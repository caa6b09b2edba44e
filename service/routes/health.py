"""Liveness, readiness, metrics, and the limits in force."""

import logging

from anyio import to_thread
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel

from service.datasets.store import Datasets
from service.dependencies import (
    DatasetsInForce,
    JobsInForce,
    MetricsInForce,
    ReadinessInForce,
    RuntimeInForce,
    SettingsInForce,
)
from service.jobs.jobs import Jobs
from service.observability.metrics import Metrics
from service.pipeline.properties import properties
from service.problems import DeviceLost, Draining, responses
from service.settings import Settings
from service.uploads.formats.npz import MOST_MEMBERS
from service.uploads.json_bodies.text import MOST_LEVELS
from service.uploads.multipart import MOST_PARTS

log = logging.getLogger("lossary")
router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """The device that computes losses has answered."""

    status: str
    device: str


class Limit(BaseModel):
    """One limit, with the variable that sets it, if there is one."""

    name: str
    value: float
    meaning: str
    variable: str | None


class Limits(BaseModel):
    """Every limit of this service. Sizes are in bytes."""

    limits: list[Limit]


FIXED = [
    Limit(name="json_levels", value=MOST_LEVELS, meaning="The most levels of JSON.", variable=None),
    Limit(name="parts", value=MOST_PARTS, meaning="The most parts of a multipart body.", variable=None),
    Limit(name="npz_members", value=MOST_MEMBERS, meaning="The most arrays in an .npz file.", variable=None),
]


@router.get("/healthz", summary="Report whether the process is alive")
@properties("open", quiet=True)
async def healthz() -> Alive:
    """Answer without touching the device."""
    return Alive()


@router.get("/readyz", summary="Report whether the service is ready", responses=responses(Draining, DeviceLost))
@properties("open", quiet=True)
async def readyz(runtime: RuntimeInForce, readiness: ReadinessInForce) -> Ready:
    """Answer once the device computes, and until the process is told to stop."""
    if readiness.lost:
        raise DeviceLost
    if readiness.draining:
        raise Draining
    return Ready(status="ready", device=str(runtime.device))


@router.get(
    "/metrics",
    summary="Get the metrics in Prometheus' text format",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus's format."}},
)
@properties("metrics", quiet=True)
async def metrics(counted: MetricsInForce, jobs: JobsInForce, datasets: DatasetsInForce) -> Response:
    """Count requests, refusals and evaluations, time them, and say how much memory is reserved and what waits."""
    await to_thread.run_sync(_look, counted, jobs, datasets)
    return Response(counted.page(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


@router.get("/v1/limits", summary="List the limits of a request")
@properties("any key")
async def limits(settings: SettingsInForce) -> Limits:
    """List every limit in force, and the variable that sets it."""
    fields = Settings.model_fields
    settings_in_force = [
        Limit(name=name, value=value, meaning=fields[name].description or "", variable=f"LOSSARY_{name.upper()}")
        for name, value in settings.limits.items()
    ]
    return Limits(limits=[*settings_in_force, *FIXED])


def _look(counted: Metrics, jobs: Jobs, datasets: Datasets) -> None:
    """Update the counts of waiting jobs and stored bytes; without the database the last counts are kept."""
    try:
        counted.kept(*jobs.backlog(), datasets=datasets.stored_bytes(), experiments=jobs.stored_bytes())
    except Exception as error:  # noqa: BLE001 - all else is to be shown all the more
        log.warning("database unreachable", extra={"facts": {"kind": type(error).__name__}})
