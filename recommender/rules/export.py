"""The rule table as plain data, for GET /v1/rules and for the hash that answers cite."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache, lru_cache

from losses.text import Text
from losses.version import VERSION
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules import ROWS
from recommender.rules.formula import Formula
from recommender.rules.measured_comparisons import comparison
from recommender.rules.measured_regret import regrets
from recommender.rules.table import Bounds, Condition, Rule, RulebookName, Threshold
from recommender.rules.thresholds import THRESHOLDS, bounds_in_force
from recommender.tasks import read_task

Data = dict[str, object]
_HASH_DIGITS = 16


def export_rules(
    thresholds: Mapping[str, float] | None = None, task: str | None = None, rulebook: RulebookName | None = None
) -> Data:
    """Return all rules and thresholds, in force and by default, with the hash that answers cite.

    Args:
        thresholds: Overrides of thresholds, by name.
        task: Only the rules of this task, and the thresholds that they use.
        rulebook: Only the rules of this book.

    Raises: UnknownThreshold, BadThreshold, UnknownTask.
    """
    bounds = bounds_in_force(thresholds)
    only = None if task is None else read_task(task)
    rows = [
        (order, row)
        for order, row in enumerate(ROWS)
        if (only is None or only in row.tasks) and rulebook in {None, row.book}
    ]
    used = {condition.bound for _, row in rows for condition in (*row.when, *row.unless)}
    return {
        "rules": [
            {**_row(order, row, bounds), "measured": _measured(row), "compared": _compared(row)} for order, row in rows
        ],
        "thresholds": [
            _threshold(threshold, fact, bounds) for threshold, fact in THRESHOLDS.values() if threshold in used
        ],
        "rules_hash": rules_hash(bounds),
        "version": VERSION,
    }


def rules_hash(bounds: Bounds) -> str:
    """Return a hash of 16 hexadecimal digits over all rules and the thresholds in force."""
    return _hash(tuple(sorted(bounds.items())))


@cache
def _rows_as_text() -> str:
    """Return all rules as JSON, for the hash."""
    defaults = bounds_in_force()
    rows = [_row(order, row, defaults) for order, row in enumerate(ROWS)]
    return json.dumps(rows, sort_keys=True, ensure_ascii=False)


@lru_cache(maxsize=64)
def _hash(bounds: tuple[tuple[str, float], ...]) -> str:
    """Return the hash under these thresholds."""
    text = json.dumps(bounds) + _rows_as_text()
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


def _row(order: int, row: Rule, bounds: Bounds) -> Data:
    """Return a rule as plain data."""
    return {
        "order": order,
        "name": row.name,
        "book": row.book,
        "tasks": list(row.tasks),
        "head": row.head,
        "when": [_condition(condition, bounds) for condition in row.when],
        "unless": [_condition(condition, bounds) for condition in row.unless],
        "recommend": row.recommend,
        "computed": _formulas(row.computed),
        "because": _text(row.because),
        "source": row.source.text("en"),
        "strength": row.source.strength,
        "assumption": _text(row.assumption) if row.assumption else None,
        "alternatives": [
            {
                "objective": alternative.recommend,
                "prefer_when": _text(alternative.when),
                "computed": _formulas(alternative.computed),
            }
            for alternative in row.alternatives
        ],
        "ruled_out": [{"objective": out.objective, "because": _text(out.because)} for out in row.ruled_out],
        "cautions": [{"code": warning.code, "text": _text(warning.text)} for warning in row.warnings],
        "fires": _example(row.fires),
        "silent": _example(row.silent),
    }


def _measured(row: Rule) -> list[Data]:
    """Return what the benchmark measured where this rule decided; not part of the hash of the rules."""
    return [regret.model_dump() for regret in regrets(row.name)]


def _compared(row: Rule) -> Data | None:
    """Return the measured comparison of the rule's claim; not part of the hash."""
    measured = comparison(row.name)
    return measured.model_dump() if measured else None


def _condition(condition: Condition, bounds: Bounds) -> Data:
    """Return a condition as plain data."""
    bound, limit = condition.bound, condition.limit(bounds)
    return {
        "fact": condition.fact,
        "operator": condition.operator,
        "threshold": bound.name if isinstance(bound, Threshold) else None,
        "value": bound if limit is None else limit,
    }


def _threshold(threshold: Threshold, fact: str, bounds: Bounds) -> Data:
    """Return a threshold as plain data."""
    return {
        "name": threshold.name,
        "fact": fact,
        "value": bounds[threshold.name],
        "default": threshold.default,
        "source": threshold.source,
        "description": _text(threshold.description),
    }


def _formulas(computed: Mapping[str, Formula]) -> Data:
    """Return the formulas of computed parameters as plain data."""
    return {name: _formula(formula) for name, formula in computed.items()}


def _formula(formula: Formula) -> Data:
    """Return a formula as plain data."""
    return {
        "formula": formula.text,
        "inputs": list(formula.inputs),
        "low": formula.low,
        "high": formula.high,
        "source": formula.source,
        "otherwise": _formula(formula.otherwise) if formula.otherwise else None,
    }


def _example(side: Profile | Question) -> Data:
    """Return an example question as plain data, without empty parts."""
    profile = side if isinstance(side, Profile) else side.profile
    facts = profile.model_dump(exclude_none=True)
    if isinstance(side, Profile):
        return {"profile": facts}
    goal = side.goal.model_dump(exclude_none=True)
    return {"task": side.task, "scenario": side.scenario, "profile": facts, "goal": goal}


def _text(text: Text) -> Data:
    """Return a text as plain data, by language."""
    return {"en": text.en, "zh": text.zh}
