"""A question to the rule books: the task, the scenario, the profile and the goal."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from losses.near import near
from recommender.profile import DERIVED, DERIVED_FROM, Goal, Measured, Profile
from recommender.tasks import PLACES, Scenario, Task

FactValue = float | bool | str
_NO_FACTS = Profile()
_NO_GOAL = Goal()


class Facts(dict[str, FactValue]):
    """The known facts, by the names that conditions and formulas use; unknown facts are missing."""

    def number(self, fact: str) -> float | None:
        """Return a numeric fact of the profile or the goal; None where it is unknown."""
        value = self.get(fact)
        return None if isinstance(value, str) else value

    def changed(self, changes: Mapping[str, FactValue | None]) -> "Facts":
        """Return a copy with some facts changed; a change to None removes the fact."""
        return Facts({name: value for name, value in {**self, **changes}.items() if value is not None})


@dataclass(frozen=True)
class Question:
    """A complete question; a scenario without a task implies its task."""

    task: Task
    scenario: Scenario | None = None
    profile: Profile = _NO_FACTS
    goal: Goal = _NO_GOAL

    @classmethod
    def of(cls, scenario: Scenario, profile: Profile = _NO_FACTS) -> "Question":
        """Return the question for a scenario, with the goal that the article's words for it imply."""
        return cls(task=PLACES[scenario].task, scenario=scenario, profile=profile)

    @cached_property
    def facts(self) -> Facts:
        """All known facts: task, scenario, the profile with derived facts, and the goal."""
        facts = Facts(task=self.task)
        if self.scenario:
            facts["scenario"] = self.scenario
        for name, fact in self.profile.given():
            facts[name] = fact.value if isinstance(fact, Measured) else fact
        for name in self.goal.model_fields_set:
            part = getattr(self.goal, name)
            if part is not None:
                facts[_PARTS[name]] = part
        for name, follow in DERIVED.items():
            if name not in facts and (derived := follow(facts.number)) is not None:
                facts[name] = derived
        return facts

    @cached_property
    def truths(self) -> dict[object, int]:
        """A cache of the rule books: which of their conditions hold for this question."""
        return {}

    def value_of(self, fact: str) -> FactValue | None:
        """Return the value of a fact; None where it is unknown."""
        return self.facts.get(fact)

    def number(self, fact: str) -> float | None:
        """Return a numeric fact of the profile or the goal; None where it is unknown."""
        return self.facts.number(fact)

    def with_what_follows(self, changes: Mapping[str, FactValue | None]) -> Mapping[str, FactValue | None]:
        """Return changes of facts together with the changes of the facts derived from them."""
        if _SOURCES.isdisjoint(changes):
            return changes
        derived = {
            name: DERIVED[name](self.facts.changed(changes).number)
            for name, sources in DERIVED_FROM.items()
            if not sources.isdisjoint(changes) and name not in changes and getattr(self.profile, name) is None
        }
        return {**changes, **derived}


_SOURCES = frozenset().union(*DERIVED_FROM.values())
_PARTS = {name: f"goal.{name}" for name in Goal.model_fields}
ASKED = ("task", "scenario")
FACTS = (*ASKED, *Profile.model_fields, *_PARTS.values())


def known_fact(fact: str) -> str:
    """Return the name of a fact, after checking that there is such a fact.

    Raises: ValueError where there is none.
    """
    if fact not in FACTS:
        raise ValueError(f"no fact {fact}; nearest: {near(fact, FACTS)}")
    return fact
