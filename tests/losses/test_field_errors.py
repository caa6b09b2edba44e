"""The Chinese of pydantic's messages keeps to the codes and the bounds that pydantic has."""

import string
from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import PydanticKnownError

from losses.field_errors import CHINESE, field_error

BOUNDS = dict.fromkeys(("gt", "ge", "lt", "le", "min_length", "max_length", "actual_length"), 7)
CONTEXT = {**BOUNDS, "expected": "'a' or 'b'", "pattern": "^a$", "field_type": "List", "class_name": "A", "error": "e"}


def names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("code", CHINESE)
def test_a_message_in_chinese_names_what_the_error_of_pydantic_names(code: str) -> None:
    english = PydanticKnownError(code, CONTEXT)  # type: ignore[arg-type] # each is a code, or this raises

    chinese = field_error({"type": code, "msg": english.message(), "ctx": CONTEXT})

    assert names(CHINESE[code]) <= names(english.message_template)
    assert chinese.en == english.message().replace("tuple", "list")
    assert all(str(CONTEXT[name]).replace(" or ", " 或 ") in chinese.zh for name in names(CHINESE[code]))


def test_an_error_without_chinese_is_english_in_both_languages() -> None:
    text = field_error({"type": "no_such_code", "msg": "English"})

    assert text.en == text.zh == "English"


@pytest.mark.parametrize("value", ["x", []])
def test_what_is_a_list_in_json_is_called_a_list(value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Annotated[tuple[float, ...], Field(min_length=2)]).validate_python(value)

    message = field_error(refused.value.errors()[0])

    assert "list" in message.en.lower()
    assert "tuple" not in message.en.lower()
