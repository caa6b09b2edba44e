"""Is the process alive, and is it ready for work?"""

import logging

from fastapi import APIRouter
from pydantic import BaseModel

from service.state import RuntimeInForce

router = APIRouter(tags=["health"])
PATHS = ("/healthz", "/readyz")


def asked_by_a_person(record: logging.LogRecord) -> bool:
    """Keep the probes of an orchestrator, one every few seconds, out of the access log."""
    return not (isinstance(record.args, tuple) and any(path in record.args for path in PATHS))


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """The device losses are computed on has answered."""

    status: str
    device: str


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Alive:
    """Answer without touching the device."""
    return Alive()


@router.get("/readyz", summary="Is the service ready for work?")
async def readyz(runtime: RuntimeInForce) -> Ready:
    """Answer once the device computes."""
    return Ready(status="ready", device=str(runtime.device))
