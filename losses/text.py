"""Sentences in the two languages of the service, English and Chinese."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True)
class Text:
    """A message in the two languages of the service."""

    en: str
    zh: str


def in_language(text: Text, language: Language) -> str:
    """Return the sentence in one language."""
    return text.zh if language == "zh" else text.en


def both(words: str | Text) -> Text:
    """Return a `Text`; a plain string is used for both languages."""
    return words if isinstance(words, Text) else Text(words, words)


def paragraph(*sentences: str | Text) -> Text:
    """Join sentences to one text, with spaces in English and none in Chinese; empty sentences are skipped."""
    texts = [both(sentence) for sentence in sentences if sentence]
    return Text(" ".join(text.en for text in texts if text.en), "".join(text.zh for text in texts))


def listed(names: Iterable[str]) -> Text:
    """Return names as a list in each language: separated by ", " in English and by "、" in Chinese."""
    items = list(names)
    return Text(", ".join(items), "、".join(items))
