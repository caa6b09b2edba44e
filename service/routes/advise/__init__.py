"""POST /v1/advise: measure arrays, recommend a loss for them, and evaluate it."""

from service.routes.advise.route import advise, router

__all__ = ["advise", "router"]
