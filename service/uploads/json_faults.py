"""What is wrong with text that is no JSON, and what to write in its place."""

import re
from typing import NamedTuple

import orjson

from service.problems import BadEnvelope
from service.uploads.formats.foreign import foreign

BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
LOOKED_AT = 80  # characters, of what stands where the text stops being JSON
NAN = "JSON has no NaN and no Infinity; .npy and Arrow have"
QUOTES = "JSON has double quotes, as json.dumps writes them"
LAST_COMMA = "a comma stands behind the last entry"
WORDS = "JSON has true, false and null, as json.dumps writes them"
# What may stand there, and what is wrong with it.
SIGHTS = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"[-+]?(NaN|nan|Infinity|Inf|inf)\b", NAN),
        (r"(None|True|False)\b", WORDS),
        (r"undefined\b", "JSON has no undefined; leave the member out"),
        (r"'", QUOTES),
        (r"[\u2018\u2019\u201c\u201d\u00ab\u00bb]", QUOTES),
        (r"//|/\*|#", "JSON has no comments"),
        (r"0\d|0?[xX][\da-fA-F]", "a number is decimal, and begins with no 0 but before its point"),
        (r"[-+]?\.\d", "a number begins with a digit: 0.5"),
        (r"\+", "a number has no plus sign"),
        (r",\s*[\]}]", LAST_COMMA),
        (r"[A-Za-z_$][\w$]*\s*:", "names stand in double quotes"),
        (r"[A-Za-z_][\w]*=", "this is a form; JSON has names, colons and values in braces"),
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
    """Where the text stops being JSON, in characters, where that is known; and what is wrong there."""

    position: int | None
    sentence: str

    def refusal(self) -> BadEnvelope:
        """Return it as the refusal of the body."""
        where = "is no JSON" if self.position is None else f"stops being JSON at character {self.position}"
        return BadEnvelope(f"The text {where}: {self.sentence}.", position=self.position)


def fault(text: bytes | bytearray, error: orjson.JSONDecodeError) -> Fault:
    """Return what is wrong with a text that orjson refuses."""
    encoding = _encoding(text)
    if encoding is not None:
        return encoding
    here = text.decode()[error.pos : error.pos + LOOKED_AT]
    seen = next((sentence for pattern, sentence in SIGHTS if pattern.match(here)), None)
    return Fault(error.pos, seen or _said(error.msg))


def fault_of_long(text: bytes | bytearray) -> Fault:
    """Return the same of a text that is too long to be parsed again."""
    return visible_fault(text) or Fault(
        None, "it is cut short, or a bracket, a comma or a quote is missing, or a number is none of 64 bits"
    )


def visible_fault(text: bytes | bytearray) -> Fault | None:
    """Return what is seen to be wrong with a text without parsing it; None where nothing is."""
    encoding = _encoding(text[:LOOKED_AT])
    if encoding is not None:
        return encoding
    for sight, sentence in LONG_SIGHTS:
        at = text.find(sight)
        if at >= 0 and (text.count(b'"', 0, at) - text.count(b'\\"', 0, at)) % 2 == 0:  # outside of a text
            return Fault(at if text[:at].isascii() else None, sentence)
    return None


def _encoding(text: bytes | bytearray) -> Fault | None:
    """Return what is wrong with text that is not in UTF-8, or begins with a mark; None where nothing is."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if text.startswith(mark):
            way_out = f"text.decode('{encoding}').encode() leaves it out"
            return Fault(0, f"it begins with a byte order mark (BOM), which JSON has not; {way_out}")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        known = foreign(text)
        if known is not None:
            return Fault(0, f"this {known.sentence.removesuffix('.')}")
        start = len(text[: error.start].decode(errors="ignore"))
        return Fault(start, "a byte there is not UTF-8, in which JSON is written: text.encode()")
    return None


def _said(message: str) -> str:
    """Return what orjson says, which never holds anything of the text."""
    return message[:1].lower() + message[1:]
