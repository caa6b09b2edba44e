"""Is the process alive, and is it ready for work?"""

from fastapi import APIRouter
from pydantic import BaseModel

from service.state import RuntimeInForce

router = APIRouter(tags=["health"])


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
