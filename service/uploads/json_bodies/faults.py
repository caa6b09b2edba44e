"""Explains why a text is not valid JSON, and what to write instead."""

import re
from typing import NamedTuple

import orjson

from losses.text import Text
from service.problems import BadEnvelope
from service.uploads.formats.foreign import foreign

BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
LOOKED_AT = 80  # characters, of what stands where the text stops being JSON
NAN = Text("JSON has no NaN and no Infinity; .npy and Arrow have", "JSON 没有 NaN 和 Infinity;.npy 和 Arrow 有")
QUOTES = Text("JSON has double quotes, as json.dumps writes them", "JSON 用双引号,如 json.dumps 所写")
LAST_COMMA = Text("a comma stands behind the last entry", "最后一个元素之后有逗号")
WORDS = Text(
    "JSON has true, false and null, as json.dumps writes them", "JSON 用 true、false 和 null,如 json.dumps 所写"
)
# What orjson says, in Chinese; it never holds anything of the text. Source: orjson 3.11, of texts that are no JSON.
SAID = {
    "unexpected end of data": "数据意外结束",
    "unexpected character, expected a JSON value": "此处应为一个 JSON 值",
    "unexpected character, expected a string key": "此处应为字符串形式的名称",
    "unexpected character, expected ':' after key": "名称之后应为冒号",
    "unexpected character, expected ',' or ']'": "此处应为逗号或右方括号",
    "unexpected character, expected ',' or '}'": "此处应为逗号或右花括号",
    "unexpected content after document": "JSON 结束之后还有内容",
    "unexpected control character in string": "字符串中有控制字符",
    "trailing comma is not allowed": "最后一个元素之后不能有逗号",
    "invalid escaped sequence in string": "字符串中的转义无效",
    "no low surrogate in string": "字符串中缺少低位代理",
    "invalid low surrogate in string": "字符串中的低位代理无效",
    "invalid high surrogate in string": "字符串中的高位代理无效",
    "number is infinity when parsed as double": "数超出 float64 的范围",
    "number with leading zero is not allowed": "数不能以 0 开头",
    "no digit after sign": "正负号之后没有数字",
}
# What may stand there, and what is wrong with it.
SIGHTS = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"[-+]?(NaN|nan|Infinity|Inf|inf)\b", NAN),
        (r"(None|True|False)\b", WORDS),
        (r"undefined\b", Text("JSON has no undefined; leave the member out", "JSON 没有 undefined;请去掉该成员")),
        (r"'", QUOTES),
        (r"[\u2018\u2019\u201c\u201d\u00ab\u00bb]", QUOTES),
        (r"//|/\*|#", Text("JSON has no comments", "JSON 没有注释")),
        (
            r"0\d|0?[xX][\da-fA-F]",
            Text(
                "a number is decimal, and begins with no 0 but before its point", "数为十进制,且除小数点前外不以 0 开头"
            ),
        ),
        (r"[-+]?\.\d", Text("a number begins with a digit: 0.5", "数以数字开头:0.5")),
        (r"\+", Text("a number has no plus sign", "数没有加号")),
        (r",\s*[\]}]", LAST_COMMA),
        (r"[A-Za-z_$][\w$]*\s*:", Text("names stand in double quotes", "名称要用双引号")),
        (
            r"[A-Za-z_][\w]*=",
            Text(
                "this is a form; JSON has names, colons and values in braces",
                "这是表单;JSON 在花括号中写名称、冒号和值",
            ),
        ),
    )
)
# The same, of a text so long that it is looked through for these alone.
LONG_SIGHTS = (
    *((word, NAN) for word in (b"NaN", b"Infinity", b"nan", b"inf")),
    *((word, WORDS) for word in (b"None", b"True", b"False")),
    (b"'", QUOTES),
    *((comma, LAST_COMMA) for comma in (b",]", b",}", b", ]", b", }", b",\n]", b",\n}")),
)


class Fault(NamedTuple):
    """A syntax error: its position in characters, where known, and a description."""

    position: int | None
    sentence: Text

    def refusal(self) -> BadEnvelope:
        """Return the fault as a refusal of the body."""
        where = Text(f"stops being JSON at character {self.position}", f"从第 {self.position} 个字符起不再是 JSON")
        where = Text("is no JSON", "不是 JSON") if self.position is None else where
        text = Text(f"The text {where.en}: {self.sentence.en}.", f"文本{where.zh}:{self.sentence.zh}。")
        return BadEnvelope(text, position=self.position)


def fault(text: bytes | bytearray, error: orjson.JSONDecodeError) -> Fault:
    """Return what is wrong with a text that orjson refuses."""
    encoding = _encoding(text)
    if encoding is not None:
        return encoding
    here = text.decode()[error.pos : error.pos + LOOKED_AT]
    seen = next((sentence for pattern, sentence in SIGHTS if pattern.match(here)), None)
    return Fault(error.pos, seen or _said(error.msg))


def fault_of_long(text: bytes | bytearray) -> Fault:
    """Return the fault of a text that is too long to be parsed a second time."""
    return visible_fault(text) or Fault(
        None,
        Text(
            "it is cut short, or a bracket, a comma or a quote is missing, or a number is none of 64 bits",
            "它不完整,或缺少括号、逗号或引号,或有数超出 64 位",
        ),
    )


def visible_fault(text: bytes | bytearray) -> Fault | None:
    """Return a fault that is recognised without parsing; None where there is none."""
    encoding = _encoding(text[:LOOKED_AT])
    if encoding is not None:
        return encoding
    for sight, sentence in LONG_SIGHTS:
        at = text.find(sight)
        if at >= 0 and (text.count(b'"', 0, at) - text.count(b'\\"', 0, at)) % 2 == 0:  # outside of a text
            return Fault(at if text[:at].isascii() else None, sentence)
    return None


def _encoding(text: bytes | bytearray) -> Fault | None:
    """Return the fault of a text that is not UTF-8 or begins with a byte order mark; None otherwise."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if text.startswith(mark):
            way_out = f"text.decode('{encoding}').encode()"
            marked = Text(
                f"it begins with a byte order mark (BOM), which JSON has not; {way_out} leaves it out",
                f"它以字节顺序标记(BOM)开头,而 JSON 没有;{way_out} 会去掉它",
            )
            return Fault(0, marked)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        known = foreign(text)
        if known is not None:
            sentence = known.sentence
            return Fault(0, Text(f"this {sentence.en.removesuffix('.')}", f"这{sentence.zh.removesuffix('。')}"))
        start = len(text[: error.start].decode(errors="ignore"))
        return Fault(
            start,
            Text(
                "a byte there is not UTF-8, in which JSON is written: text.encode()",
                "此处的字节不是 UTF-8,而 JSON 用 UTF-8 书写:text.encode()",
            ),
        )
    return None


def _said(message: str) -> Text:
    """Return orjson's description of an error in both languages."""
    english = message[:1].lower() + message[1:]
    return Text(english, SAID.get(english, english))
