"""The objects that live as long as the application, and the FastAPI dependencies that hand them to routes."""

from typing import Annotated, TypedDict

from fastapi import Depends, Request

from service.compute import Runtime
from service.datasets.store import Datasets
from service.jobs.jobs import Jobs
from service.observability.metrics import Metrics
from service.pipeline.auth import Keys
from service.pipeline.inline import Inline
from service.readiness import Readiness
from service.settings import Settings
from service.uploads.shared_memory import Regions


class State(TypedDict):
    """The state that the lifespan yields, typed."""

    settings: Settings
    runtime: Runtime
    metrics: Metrics
    readiness: Readiness
    thresholds: dict[str, float]
    regions: Regions | None  # None where shared memory is off
    datasets: Datasets
    jobs: Jobs
    keys: Keys | None  # None where no key is asked for
    inline: Inline | None  # None where every request is a task


async def _settings(request: Request) -> Settings:
    settings: Settings = request.state.settings
    return settings


async def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.state.runtime
    return runtime


async def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.state.metrics
    return metrics


async def _thresholds(request: Request) -> dict[str, float]:
    thresholds: dict[str, float] = request.state.thresholds
    return thresholds


async def _datasets(request: Request) -> Datasets:
    datasets: Datasets = request.state.datasets
    return datasets


async def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.state.jobs
    return jobs


async def _readiness(request: Request) -> Readiness:
    readiness: Readiness = request.state.readiness
    return readiness


async def _regions(request: Request) -> Regions | None:
    regions: Regions | None = request.state.regions
    return regions


SettingsInForce = Annotated[Settings, Depends(_settings)]
RuntimeInForce = Annotated[Runtime, Depends(_runtime)]
MetricsInForce = Annotated[Metrics, Depends(_metrics)]
ReadinessInForce = Annotated[Readiness, Depends(_readiness)]
ThresholdsInForce = Annotated[dict[str, float], Depends(_thresholds)]
DatasetsInForce = Annotated[Datasets, Depends(_datasets)]
JobsInForce = Annotated[Jobs, Depends(_jobs)]
RegionsInForce = Annotated[Regions | None, Depends(_regions)]
