"""POST /v1/advise: what do these arrays say of the data, which loss fits it, and what does that loss say of them?"""

from service.routes.advise.route import advise, router

__all__ = ["advise", "router"]
