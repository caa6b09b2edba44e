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
    """Return the other objectives; for several heads, the whole sum with one head changed.

    What the deciding rows name (`offered`) comes first. Where nothing decided, they are the losses that name the task.
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
    known = {loss.id for choices in (chosen, *(changed for changed, _ in offered)) for loss in _losses(choices)}
    known |= {out.objective for choice in chosen for out in choice.rule.ruled_out}
    for changed, fitting in _of_the_catalogue(chosen, task):
        if fitting.id not in known:
            _add(answers, changed, in_language(_FITS, language).format(elicits=fitting.elicits), language, "catalogue")
    answers.pop(str(summed(chosen)), None)
    return list(answers.values())


def _add(
    answers: dict[str, AlternativeAnswer], changed: Choices, when: str, language: Language, origin: Origin
) -> None:
    """Add the objective of these choices, unless it is listed already."""
    text = str(summed(changed))
    repair = repairs(changed, language)
    answers.setdefault(text, AlternativeAnswer(objective=text, prefer_when=when, repair=repair, origin=origin))


def offered_by_the_rules(chosen: Choices, facts: Facts) -> Offered:
    """Return the choices with one head changed to an alternative of its row, and when to prefer that."""
    offered = [
        (place, bind(other.recommend, other.computed, facts)[0], other.when)
        for place, choice in enumerate(chosen)
        for other in choice.rule.alternatives
    ]
    return tuple(
        [(_changed(chosen, place, other), when) for place, other, when in offered if not _overlaps(other, facts)]
    )


def _overlaps(objective: Objective, facts: Facts) -> bool:
    """Whether an objective lets a pixel have several classes at once, where it has one of several."""
    exclusive = facts.get("task") is Task.SEGMENTATION and facts.get("multilabel") is not True
    return (
        exclusive
        and (facts.number("classes") or 0) > BINARY_CLASSES
        and any(term.loss.activation == "sigmoid" for _, term in objective.terms)
    )


def _of_the_catalogue(chosen: Choices, task: Task) -> Iterator[tuple[Choices, Loss]]:
    """Yield the choices with one head's loss replaced by a loss of the catalogue that fits, and that loss."""
    for place, choice in enumerate(chosen):
        if len(choice.objective.terms) == 1:
            for loss in fitting_losses(task, choice.loss.loss.id):
                yield _changed(chosen, place, _usual(loss.id)), loss


def _changed(chosen: Choices, place: int, objective: Objective) -> Choices:
    return (*chosen[:place], chosen[place].changed_to(objective), *chosen[place + 1 :])


def _losses(choices: Choices) -> Iterator[Loss]:
    return (term.loss for choice in choices for _, term in choice.objective.terms)


@cache
def _usual(loss_id: str) -> Objective:
    """Return a loss of the catalogue with its default parameters."""
    return Objective(((1.0, catalogue()[loss_id].bind()),))


@cache
def fitting_losses(task: Task, loss_id: str) -> tuple[Loss, ...]:
    """Return the losses of a task that can replace another loss without any other change.

    They take the same inputs in the same shapes and domains, expect the same activation of the output, elicit the same,
    and have each of `KEPT_TRAITS` that it has.
    """
    chosen = catalogue()[loss_id]
    return tuple(
        other
        for other in catalogue().values()
        if other.id != loss_id
        and task in other.tasks
        and other.required == chosen.required
        and all(
            other.domains[role] == chosen.domains[role] and other.pattern(role) == chosen.pattern(role)
            for role in chosen.required
        )
        and (other.activation, other.elicits, other.shapes.items)
        == (chosen.activation, chosen.elicits, chosen.shapes.items)
        and chosen.traits & KEPT_TRAITS <= other.traits
    )


def repairs(chosen: Choices, language: Language) -> list[RepairAnswer]:
    """Return the probability map of each head whose output is not a probability."""
    repaired = [_repair(choice, language) for choice in chosen]
    return [repair for repair in repaired if repair]


def _repair(choice: Choice, language: Language) -> RepairAnswer | None:
    """Return the probability map of a choice in the form of the answer."""
    probability = probability_of(choice)
    if probability is None:
        return None
    return RepairAnswer(
        head=choice.head,
        formula=probability.formula,
        code=probability.code,
        exact_where=in_language(EXACT_WHERE, language),
    )
