"""Sentences in the two languages of the service, English and Chinese."""

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
