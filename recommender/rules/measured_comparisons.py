"""Measured comparisons of single rules' claims: written by benchmarks/rules, cited by every answer that they decide."""

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FILE = "measured_comparisons.json"


class _Part(BaseModel):
    """A part of the file; extra fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Against(_Part):
    """Another loss on the same data."""

    objective: str
    decided: str = Field(description="The decision that goes with it, where that is not the prediction itself.")
    value: float = Field(description="Its mean under the metric.")
    difference: float = Field(
        description="What the rule's loss costs more, on average over repeats: negative is better."
    )
    interval: tuple[float, float] = Field(description="95 %, repeats on data of one origin resampled together.")


class Comparison(_Part):
    """The loss that a rule recommends, compared with other losses on the same data.

    Those are its alternatives, what it rules out, and the defaults of libraries.
    """

    data: str = Field(description="Real tables, or the generator of simulated ones.")
    metric: str
    better: Literal["lower", "higher"]
    unit: Literal["relative", "absolute"] = Field(
        description="Of differences: of the other loss's value, or as they are."
    )
    objective: str = Field(description="What the rule recommended, with what was computed in the first repeat.")
    decided: str
    value: float
    against: list[Against]
    repeats: int = Field(description="Trainings of each loss, each on another split or draw, a mean over two seeds.")
    origins: int = Field(description="Origins of the data among them.")
    holds: bool = Field(description="Whether it is nowhere worse by more than 0.2 % beyond what chance allows.")
    command: str = Field(description="What prints these figures, in the repository.")


class MeasuredComparisons(_Part):
    """The content of the file."""

    rules: dict[str, Comparison]


@cache
def measured_comparisons() -> MeasuredComparisons:
    """Return the content of the file."""
    return MeasuredComparisons.model_validate_json(files(__package__).joinpath(FILE).read_bytes())


def comparison(rule: str) -> Comparison | None:
    """Return the measured comparison of a rule's claim; None where none was measured."""
    return measured_comparisons().rules.get(rule)
