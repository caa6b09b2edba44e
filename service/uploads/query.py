"""The fields of a request that are sent as texts: query parameters and form fields.

With any body, a query parameter is a field of the request like those in the body. A field with two different values is
refused.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel
from starlette.datastructures import QueryParams

from losses.contract.expression import parse, split_objectives
from losses.errors import pointer, shown
from losses.text import Text
from service.problems import BadRequest
from service.uploads.roles import known_roles, unknown_input
from service.uploads.tables.column_roles import RequestedColumns

ROLES = "roles"
OPTIONS = "options"
Texts = tuple[tuple[str, str], ...]  # names and values, in the order given
_USUAL = ("predictions", "targets")


class Beside(NamedTuple):
    """The fields of the query, and which arrays or columns are read as which inputs."""

    fields: Texts = ()
    order: tuple[str, ...] = _USUAL  # the roles of arrays without names, one after the other
    requested: RequestedColumns = ()  # roles, and the name or the pattern of names that is each


NOTHING = Beside()


@lru_cache(512)  # the same few come again and again
def split(query: bytes) -> Beside:
    """Return the fields and roles of the query.

    `roles=a,b` gives the roles of arrays without names, which otherwise are the required inputs of the first `loss`;
    `roles=a:x,b:y` maps roles to the user's own names.

    Raises: BadRequest for a role that no loss has, UnknownLoss.
    """
    given = QueryParams(query).multi_items()
    fields = tuple((name, value) for name, value in given if name != ROLES)
    roles = ",".join(value for name, value in given if name == ROLES)
    if roles:
        return Beside(fields, *read_roles(roles))
    loss = next((value for name, value in fields if name == "loss"), None)
    if not loss:
        return Beside(fields)
    order = dict.fromkeys(role for _, term in parse(split_objectives(loss)[0]).terms for role in term.loss.required)
    return Beside(fields, tuple(order))


def read_roles(text: str) -> tuple[tuple[str, ...], RequestedColumns]:
    """Return the roles that `roles=` names in order, or with the name of each.

    Raises: UnknownInput for a role that no loss has; BadRequest for one without a name among others with, or one twice.
    """
    pairs = [entry.partition(":") for entry in text.split(",")]
    known = known_roles()
    for role, _, _ in pairs:
        if role not in known:
            raise unknown_input(role, known)
    with_names = [colon != "" for _, colon, _ in pairs]
    if not any(with_names):
        order = tuple(role for role, _, _ in pairs)
        for place, role in enumerate(order):
            if role in order[:place]:
                raise BadRequest(
                    Text(f"roles= names {pointer(role)} twice.", f"roles= 两次写到 {pointer(role)}。"),
                    pointer=pointer(role),
                )
        return order, ()
    if not all(with_names) or not all(name for _, _, name in pairs):
        raise BadRequest(
            Text(
                "roles= says a name for each role, roles=predictions:y_pred,targets:y_true, or for none.",
                "roles= 为每个输入写明名称(roles=predictions:y_pred,targets:y_true),或都不写名称。",
            )
        )
    return _USUAL, tuple((role, name) for role, _, name in pairs)


@lru_cache(512)
def named(query: bytes) -> Beside:
    """Return the roles of a query beside a body whose arrays have names.

    Raises: BadRequest where `roles=` names roles alone, or names one that no loss has.
    """
    given = tuple(QueryParams(query).multi_items())
    roles = ",".join(value for name, value in given if name == ROLES)
    fields = tuple((name, value) for name, value in given if name != ROLES)
    return Beside(fields, requested=read_names(roles) if roles else ())


def with_form(beside: Beside, form: Texts) -> tuple[Beside, Texts]:
    """Return the fields of the query combined with those of a form.

    Raises: what `named` raises.
    """
    roles = ",".join(value for name, value in form if name == ROLES)
    if not roles:
        return beside, form
    return beside._replace(requested=beside.requested + read_names(roles)), tuple(
        pair for pair in form if pair[0] != ROLES
    )


def read_names(roles: str) -> RequestedColumns:
    """Return which of the user's own names belong to which roles.

    Raises: BadRequest.
    """
    _, requested = read_roles(roles)
    if not requested:
        raise BadRequest(
            Text(
                "The arrays of this body have names. Say which is which, "
                "roles=predictions:y_pred,targets:y_true, or leave roles= out; a list of roles is for .npy "
                "bodies.",
                "此请求体的数组有名称。请写明对应关系(roles=predictions:y_pred,targets:"
                "y_true),或去掉 roles=;输入的列表只用于 .npy 请求体。",
            )
        )
    return requested


def merged_fields(model: type[BaseModel], body: Mapping[str, Any], *beside: Texts) -> dict[str, Any]:
    """Return the fields of the body and those of the query combined.

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
    """Return two sets of fields combined; a field in both must have equal values."""
    for name in more:
        if name in some and some[name] != more[name]:
            raise BadRequest(
                Text(
                    f"{shown(name)} stands in the request twice, with two values: in its body, and beside it or in "
                    "another part. Send it once.",
                    f"{shown(name)} 在请求中出现两次且值不同:一次在请求体中,一次在其旁边或另一部分中。请只发送一次。",
                ),
                field=shown(name),
            )
    return {**some, **more}


def fields(model: type[BaseModel], given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return query parameters as the fields of a model; options are collected in their own member."""
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
        raise BadRequest(
            Text(
                "Options stand in the query one by one, or together as options=; not both.",
                "选项可在查询中逐个写出,或合写为 options=;不能两者兼用。",
            )
        )
    return {**outer, OPTIONS: inner} if inner else outer


def _scalar(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return true, 3 or an object parsed as JSON, any other text unchanged."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
