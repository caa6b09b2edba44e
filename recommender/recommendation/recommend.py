"""From a task, facts and a goal to a recommendation with its reasons."""

from collections.abc import Mapping
from functools import lru_cache

from losses.description import snippets
from losses.text import Language, Text, in_language
from losses.version import VERSION
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.recommendation import answer
from recommender.recommendation.agreement import Agreement, agreement
from recommender.recommendation.alternatives import alternatives, repairs
from recommender.recommendation.ask import open_question
from recommender.recommendation.checks import AnsweredQuestion, answer_warnings, total_is_missed, total_kept
from recommender.recommendation.choice import KEPT, Choice, Choices, choose, summed
from recommender.recommendation.counterfactual import borderline, nearest_change
from recommender.recommendation.decision_threshold import Cut, decision
from recommender.recommendation.experiment import experiment
from recommender.recommendation.goals import goal_in_force, metric, variations
from recommender.recommendation.reasons import fired, nearly
from recommender.recommendation.summary import Answers, summary
from recommender.rules.export import rules_hash
from recommender.rules.measured_regret import regrets
from recommender.rules.rulebook import Rulebook, books_in_force
from recommender.rules.table import RulebookName
from recommender.tasks import PLACES, Scenario, Task, read_task_and_scenario

_BOOKS_ZH = {"article": "文章", "evidence": "证据库"}
_NO_FACTS = Profile()
_NO_GOAL = Goal()


def recommend(
    task: str | None = None,
    scenario: str | None = None,
    profile: Profile = _NO_FACTS,
    goal: Goal = _NO_GOAL,
    *,
    rulebook: RulebookName = "article",
    thresholds: Mapping[str, float] | None = None,
    language: Language = "en",
) -> answer.Recommendation:
    """Return the loss for a task or scenario, with what fired, what nearly did, and what was assumed.

    `thresholds` are overrides by name. Raises: NoTask, UnknownTask, UnknownScenario, UnknownThreshold, BadThreshold.
    """
    asked, case = read_task_and_scenario(task, scenario)
    aim, assumed_goal = goal_in_force(asked, goal)
    question = Question(asked, case, profile, aim)
    books = books_in_force(thresholds)
    choices = {name: choose(book.decide(question), question.facts) for name, book in books.items()}
    if not choices[rulebook]:
        rulebook = "evidence" if rulebook == "article" else "article"
    book, chosen = books[rulebook], choices[rulebook]

    implied = [_implied(case)] if case and task is None else []
    assumed = [choice.rule.assumption for choice in chosen if choice.rule.assumption]
    objective = str(summed(chosen))  # "" where no book speaks
    others = alternatives(chosen, question, language)
    texts = [objective, *(str(summed(each)) for each in choices.values()), *(other.objective for other in others)]
    candidates = list(dict.fromkeys(filter(None, texts)))
    compared_by = metric(asked, aim)
    cut = decision(question, chosen)
    missed = total_kept(AnsweredQuestion(books["article"], question, choices["article"]))
    answers = Answers(question, choices, rulebook, compared_by, cut if isinstance(cut, Cut) else None, missed)
    return answer.Recommendation(
        summary=in_language(summary(answers), language),
        ask=open_question(books["evidence"], question, language),
        task=asked,
        scenario=case,
        goal=aim,
        recommended=_recommended(chosen, rulebook),
        article=_book_answer(choices["article"], language),
        evidence=_book_answer(choices["evidence"], language),
        agreement=_agreement(choices["article"], choices["evidence"]),
        parameters=_parameters(chosen),
        repair=repairs(chosen, language),
        decision=_decision(cut, language),
        fired=fired(book, question, language),
        nearly=nearly(book, question, language),
        counterfactual=nearest_change(book, question, objective),
        other_goals=_other_goals(book, question, objective),
        alternatives=others,
        ruled_out=_ruled_out(chosen, language),
        warnings=[
            *(_silence(name, asked).notice(language) for name, chosen_by in choices.items() if not chosen_by),
            *(warning.notice(language) for warning in answer_warnings(book, question, chosen)),
            *(
                warning.notice(language)
                for warning in _of_the_article(books["article"], question, choices["article"], chosen)
            ),
        ],
        assumptions=[in_language(text, language) for text in (*implied, *assumed_goal, *assumed)],
        borderline=borderline(book, question),
        experiment=experiment(question, candidates, compared_by, language),
        snippets=_snippets(chosen),
        rules_hash=_rules_hash(book),
        version=VERSION,
    )


@lru_cache(maxsize=16)
def _rules_hash(book: Rulebook) -> str:
    return rules_hash(book.bounds)


def _of_the_article(book: Rulebook, question: Question, article: Choices, chosen: Choices) -> list[WarningText]:
    """Return what the article's answer, which is literal, would cost where the other book's is recommended."""
    if not article or str(summed(article)) == str(summed(chosen)):
        return []
    missed = total_is_missed(AnsweredQuestion(book, question, article))
    return [WarningText("article-misses-total", missed)] if missed else []


@lru_cache(maxsize=KEPT)
def _recommended(chosen: Choices, rulebook: RulebookName) -> answer.Recommended | None:
    if not chosen:
        return None
    return answer.Recommended(objective=str(summed(chosen)), heads=_heads(chosen), rulebook=rulebook)


def _heads(chosen: Choices) -> list[answer.HeadAnswer]:
    return [
        answer.HeadAnswer(head=choice.head, objective=str(choice.objective), activation=choice.loss.loss.activation)
        for choice in chosen
    ]


@lru_cache(maxsize=KEPT)
def _book_answer(chosen: Choices, language: Language) -> answer.BookAnswer | None:
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
    )


def _agreement(article: Choices, evidence: Choices) -> Agreement | None:
    return agreement(summed(article), summed(evidence)) if article and evidence else None


def _other_goals(book: Rulebook, question: Question, objective: str) -> list[answer.OtherGoal]:
    others = []
    for part, changes in variations(book.conditions(question.task), question.goal):
        decision = book.decide(question, changes)
        other = str(summed(choose(decision, question.facts.changed(changes))))
        if other and other != objective:
            others.append(answer.OtherGoal(goal=part, objective=other))
    return others


def _parameters(chosen: Choices) -> list[answer.ParameterAnswer]:
    return [
        answer.ParameterAnswer(
            loss=choice.loss.loss.id,
            name=name,
            value=parameter.value,
            formula=parameter.formula,
            source=parameter.source,
        )
        for choice in chosen
        for name, parameter in choice.parameters.items()
    ]


def _decision(cut: Cut | Text | None, language: Language) -> answer.Decision | None:
    if not isinstance(cut, Cut):
        return None
    return answer.Decision(
        threshold=cut.threshold,
        on="probability",
        formula=cut.formula,
        because=in_language(cut.because, language),
        source=cut.source,
    )


@lru_cache(maxsize=KEPT)
def _ruled_out(chosen: Choices, language: Language) -> list[answer.RuledOutAnswer]:
    return [
        answer.RuledOutAnswer(objective=out.objective, because=in_language(out.because, language))
        for choice in chosen
        for out in choice.rule.ruled_out
    ]


def _silence(book: RulebookName, task: Task) -> WarningText:
    """Return why a book has no answer; the other book's is recommended then, where it has one."""
    spoken = book == "evidence" or task.row.in_article
    return WarningText(
        f"{book}-silent",
        Text(
            en=f"The {book} book has no rule for {task} that applies here, so its answer is null."
            if spoken
            else f"The article does not speak of {task}, so its answer is null.",
            zh=f"{_BOOKS_ZH[book]}没有适用于此 {task} 问题的规则,因此其答案为 null。"
            if spoken
            else f"文章没有谈到 {task},因此其答案为 null。",
        ),
    )


def _implied(scenario: Scenario) -> Text:
    place = PLACES[scenario]
    return Text(
        en=f"{scenario} (article, section {place.section}) was taken to be the task {place.task}.",
        zh=f"{scenario}(文章第 {place.section} 节)被视为 {place.task} 任务。",
    )


@lru_cache(maxsize=KEPT)
def _snippets(chosen: Choices) -> answer.Snippets:
    """Return a function for each library that has all of it; of several heads one each, since their inputs differ."""

    def module(library: str) -> str | None:
        texts = {f"{choice.head}_loss": _code(library, choice) for choice in chosen}
        known = {name: text for name, text in texts.items() if text is not None}
        if not known or len(known) < len(texts):
            return None
        return next(iter(known.values())) if len(known) == 1 else snippets.combined_module(known)

    return answer.Snippets(
        pytorch=module("pytorch") or "",
        keras=module("keras"),
        optax=module("optax"),
    )


def _code(library: str, choice: Choice) -> str | None:
    """Return the code of one objective in one library."""
    if library == "pytorch":
        return snippets.pytorch_code(choice.objective)
    return snippets.library_code(choice.objective, library)
