"""A question to the rule books: the task, the scenario, the facts, the goal."""

from dataclasses import dataclass

from losses.near import near
from recommender.profile import RANGES, Goal, Profile
from recommender.tasks import PLACES, Scenario, Task

FactValue = float | bool | str
_NO_FACTS = Profile()
_NO_GOAL = Goal()


@dataclass(frozen=True)
class Question:
    """A complete question; a scenario alone implies its task."""

    task: Task
    scenario: Scenario | None = None
    profile: Profile = _NO_FACTS
    goal: Goal = _NO_GOAL

    @classmethod
    def of(cls, scenario: Scenario, profile: Profile = _NO_FACTS) -> "Question":
        """Return what the article's own words for a scenario mean."""
        return cls(task=PLACES[scenario].task, scenario=scenario, profile=profile)

    def value_of(self, fact: str) -> FactValue | None:
        """Return the value of a fact, None where it is not known."""
        if fact in RANGES:
            return self.profile.number(fact)
        room, _, name = fact.rpartition(".")
        value: FactValue | None = getattr(self.goal if room else self if name in ASKED else self.profile, name)
        return value

    def number(self, fact: str) -> float | None:
        """Return a numeric fact, of the profile or of the goal."""
        value = self.value_of(fact)
        return None if isinstance(value, str) else value


ASKED = ("task", "scenario")
FACTS = (*ASKED, *Profile.model_fields, *(f"goal.{name}" for name in Goal.model_fields))


def known_fact(fact: str) -> str:
    """Return the name itself; a rule that asks for anything else is a mistake in the rule."""
    if fact not in FACTS:
        raise ValueError(f"no fact {fact}; nearest: {near(fact, FACTS)}")
    return fact
