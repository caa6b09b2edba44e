"""Alternatives: other objectives that the deciding rows name, or that fit equally in the catalogue."""

from collections.abc import Iterator
from functools import cache

from losses.contract.expression import Objective
from losses.contract.loss import Loss
from losses.contract.registry import catalogue
from losses.description.probability import EXACT_WHERE
from losses.text import Language, Text, in_language
from recommender.question import Facts
from recommender.recommendation.answer import AlternativeAnswer, Origin, RepairAnswer
from recommender.recommendation.choice import Choice, Choices, bind, probability_of, summed
from recommender.tasks import BINARY_CLASSES, Task

Offered = tuple[tuple[Choices, Text], ...]
KEPT_TRAITS = frozenset({"robust", "proper", "heavy tail", "margin"})  # for which a row chooses its loss
_FITS = Text(
    en="it has the same inputs and learns the same ({elicits}); its parameters are defaults, and no rule compares it.",
    zh="它的输入相同,学习目标也相同({elicits});参数为默认值,没有规则将其与其他损失比较。",
)
_UNCOMPARED = Text(
    en="it is in the catalogue for this task; no rule compares it with others.",
    zh="目录中有此任务的该损失;没有规则将其与其他损失比较。",
)


def alternatives(chosen: Choices, offered: Offered, task: Task, language: Language) -> list[AlternativeAnswer]:
    """Return other objectives worth trying; for several heads, the whole sum with one head changed.

    Args:
        chosen: The choices of the book that is recommended.
        offered: The alternatives that the deciding rows name, which come first.
        task: The task; where nothing decided, the losses of the catalogue for it are returned.
        language: The language of the reasons.
    """
    if not chosen:
        when = in_language(_UNCOMPARED, language)
        return [
            AlternativeAnswer(objective=str(_usual(loss.id)), prefer_when=when, repair=[], origin="catalogue")
            for loss in catalogue().values()
            if task in loss.tasks
        ]
    answers: dict[str, AlternativeAnswer] = {}
    for changed, prefer_when in offered:
        _add(answers, changed, in_language(prefer_when, language), language, "rule")
    listed = {loss.id for choices in (chosen, *(changed for changed, _ in offered)) for loss in _losses(choices)}
    listed |= {out.objective for choice in chosen for out in choice.rule.ruled_out}
    for changed, fitting in _of_the_catalogue(chosen, task):
        if fitting.id not in listed:
            _add(answers, changed, in_language(_FITS, language).format(elicits=fitting.elicits), language, "catalogue")
    answers.pop(str(summed(chosen)), None)
    return list(answers.values())


def _add(
    answers: dict[str, AlternativeAnswer], changed: Choices, when: str, language: Language, origin: Origin
) -> None:
    """Add the objective of `changed` to the answers, unless it is already there."""
    text = str(summed(changed))
    repair = repairs(changed, language)
    answers.setdefault(text, AlternativeAnswer(objective=text, prefer_when=when, repair=repair, origin=origin))


def offered_by_the_rules(chosen: Choices, facts: Facts) -> Offered:
    """Return, for every alternative of a deciding row, the choices with that head changed, and when to prefer it."""
    offered = [
        (place, bind(other.recommend, other.computed, facts)[0], other.when)
        for place, choice in enumerate(chosen)
        for other in choice.rule.alternatives
    ]
    return tuple(
        [(_changed(chosen, place, other), when) for place, other, when in offered if not _overlaps(other, facts)]
    )


def _overlaps(objective: Objective, facts: Facts) -> bool:
    """Return whether an objective allows several classes at a pixel although the facts say that they are exclusive."""
    exclusive = facts.get("task") is Task.SEGMENTATION and facts.get("multilabel") is not True
    return (
        exclusive
        and (facts.number("classes") or 0) > BINARY_CLASSES
        and any(term.loss.activation == "sigmoid" for _, term in objective.terms)
    )


def _of_the_catalogue(chosen: Choices, task: Task) -> Iterator[tuple[Choices, Loss]]:
    """Yield choices with one head's loss replaced by another fitting loss of the catalogue, and that loss."""
    for place, choice in enumerate(chosen):
        if len(choice.objective.terms) == 1:
            for loss in fitting_losses(task, choice.loss.loss.id):
                yield _changed(chosen, place, _usual(loss.id)), loss


def _changed(chosen: Choices, place: int, objective: Objective) -> Choices:
    """Return the choices with the objective of one head replaced."""
    return (*chosen[:place], chosen[place].changed_to(objective), *chosen[place + 1 :])


def _losses(choices: Choices) -> Iterator[Loss]:
    """Yield the losses of all terms of all choices."""
    return (term.loss for choice in choices for _, term in choice.objective.terms)


@cache
def _usual(loss_id: str) -> Objective:
    """Return a loss of the catalogue with default parameters, as an objective."""
    return Objective(((1.0, catalogue()[loss_id].bind()),))


@cache
def fitting_losses(task: Task, loss_id: str) -> tuple[Loss, ...]:
    """Return the losses of a task that can replace another loss without any other change.

    They take the same inputs with the same axes and domains, expect the same activation, elicit the same functional,
    and have all of `KEPT_TRAITS` that the other has.
    """
    chosen = catalogue()[loss_id]
    return tuple(
        candidate
        for candidate in catalogue().values()
        if candidate.id != loss_id
        and task in candidate.tasks
        and candidate.required == chosen.required
        and all(
            candidate.domains[role] == chosen.domains[role] and candidate.pattern(role) == chosen.pattern(role)
            for role in chosen.required
        )
        and (candidate.activation, candidate.elicits, candidate.shapes.items)
        == (chosen.activation, chosen.elicits, chosen.shapes.items)
        and chosen.traits & KEPT_TRAITS <= candidate.traits
    )


def repairs(chosen: Choices, language: Language) -> list[RepairAnswer]:
    """Return the map to probabilities for each head whose output is not a probability."""
    repaired = [_repair(choice, language) for choice in chosen]
    return [repair for repair in repaired if repair]


def _repair(choice: Choice, language: Language) -> RepairAnswer | None:
    """Return the map of one head as a part of the answer; None where none is needed."""
    probability = probability_of(choice)
    if probability is None:
        return None
    return RepairAnswer(
        head=choice.head,
        formula=probability.formula,
        code=probability.code,
        exact_where=in_language(EXACT_WHERE, language),
    )
