"""The examples of refusals in the OpenAPI document, made by the code that makes real answers."""

import re
from functools import cache
from typing import Any

from losses.errors import Refusal, refusal_kinds
from service.problems import http_status, type_of

INSTANCE = "urn:lossary:request:5f0c8d2e9b7a41d3a6e4c1b2f8d07e95"


def component(title: str) -> str:
    """Return the name of an example in the components of the document."""
    return re.split("[:#]", str(examples()[title]["value"]["type"]))[-1]


@cache
def examples() -> dict[str, dict[str, Any]]:
    """Return an example of each kind of refusal, by its title."""
    titled = [kind for kind in refusal_kinds() if "title" in vars(kind)]
    return {kind.title.en: _shown(kind(**kind.example)) for kind in titled}


def _shown(refusal: Refusal) -> dict[str, Any]:
    """Return an example in OpenAPI's form, with the members of a real answer."""
    kind = type(refusal)
    members = {
        "type": type_of(kind),
        "title": kind.title.en,
        "status": http_status(kind),
        "detail": refusal.message,
        "instance": INSTANCE,
    }
    return {"summary": kind.title.en, "value": {**members, **refusal.facts}}
