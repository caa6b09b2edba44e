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
    """The objects that the application's lifespan yields as state."""

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
    """Return the settings of the application."""
    settings: Settings = request.state.settings
    return settings


async def _runtime(request: Request) -> Runtime:
    """Return the runtime of the application."""
    runtime: Runtime = request.state.runtime
    return runtime


async def _metrics(request: Request) -> Metrics:
    """Return the metrics of the application."""
    metrics: Metrics = request.state.metrics
    return metrics


async def _thresholds(request: Request) -> dict[str, float]:
    """Return the thresholds of the application's rules file."""
    thresholds: dict[str, float] = request.state.thresholds
    return thresholds


async def _datasets(request: Request) -> Datasets:
    """Return the datasets of the application."""
    datasets: Datasets = request.state.datasets
    return datasets


async def _jobs(request: Request) -> Jobs:
    """Return the jobs of the application."""
    jobs: Jobs = request.state.jobs
    return jobs


async def _readiness(request: Request) -> Readiness:
    """Return the readiness of the application."""
    readiness: Readiness = request.state.readiness
    return readiness


async def _regions(request: Request) -> Regions | None:
    """Return the shared memory regions of the application; None where shared memory is off."""
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
