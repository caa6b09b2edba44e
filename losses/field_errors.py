"""What pydantic finds wrong with a field, in both languages."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from losses.text import Text

# By pydantic's code; the names in braces are those of its context. Source: pydantic 2.14, "Validation errors".
CHINESE = {
    "missing": "缺少此字段",
    "extra_forbidden": "没有这个字段",
    "none_required": "应为 null",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为没有小数部分的整数",
    "float_type": "应为数",
    "float_parsing": "应为数",
    "finite_number": "应为有限的数",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "string_type": "应为字符串",
    "string_too_short": "应至少有 {min_length} 个字符",
    "string_too_long": "应最多有 {max_length} 个字符",
    "string_pattern_mismatch": "应符合模式 {pattern}",
    "literal_error": "应为 {expected}",
    "enum": "应为 {expected}",
    "list_type": "应为列表",
    "tuple_type": "应为列表",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "too_short": "应至少有 {min_length} 项,实际有 {actual_length} 项",
    "too_long": "应最多有 {max_length} 项,实际有 {actual_length} 项",
    "json_invalid": "不是 JSON",
}
IN_CHINESE = "in_chinese"  # of the context of an error of our own: the message in Chinese


def custom_error(code: str, text: Text) -> PydanticCustomError:
    """Return an error that a pydantic validator raises, with its message in both languages."""
    return PydanticCustomError(code, text.en, {IN_CHINESE: text.zh})


def field_error(error: Mapping[str, Any]) -> Text:
    """Return the message of one pydantic error in both languages.

    Args:
        error: An entry of `ValidationError.errors()`; its "ctx" supplies the bounds in the message.

    Where no Chinese message is known for the error's type, the English one stands for both.
    """
    english, context = str(error["msg"]), error.get("ctx", {})
    english = english.replace("Tuple", "List").replace("valid tuple", "valid list")  # as JSON calls them
    if IN_CHINESE in context:
        return Text(english, str(context[IN_CHINESE]))
    chinese = CHINESE.get(str(error["type"]))
    if chinese is None:
        return Text(english, english)
    try:
        return Text(english, chinese.format_map(context).replace(" or ", " 或 "))
    except KeyError:
        return Text(english, english)
