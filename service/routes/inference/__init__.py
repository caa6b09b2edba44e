"""/v2: the Open Inference Protocol. Every loss is a model; the model `objective` takes an expression.

A model's inputs are the roles of the loss, and its first output is `value`; the parameters of the loss and of the
evaluation are the request's `parameters`. Existing clients of KServe and Triton work unchanged.
"""

from service.routes.inference import infer  # noqa: F401 - it adds its route to the router
from service.routes.inference.models import router

__all__ = ["router"]
