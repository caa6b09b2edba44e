"""A client of Lossary.

    import lossary

    client = lossary.Client("http://127.0.0.1:8000")
    answer = client.recommend(task="binary", profile={"class_imbalance": 1.1})
    print(answer.recommended.objective)  # bce

Arrays, tensors, data frames and paths are sent as they are; answers have their members as attributes and as keys, and
each is a class of `lossary.answers`. What the service refuses is raised as a `LossaryError` with the service's own
sentence. `AsyncClient` has the same methods.
"""

from lossary import answers
from lossary.client import AsyncClient, Client
from lossary.errors import (
    Conflict,
    ConnectionFailed,
    Forbidden,
    LossaryError,
    NotFound,
    QuotaExceeded,
    Refused,
    ServerFault,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from lossary.result import Result

__all__ = [
    "AsyncClient",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "Forbidden",
    "LossaryError",
    "NotFound",
    "QuotaExceeded",
    "Refused",
    "Result",
    "ServerFault",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
    "answers",
]
