"""The fields of a request whose body is arrays alone: query parameters of the same names."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.datastructures import QueryParams

from losses.contract.expression import parse
from losses.errors import near
from service.problems import BadRequest
from service.uploads.roles import known_roles

ROLES = "roles"
OPTIONS = "options"
_USUAL = ("predictions", "targets")


@lru_cache(512)  # the same few come again and again
def split(query: bytes) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the parameters that are fields, and the roles that arrays without names are, in order.

    `roles=a,b` names them; otherwise they are the inputs that the first `loss` cannot do without.
    Raises: BadRequest for a role that no loss has, UnknownLoss.
    """
    given = QueryParams(query).multi_items()
    fields = tuple((name, value) for name, value in given if name != ROLES)
    named = ",".join(value for name, value in given if name == ROLES)
    if not named:
        loss = next((value for name, value in fields if name == "loss"), None)
        if not loss:
            return fields, _USUAL
        return fields, tuple(dict.fromkeys(role for _, term in parse(loss).terms for role in term.loss.required))
    order, known = tuple(named.split(",")), known_roles()
    if len(set(order)) < len(order):
        raise BadRequest("roles= names an input twice.")
    for role in order:
        if role not in known:
            close = near(role, known)
            hint = f" Did you mean {close}?" if close else ""
            raise BadRequest(f"roles= names an input that no loss has.{hint}")
    return fields, order


def fields(model: type[BaseModel], given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return query parameters as the fields of a model; those of its options stand beside the others."""
    nested = model.model_fields.get(OPTIONS)
    kind = nested.annotation if nested else None
    options = set(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else set()
    found: dict[str, Any] = {}
    inner: dict[str, Any] = {}
    for name, text in given:
        into = inner if name in options else found
        value = _scalar(text)
        if name not in into:
            into[name] = value
        else:
            earlier = into[name]
            into[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
    if inner and OPTIONS in found:
        raise BadRequest("Options stand in the query one by one, or together as options=; not both.")
    return {**found, OPTIONS: inner} if inner else found


def _scalar(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return true, 3 or an object as JSON has them, anything else as text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
