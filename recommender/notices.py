"""The warnings of an answer, each a code and a sentence."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from losses.text import Language, Text, in_language

MEASURED_ON_TARGETS = Text(
    en="Outliers and scale were measured on targets, not on residuals: a skewed or widely spread target looks like "
    "outliers. Send predictions of any pilot model to be sure.",
    zh="异常值和尺度是在目标值而非残差上测得的:偏斜或分散的目标会像异常值。请附上任一初步模型的预测以确认。",
)


class Notice(BaseModel):
    """A warning of an answer in one language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(description="A name that stays the same, for machines.")
    text: str = Field(description="The same as a sentence.")


@dataclass(frozen=True)
class WarningText:
    """A warning in both languages."""

    code: str
    text: Text

    def notice(self, language: Language) -> Notice:
        """Return the warning in one language."""
        return Notice(code=self.code, text=in_language(self.text, language))
