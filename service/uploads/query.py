"""The fields of a request as texts: query parameters, and parts of a form that are no files.

Whatever the body is, a query parameter is a field of the request like those in the body. Where the same field stands in
two places with two values, the request is refused.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.datastructures import QueryParams

from losses.contract.expression import parse, split_objectives
from losses.errors import near, shown
from service.problems import BadRequest
from service.uploads.roles import known_roles

ROLES = "roles"
OPTIONS = "options"
Texts = tuple[tuple[str, str], ...]  # names and values, in the order given
_USUAL = ("predictions", "targets")


@lru_cache(512)  # the same few come again and again
def split(query: bytes) -> tuple[Texts, tuple[str, ...]]:
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
        return fields, tuple(
            dict.fromkeys(role for _, term in parse(split_objectives(loss)[0]).terms for role in term.loss.required)
        )
    order, known = tuple(named.split(",")), known_roles()
    if len(set(order)) < len(order):
        raise BadRequest("roles= names an input twice.")
    for role in order:
        if role not in known:
            close = near(role, known)
            hint = f" Did you mean {close}?" if close else ""
            raise BadRequest(f"roles= names an input that no loss has.{hint}")
    return fields, order


@lru_cache(512)
def named(query: bytes) -> Texts:
    """Return the parameters beside a body whose arrays have names.

    Raises: BadRequest where `roles=` names them once more.
    """
    given = tuple(QueryParams(query).multi_items())
    if any(name == ROLES for name, _ in given):
        raise BadRequest("roles= is for .npy bodies, whose arrays have no names; those of this body have.")
    return given


def merged_fields(model: type[BaseModel], body: Mapping[str, Any], *beside: Texts) -> dict[str, Any]:
    """Return the fields in the body and those beside it as one.

    Raises: BadRequest where one stands in two places with two values.
    """
    merged = dict(body)
    for given in beside:
        more = fields(model, given)
        if isinstance(merged.get(OPTIONS), dict) and isinstance(more.get(OPTIONS), dict):
            more[OPTIONS] = _joined(merged[OPTIONS], more[OPTIONS])
            del merged[OPTIONS]
        merged = _joined(merged, more)
    return merged


def _joined(some: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    for name in more:
        if name in some and some[name] != more[name]:
            raise BadRequest(
                f"{shown(name)} stands in the request twice, with two values: in its body, and beside it or in another "
                "part. Send it once.",
                field=shown(name),
            )
    return {**some, **more}


def fields(model: type[BaseModel], given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return query parameters as the fields of a model; those of its options stand beside the others."""
    nested = model.model_fields.get(OPTIONS)
    kind = nested.annotation if nested else None
    options = set(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else set()
    outer: dict[str, Any] = {}
    inner: dict[str, Any] = {}
    for name, text in given:
        into = inner if name in options else outer
        value = _scalar(text)
        if name not in into:
            into[name] = value
        else:
            earlier = into[name]
            into[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
    if inner and OPTIONS in outer:
        raise BadRequest("Options stand in the query one by one, or together as options=; not both.")
    return {**outer, OPTIONS: inner} if inner else outer


def _scalar(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return true, 3 or an object as JSON has them, anything else as text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
