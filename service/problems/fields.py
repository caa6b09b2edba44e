"""Validation of the fields of a request: pydantic's errors become one refusal that names each wrong field."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from losses.errors import did_you_mean, pointer
from losses.field_errors import field_error
from losses.near import near
from losses.text import Text, paragraph
from service.problems.requests import BadRequest

MOST_ERRORS = 10
MOST_MEMBERS = 1024  # of all objects in the fields of a request; each that is wrong takes 10 us to say so
LONGEST_TEXT = 300  # characters of one member; ten errors and the rest stay under 4 KiB
Model = TypeVar("Model", bound=BaseModel)
Nearest = Callable[[str, Iterable[str]], str | None]
IS_AN_INPUT = Text("it is an input, and belongs in the body as an array", "它是输入,应作为数组放在请求体中")
AT_THE_TOP = Text("at the top level, beside the other members", "顶层,与其他成员并列")


def wrong_fields(
    errors: Iterable[Mapping[str, Any]],
    known: Mapping[str, tuple[str, ...]],
    within: tuple[str, ...] = (),
    nearest: Nearest = near,
) -> BadRequest:
    """Return a refusal that lists the first invalid fields, where each stands and what it should be.

    Args:
        errors: The errors of pydantic.
        known: For each field of the request, the members that contain it.
        within: The members that contain the validated data.
        nearest: Returns what an unknown name may stand for: a field, or an input.
    """
    entries: list[dict[str, str]] = []
    messages: list[Text] = []
    total = 0
    for error in errors:
        total += 1
        if len(entries) < MOST_ERRORS:
            entry, message = _field(error, known, within, nearest)
            entries.append(entry)
            messages.append(message)
    first, message = entries[0], messages[0]
    where = first["pointer"]
    wrong = Text(f"{where or 'The body'}: {message.en}.", f"{where or '请求体'}:{message.zh}。")
    more = Text(f"({total} fields are wrong.)", f"(共有 {total} 个字段有误。)") if total > 1 else ""
    text = paragraph(wrong, did_you_mean(first.get("did_you_mean")), more)
    return BadRequest(text, errors=entries, errors_total=total)


def _field(
    error: Mapping[str, Any], known: Mapping[str, tuple[str, ...]], within: tuple[str, ...], nearest: Nearest
) -> tuple[dict[str, str], Text]:
    """Return the entry of `errors` for one invalid field, and its message in both languages."""
    where = [str(part) for part in (*within, *error["loc"]) if part not in ("body", "query", "path")]
    unknown = error["type"] == "extra_forbidden"
    message = field_error(error)
    if unknown:
        message = Text("there is no such field", message.zh)
    suggestion = nearest(where[-1], known) if unknown and where else None
    if suggestion and suggestion == where[-1] and suggestion not in known:
        message, suggestion = IS_AN_INPUT, None
    if suggestion and suggestion == where[-1]:  # it exists, but elsewhere
        inside = known[suggestion]
        home = Text(f"inside `{'.'.join(inside)}`", f"`{'.'.join(inside)}` 之内") if inside else AT_THE_TOP
        message = Text(
            f"there is no such field here; `{suggestion}` belongs {home.en}",
            f"此处没有这个字段;`{suggestion}` 应在{home.zh}",
        )
        suggestion = None
    parts = [part for part in where[:-1] if "[" not in part] + [
        part for part in where[-1:] if unknown or "[" not in part
    ]
    english = message.en[:LONGEST_TEXT]
    entry = {"pointer": pointer(*parts), "code": str(error["type"]), "message": english}
    named = {**entry, "did_you_mean": suggestion} if suggestion else entry
    return named, Text(english, message.zh[:LONGEST_TEXT])


def validated(model: type[Model], data: object, *within: str, nearest: Nearest = near) -> Model:
    """Return `data` as a model; `nearest` returns what an unknown name may stand for.

    Raises: BadRequest that lists every invalid field, with the nearest name for unknown ones.
    """
    members = _members(data)
    if members > MOST_MEMBERS:
        many = Text(
            f"The fields have {members} members; at most {MOST_MEMBERS} are read.",
            f"各字段共有 {members} 个成员;最多读取 {MOST_MEMBERS} 个。",
        )
        raise BadRequest(many, limit=MOST_MEMBERS)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise wrong_fields(errors, field_places(model), within, nearest) from None


def _members(data: object) -> int:
    """Return the number of members of all objects in a JSON value."""
    if isinstance(data, dict):
        return len(data) + sum(map(_members, data.values()))
    if isinstance(data, list) and data and isinstance(data[0], dict | list):
        return sum(map(_members, data))
    return 0


@cache
def field_places(model: type[BaseModel]) -> Mapping[str, tuple[str, ...]]:
    """Return every field of a model and of its member models, with the members that contain it."""
    places: dict[str, tuple[str, ...]] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for inner, path in field_places(field.annotation).items():
                places.setdefault(inner, (name, *path))
    return {**places, **dict.fromkeys(model.model_fields, ())}
