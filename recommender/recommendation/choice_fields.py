"""The fields of an answer that depend only on the choices of both books; cached, since questions often share them."""

from functools import lru_cache
from typing import NamedTuple

from losses.description import snippets
from losses.text import Language, Text, in_language
from recommender.profile import Goal
from recommender.recommendation import answer
from recommender.recommendation.agreement import Agreement, agreement
from recommender.recommendation.alternatives import Offered, alternatives, repairs
from recommender.recommendation.choice import KEPT, Choice, Choices, summed
from recommender.recommendation.experiment import experiment
from recommender.rules.measured_comparisons import comparison
from recommender.rules.measured_regret import regrets
from recommender.rules.table import RulebookName
from recommender.tasks import Task


class ChoiceFields(NamedTuple):
    """The fields of a recommendation that follow from the chosen objectives."""

    recommended: answer.Recommended | None
    article: answer.BookAnswer | None
    evidence: answer.BookAnswer | None
    agreement: Agreement | None
    repair: list[answer.RepairAnswer]
    alternatives: list[answer.AlternativeAnswer]
    ruled_out: list[answer.RuledOutAnswer]
    experiment: answer.Experiment
    snippets: answer.Snippets


@lru_cache(maxsize=KEPT)
def choice_fields(
    task: Task,
    goal: Goal,
    article: Choices,
    evidence: Choices,
    offered: Offered,
    *,
    rulebook: RulebookName,
    judged_by: Text,
    tabular: bool,
    language: Language,
) -> ChoiceFields:
    """Return the fields that follow from the choices of both books.

    Args:
        task: The task.
        goal: The goal.
        article: The choices of the article's book.
        evidence: The choices of the evidence book.
        offered: The alternatives that the deciding rules name.
        rulebook: The book whose choices are recommended.
        judged_by: The metric.
        tabular: Whether an experiment on table columns can be run.
        language: The language of the answer.
    """
    chosen = article if rulebook == "article" else evidence
    others = alternatives(chosen, offered, task, language)
    texts = [*(str(summed(each)) for each in (chosen, article, evidence)), *(other.objective for other in others)]
    candidates = list(dict.fromkeys(filter(None, texts)))
    return ChoiceFields(
        recommended=_recommended(chosen, rulebook),
        article=_book_answer(article, language),
        evidence=_book_answer(evidence, language),
        agreement=_agreement(article, evidence),
        repair=repairs(chosen, language),
        alternatives=others,
        ruled_out=_ruled_out(chosen, language),
        experiment=experiment(task, goal, candidates, summed(chosen), judged_by, language, tabular=tabular),
        snippets=_snippets(chosen),
    )


def _recommended(chosen: Choices, rulebook: RulebookName) -> answer.Recommended | None:
    """Return the recommended objective as a part of the answer; None where the book has no answer."""
    if not chosen:
        return None
    return answer.Recommended(objective=str(summed(chosen)), heads=_heads(chosen), rulebook=rulebook)


def _heads(chosen: Choices) -> list[answer.HeadAnswer]:
    """Return the objective of every head."""
    return [
        answer.HeadAnswer(head=choice.head, objective=str(choice.objective), activation=choice.loss.loss.activation)
        for choice in chosen
    ]


def _book_answer(chosen: Choices, language: Language) -> answer.BookAnswer | None:
    """Return the answer of one book; None where it has none."""
    if not chosen:
        return None
    return answer.BookAnswer(
        objective=str(summed(chosen)),
        heads=_heads(chosen),
        section=", ".join(dict.fromkeys(filter(None, (choice.rule.source.section for choice in chosen)))) or None,
        rule=", ".join(choice.rule.name for choice in chosen),
        sources=[
            answer.Source(
                rule=choice.rule.name, text=choice.rule.source.text(language), strength=choice.rule.source.strength
            )
            for choice in chosen
        ],
        measured=[regret for choice in chosen for regret in regrets(choice.rule.name)],
        compared=[measured for choice in chosen if (measured := comparison(choice.rule.name)) is not None],
    )


def _agreement(article: Choices, evidence: Choices) -> Agreement | None:
    """Return how the answers of the books compare; None where one has none."""
    return agreement(summed(article), summed(evidence)) if article and evidence else None


def _ruled_out(chosen: Choices, language: Language) -> list[answer.RuledOutAnswer]:
    """Return the objectives that the deciding rules rule out, with the reasons."""
    return [
        answer.RuledOutAnswer(objective=out.objective, because=in_language(out.because, language))
        for choice in chosen
        for out in choice.rule.ruled_out
    ]


def _snippets(chosen: Choices) -> answer.Snippets:
    """Return the code for each library that has all losses.

    For several heads one function each, since inputs differ.
    """

    def module(library: str) -> str | None:
        """Return the code for one library; None where it lacks a loss."""
        texts = {f"{choice.head}_loss": _code(library, choice) for choice in chosen}
        available = {name: text for name, text in texts.items() if text is not None}
        if not available or len(available) < len(texts):
            return None
        return next(iter(available.values())) if len(available) == 1 else snippets.combined_module(available)

    return answer.Snippets(
        pytorch=module("pytorch") or "",
        keras=module("keras"),
        optax=module("optax"),
    )


def _code(library: str, choice: Choice) -> str | None:
    """Return the code of one head's objective in one library; None where it lacks a loss."""
    if library == "pytorch":
        return snippets.pytorch_code(choice.objective)
    return snippets.library_code(choice.objective, library)
