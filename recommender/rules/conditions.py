"""Decides with conditions as bits: which hold is computed once for a question and updated for changed facts.

A recommendation says what would change it, so the rules decide again for dozens of changed facts.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import inf

from recommender.question import Facts, FactValue, Question
from recommender.rules.table import Bounds, Condition, Rule

DecidingRules = Mapping[str, Rule]
Changes = Mapping[str, FactValue | None]
_Tests = list[tuple[int, Condition, float | None]]


class Conditions:
    """The rules of one book and one task under the thresholds in force; equal conditions share a bit."""

    def __init__(self, rows: Iterable[Rule], bounds: Bounds) -> None:
        listed = tuple(rows)
        distinct = dict.fromkeys(condition for row in listed for condition in (*row.when, *row.unless))
        self.bits = {condition: 1 << place for place, condition in enumerate(distinct)}
        self.numeric = [(condition, bit) for condition, bit in self.bits.items() if condition.limit(bounds) is not None]
        self.rows = tuple((row, self._all(row.when), self._all(row.unless)) for row in listed)
        tests: dict[str, _Tests] = {}
        for condition, bit in self.bits.items():
            tests.setdefault(condition.fact, []).append((bit, condition, condition.limit(bounds)))
        self.limits = sorted(
            {(fact, limit) for fact, tests_of_fact in tests.items() for *_, limit in tests_of_fact if limit is not None}
        )
        self._by_fact = {fact: _ConditionsOnOneFact(tests_of_fact) for fact, tests_of_fact in tests.items()}

    def _all(self, conditions: Iterable[Condition]) -> int:
        """Return the bits of several conditions together."""
        return sum({self.bits[condition] for condition in conditions})

    def truths(self, question: Question, changes: Changes | None = None) -> int:
        """Return the bits of the conditions that hold, with some facts of the question changed."""
        truths = question.truths.get(self)
        if truths is None:
            truths = question.truths[self] = self._hold(question.facts)
        for fact, value in changes.items() if changes else ():
            on_it = self._by_fact.get(fact)
            if on_it:
                truths = truths & ~on_it.bits | on_it.hold(value)
        return truths

    def applying(self, question: Question) -> Mapping[str, tuple[Rule, ...]]:
        """Return the rules that apply, by head; the first of each decides."""
        return _applying(self, self.truths(question))

    def decide(self, question: Question, changes: Changes | None = None) -> DecidingRules:
        """Return the deciding rule of each head, with some facts of the question changed."""
        return _deciding(self, self.truths(question, changes))

    def missed(self, question: Question, near: int) -> Iterable[tuple[Rule, int]]:
        """Return every rule that fails only by conditions among the bits `near`, with the bits of those."""
        fail = ~self.truths(question)
        far = fail & ~near
        return [(row, wanted & fail) for row, wanted, _ in self.rows if wanted & fail and not wanted & far]

    def _hold(self, facts: Facts) -> int:
        """Return the bits of the conditions that hold for the facts."""
        truths = 0
        for fact, value in facts.items():
            on_it = self._by_fact.get(fact)
            if on_it:
                truths |= on_it.hold(value)
        return truths


class _ConditionsOnOneFact:
    """The conditions on one fact; for a number, those that hold are looked up by the interval that it falls into."""

    def __init__(self, tests: _Tests) -> None:
        self.bits = sum(bit for bit, *_ in tests)
        self._limits = sorted({limit for *_, limit in tests if limit is not None})
        self._between = [_holding(tests, number) for number in (-inf, *self._limits)]
        bounds = [condition.bound for _, condition, limit in tests if limit is None]
        words = {word for bound in bounds for word in (bound if isinstance(bound, tuple) else (bound,))}
        self._words = {word: _holding(tests, word) for word in words if isinstance(word, str | bool)}
        self._other_words = _holding(tests, "")

    def hold(self, value: FactValue | None) -> int:
        """Return the bits of the conditions that hold for a value."""
        if value is None:
            return 0
        if self._limits and not isinstance(value, str):
            return self._between[bisect_right(self._limits, value)]
        return self._words.get(value, self._other_words)  # type: ignore[arg-type] # a number is no word


def _holding(tests: _Tests, value: FactValue) -> int:
    """Return the bits of the conditions that hold for a value, by testing each."""
    return sum(bit for bit, condition, limit in tests if condition.admits(value, limit))


@lru_cache(maxsize=8192)  # most questions fall into few kinds; one takes about 300 bytes
def _applying(conditions: Conditions, truths: int) -> Mapping[str, tuple[Rule, ...]]:
    """Return the rules that apply where these bits hold, by head."""
    applying: dict[str, tuple[Rule, ...]] = {}
    for row, wanted, unwanted in conditions.rows:
        if truths & wanted == wanted and not truths & unwanted:
            applying[row.head] = (*applying.get(row.head, ()), row)
    return applying


@lru_cache(maxsize=8192)
def _deciding(conditions: Conditions, truths: int) -> DecidingRules:
    """Return the first rule that applies, by head."""
    return {head: rows[0] for head, rows in _applying(conditions, truths).items()}
