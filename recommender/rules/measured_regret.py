"""The regret of each rule as measured by benchmarks/regret, cited by answers."""

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FILE = "measured_regret.json"


class Regret(BaseModel):
    """The distance of a rule's answers from the best loss in hindsight, where the rule decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    unit: Literal["relative", "absolute"] = Field(
        description="relative: of the error of the best loss. absolute: of a score, or of an error in its own unit."
    )
    mean_regret: float
    interval: tuple[float, float] = Field(description="95 %, data sets of one origin resampled together.")
    cells: int = Field(description="Training runs, each a mean over seeds.")
    clusters: int = Field(description="Origins of the data sets among them.")
    other_book: float | None = Field(
        description="The mean regret of the other book's answers in the same cells; null where it says nothing."
    )
    best_constant: float = Field(description="That of the best single loss, chosen on other data sets.")
    tied: bool = Field(description="Whether other seeds could make the two alike.")


class MeasuredRegrets(BaseModel):
    """The content of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(description="Changes with every measured number.")
    rules: dict[str, list[Regret]]


@cache
def measured_regrets() -> MeasuredRegrets:
    """Return the content of the file."""
    return MeasuredRegrets.model_validate_json(files(__package__).joinpath(FILE).read_bytes())


def regrets(rule: str) -> list[Regret]:
    """Return the measured regrets of a rule; empty where it never decided in the benchmark."""
    return measured_regrets().rules.get(rule, [])
