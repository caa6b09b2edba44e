"""The columns of a rule: conditions, recommendation, reason, source, and an example on each side of its limit."""

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
    """A number for a word of the article such as "some"; the value in force may differ from the default."""

    name: str
    default: float
    source: str
    description: Text
    not_below: "Threshold | None" = None


@dataclass(frozen=True)
class Condition:
    """A comparison of one fact with one bound."""

    fact: str
    operator: Operator
    bound: Threshold | str | bool | tuple[str, ...]

    def limit(self, bounds: Bounds) -> float | None:
        """Return the threshold in force; None where the bound is not a number."""
        return bounds[self.bound.name] if isinstance(self.bound, Threshold) else None

    def holds(self, question: Question, bounds: Bounds) -> bool:
        """Return whether the fact is known and satisfies the condition."""
        return self.admits(question.value_of(self.fact), self.limit(bounds))

    def admits(self, value: FactValue | None, limit: float | None) -> bool:
        """Return whether a value of the fact satisfies the condition; `limit` is the result of `Condition.limit`."""
        if value is None or self.operator == "known":
            return value is not None
        if isinstance(self.bound, tuple):
            return value in self.bound
        if limit is None or isinstance(value, str):
            return value == self.bound
        return value >= limit if self.operator == ">=" else value < limit


@dataclass(frozen=True)
class Fact:
    """A fact on the left side of a condition."""

    name: str

    def __ge__(self, bound: Threshold) -> Condition:
        """Return the condition that the fact is at least a threshold."""
        return Condition(self._numeric(), ">=", bound)

    def __lt__(self, bound: Threshold) -> Condition:
        """Return the condition that the fact is below a threshold."""
        return Condition(self._numeric(), "<", bound)

    def equals(self, bound: str) -> Condition:
        """Return the condition that the fact is this word."""
        return Condition(self.name, "==", bound)

    def is_one_of(self, *bound: str) -> Condition:
        """Return the condition that the fact is one of these words."""
        return Condition(self.name, "in", bound)

    def is_true(self) -> Condition:
        """Return the condition that the fact is true."""
        return Condition(self.name, "==", bound=True)

    def is_false(self) -> Condition:
        """Return the condition that the fact is false."""
        return Condition(self.name, "==", bound=False)

    def is_known(self) -> Condition:
        """Return the condition that the fact is known."""
        return Condition(self.name, "known", bound="known")

    def _numeric(self) -> str:
        """Return the name of the fact, after checking that it is numeric.

        Raises: ValueError where it is not, since it then has no order.
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
        """Return the reference as text."""
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
    """The publications that a rule of the evidence book rests on, the strongest first, and how strong they are."""

    strength: Strength
    reference: str
    section: None = None

    def text(self, language: Language) -> str:
        """Return the references with the strength in words."""
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
    """One rule. Of the rules of a book, a task and a head, the first that applies decides.

    Attributes:
        name: Its name, which starts with the task.
        book: The book that it belongs to.
        tasks: The tasks that it is about.
        recommend: The objective.
        because: The reason.
        source: Where the reason comes from.
        fires, silent: A question in which the rule applies, and one in which it just does not; a profile alone stands
            for a question of the rule's first task.
        when: The conditions that must all hold.
        unless: The conditions of which none may hold.
        head: The output of the model that it is about.
        computed: Parameters of the first term of `recommend` that are computed from facts.
        alternatives: Other objectives, each with when to prefer it.
        ruled_out: Objectives that do not fit, each with the reason.
        assumption: What the rule assumes without knowing.
        warnings: What to know whenever the rule decides.
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
        """Return whether the task is one of the rule's, all conditions hold and no exception does."""
        return (
            question.task in self.tasks
            and all(condition.holds(question, bounds) for condition in self.when)
            and not any(condition.holds(question, bounds) for condition in self.unless)
        )

    def example(self, side: Profile | Question) -> Question:
        """Return `fires` or `silent` as a complete question."""
        return side if isinstance(side, Question) else Question(self.tasks[0], profile=side)
