"""Sentences in the two languages of the service, English and Chinese."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True)
class Text:
    """One sentence in the two languages of the service."""

    en: str
    zh: str


def in_language(text: Text, language: Language) -> str:
    """Return the sentence in one language."""
    return text.zh if language == "zh" else text.en


def both(words: str | Text) -> Text:
    """Return what may be said in English alone as a text, which then is English in both languages."""
    return words if isinstance(words, Text) else Text(words, words)


def paragraph(*sentences: str | Text) -> Text:
    """Return sentences one after the other, with a space between English ones; empty ones are left out."""
    texts = [both(sentence) for sentence in sentences if sentence]
    return Text(" ".join(text.en for text in texts if text.en), "".join(text.zh for text in texts))


def listed(names: Iterable[str]) -> Text:
    """Return names, separated as a list is in each language."""
    known = list(names)
    return Text(", ".join(known), "、".join(known))
