"""Answers without members that are null, for human readers: ?brief=1."""

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field

from service.uploads.media_type import JSON

SAID = "Leave out members that are null; they are what does not apply or was not asked for."
Brief = Annotated[bool, Field(description=SAID)]
BriefQuery = Annotated[bool, Query(description=SAID, examples=[True])]


def brief_response(answer: BaseModel, response: Response, *, exclude_unset: bool = False) -> Response:
    """Return an answer without nulls and with the headers of `response`; `exclude_unset` as the route has it."""
    text = answer.model_dump_json(exclude_none=True, exclude_unset=exclude_unset)
    return Response(text, headers=dict(response.headers), media_type=JSON)


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a JSON value without the members of objects that are null."""
    if isinstance(value, dict):
        return {name: without_nulls(entry) for name, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [without_nulls(entry) if isinstance(entry, dict | list) else entry for entry in value]
    return value
