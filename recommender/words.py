"""Sentences in the two languages of the service, and the notices made of them."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from losses.spec import Text

Language = Literal["en", "zh"]


def say(text: Text, language: Language) -> str:
    """Return the sentence in one language."""
    return text.zh if language == "zh" else text.en


class Notice(BaseModel):
    """Something the reader should know before trusting an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(description="A name that stays the same, for machines.")
    text: str = Field(description="The same as a sentence.")


@dataclass(frozen=True)
class Caution:
    """A notice before its language is known."""

    code: str
    text: Text

    def notice(self, language: Language) -> Notice:
        """Return the caution in one language."""
        return Notice(code=self.code, text=say(self.text, language))
