"""The columns of a rule: conditions, recommendation, reason, source, and an example on either side of its edge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from losses.text import Language, Text, in_language
from recommender.notices import WarningText
from recommender.profile import RANGES, Profile
from recommender.question import FactValue, Question, known_fact
from recommender.rules.formula import Formula
from recommender.tasks import Task

RulebookName = Literal["article", "evidence"]
Strength = Literal["A", "B", "C", "D", "P"]
Operator = Literal[">=", "<", "==", "in", "known"]
Bounds = Mapping[str, float]


@dataclass(frozen=True)
class Threshold:
    """A number for what the article says in words; its value in force may differ from the default."""

    name: str
    default: float
    source: str
    description: Text
    not_below: "Threshold | None" = None


@dataclass(frozen=True)
class Condition:
    """One fact against one bound."""

    fact: str
    operator: Operator
    bound: Threshold | str | bool | tuple[str, ...]

    def limit(self, bounds: Bounds) -> float | None:
        """Return the number in force; None where the bound is no number."""
        return bounds[self.bound.name] if isinstance(self.bound, Threshold) else None

    def holds(self, question: Question, bounds: Bounds) -> bool:
        """Whether the fact is known and on the right side."""
        return self.admits(question.value_of(self.fact), self.limit(bounds))

    def admits(self, value: FactValue | None, limit: float | None) -> bool:
        """Whether a value of the fact is on the right side; `limit` as above."""
        if value is None or self.operator == "known":
            return value is not None
        if isinstance(self.bound, tuple):
            return value in self.bound
        if limit is None or isinstance(value, str):
            return value == self.bound
        return value >= limit if self.operator == ">=" else value < limit


@dataclass(frozen=True)
class Fact:
    """A fact on the left of a condition."""

    name: str

    def __ge__(self, bound: Threshold) -> Condition:
        return Condition(self._numeric(), ">=", bound)

    def __lt__(self, bound: Threshold) -> Condition:
        return Condition(self._numeric(), "<", bound)

    def equals(self, bound: str) -> Condition:
        return Condition(self.name, "==", bound)

    def is_one_of(self, *bound: str) -> Condition:
        return Condition(self.name, "in", bound)

    def is_true(self) -> Condition:
        return Condition(self.name, "==", bound=True)

    def is_false(self) -> Condition:
        return Condition(self.name, "==", bound=False)

    def is_known(self) -> Condition:
        return Condition(self.name, "known", bound="known")

    def _numeric(self) -> str:
        """Return the name.

        Raises: ValueError where the fact is no number, and so has no order.
        """
        if self.name not in RANGES:
            raise ValueError(f"{self.name} is no number")
        return self.name


def fact(name: str) -> Fact:
    """Return a fact to compare: of the profile, "scenario", or of the goal ("goal.functional")."""
    return Fact(known_fact(name))


@dataclass(frozen=True)
class Article:
    """A section of the article."""

    section: str
    strength: None = None

    def text(self, language: Language) -> str:
        """Return the section as text."""
        return f"文章第 {self.section} 节" if language == "zh" else f"article, section {self.section}"


STRENGTHS: dict[Strength, Text] = {
    "A": Text("a theorem or identity", "定理或恒等式"),
    "B": Text("controlled comparison on many data sets", "多数据集的受控比较"),
    "C": Text("one paper or one domain", "单篇论文或单一领域"),
    "D": Text("default or convention of libraries", "各库的默认值或惯例"),
    "P": Text("our own benchmark, benchmarks/regret", "本项目的基准 benchmarks/regret"),
}


@dataclass(frozen=True)
class Evidence:
    """What a row of the evidence book rests on, strongest first, and how strong that is."""

    strength: Strength
    reference: str
    section: None = None

    def text(self, language: Language) -> str:
        """Return the reference with its strength in words."""
        return f"{self.reference} ({self.strength}: {in_language(STRENGTHS[self.strength], language)})"


@dataclass(frozen=True)
class Alternative:
    """Another objective, and when to prefer it."""

    recommend: str
    when: Text
    computed: Mapping[str, Formula] = field(default_factory=dict)


@dataclass(frozen=True)
class RuledOut:
    """An objective that does not fit, and why."""

    objective: str
    because: Text


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule:
    """One row. Of the rows of a book, a task and a head, the first that applies decides.

    It applies where all of `when` hold and none of `unless`: what stands in its way, if it is known.
    `computed` are parameters of the first term of `recommend`. `assumption` is what the row takes for granted,
    `warnings` what a reader should know whenever it decides.
    `fires` and `silent` are the two sides of its edge, of the row's first task where they are only a profile.
    """

    name: str
    book: RulebookName
    tasks: tuple[Task, ...]
    recommend: str
    because: Text
    source: Article | Evidence
    fires: Profile | Question
    silent: Profile | Question
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    head: str = "output"
    computed: Mapping[str, Formula] = field(default_factory=dict)
    alternatives: tuple[Alternative, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    assumption: Text | None = None
    warnings: tuple[WarningText, ...] = ()

    def applies(self, question: Question, bounds: Bounds) -> bool:
        """Whether the task is the row's, every condition holds, and nothing stands against it."""
        return (
            question.task in self.tasks
            and all(condition.holds(question, bounds) for condition in self.when)
            and not any(condition.holds(question, bounds) for condition in self.unless)
        )

    def example(self, side: Profile | Question) -> Question:
        """Return `fires` or `silent` as a whole question."""
        return side if isinstance(side, Question) else Question(self.tasks[0], profile=side)
