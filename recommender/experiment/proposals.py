"""Objectives whose parameters are computed from facts: the books' answers, their alternatives, the usual losses.

Which rules decide follows from all training rows. The parameters are computed again for each fold, from the facts of
its own training rows, so that no row influences its own prediction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from recommender.profile import Goal, Profile
from recommender.question import Facts, Question
from recommender.recommendation.alternatives import offered_by_the_rules
from recommender.recommendation.choice import choose, summed
from recommender.recommendation.goals import goal_in_force
from recommender.rules.formula import SIGNIFICANT_DIGITS, Formula, significant
from recommender.rules.rulebook import DecidingRules, books_in_force
from recommender.rules.table import RulebookName
from recommender.tasks import Task

CandidateOrigin = Literal["article", "evidence", "alternative", "usual", "asked"]
HUBER, TUKEY = 1.345, 4.685  # 95 % efficiency under normal errors: Holland & Welsch 1977
CAUCHY = 1.686  # theirs is 2.385, over the root of 2 as Barron writes it
SCALED = (
    ("tukey_biweight(c={})", TUKEY),
    ("barron_general(alpha=0, scale={})", CAUCHY),
    ("smooth_l1(beta={})", HUBER),
)
SCALE = "residual_scale"


@dataclass(frozen=True, eq=False)
class Proposal:
    """An objective as a function of facts; `reads` are the facts that its parameters are computed from."""

    origin: CandidateOrigin
    text: Callable[[Profile], str]
    reads: frozenset[str] = frozenset()


def stated(text: str, origin: CandidateOrigin) -> Proposal:
    """Return an objective that depends on no fact."""
    return Proposal(origin, lambda _: text)


def of_the_books(task: Task, profile: Profile, goal: Goal) -> tuple[dict[RulebookName, Proposal], list[Proposal]]:
    """Return each book's answer, where it has one, and the alternatives of the evidence book, or else the article."""
    aim, _ = goal_in_force(task, goal)

    def facts(own: Profile) -> Facts:
        return Question(task, None, own, aim).facts

    question = Question(task, None, profile, aim)
    decisions = {name: book.decide(question) for name, book in books_in_force().items()}
    answers: dict[RulebookName, Proposal] = {
        name: Proposal(name, _answer(rules, facts), _reads([rule.computed for rule in rules.values()]))
        for name, rules in decisions.items()
        if rules
    }
    leading = decisions["evidence"] or decisions["article"]
    offered = [other for rule in leading.values() for other in rule.alternatives]
    reads = _reads([rule.computed for rule in leading.values()]) if len(leading) > 1 else frozenset()
    return answers, [
        Proposal("alternative", _alternative(leading, place, facts), reads | _reads([other.computed]))
        for place, other in enumerate(offered)
    ]


def of_the_scale(profile: Profile) -> Iterator[Proposal]:
    """Yield robust losses whose scale is that of the residuals; none where the scale was not measured."""
    scale = profile.number(SCALE)
    if not scale:
        return
    for text, times in SCALED:
        yield Proposal("usual", _scaled(text, times, scale), frozenset({SCALE}))


def _scaled(text: str, times: float, otherwise: float) -> Callable[[Profile], str]:
    """Return an objective as a function of the residual scale; `otherwise` is used where that is unknown."""
    return lambda own: text.format(significant(times * (own.number(SCALE) or otherwise), SIGNIFICANT_DIGITS))


def _answer(rules: DecidingRules, facts: Callable[[Profile], Facts]) -> Callable[[Profile], str]:
    """Return the answer of the deciding rules as a function of the profile."""
    return lambda own: str(summed(choose(rules, facts(own))))


def _alternative(rules: DecidingRules, place: int, facts: Callable[[Profile], Facts]) -> Callable[[Profile], str]:
    """Return an alternative of the deciding rules as a function of the profile."""

    def text(own: Profile) -> str:
        known = facts(own)
        return str(summed(offered_by_the_rules(choose(rules, known), known)[place][0]))

    return text


def _reads(computed: Sequence[Mapping[str, Formula]]) -> frozenset[str]:
    """Return the facts of the profile that formulas read."""
    names = {fact for formulas in computed for formula in formulas.values() for fact in formula.reads}
    return frozenset(name for name in names if not name.startswith("goal."))
