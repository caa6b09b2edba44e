"""The recommendation for a task, facts and a goal, with its reasons."""

from collections.abc import Mapping
from functools import lru_cache

from losses.text import Language, Text, in_language
from losses.version import VERSION
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.recommendation import answer
from recommender.recommendation.alternatives import offered_by_the_rules
from recommender.recommendation.ask import open_question
from recommender.recommendation.checks import answer_warnings
from recommender.recommendation.checks.check import AnsweredQuestion
from recommender.recommendation.checks.goal import total_is_missed, total_kept
from recommender.recommendation.choice import Choices, choose, summed
from recommender.recommendation.choice_fields import choice_fields
from recommender.recommendation.counterfactual import borderline, nearest_change
from recommender.recommendation.decision_threshold import Cut, decision
from recommender.recommendation.experiment import is_tabular
from recommender.recommendation.goals import goal_in_force, metric, variations
from recommender.recommendation.reasons import fired, nearly
from recommender.recommendation.summary import Answers, summary
from recommender.rules.export import rules_hash
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
    """Return which loss to use for a task or scenario, with its reasons.

    Args:
        task: The name of the task.
        scenario: The name of a scenario of the article; it implies the task.
        profile: The facts of the data.
        goal: What the model is for.
        rulebook: The book whose answer is recommended.
        thresholds: Overrides of thresholds, by name.
        language: The language of the sentences.

    Raises: NoTask, UnknownTask, UnknownScenario, UnknownThreshold, BadThreshold.
    """
    known_task, case = read_task_and_scenario(task, scenario)
    aim, assumed_goal = goal_in_force(known_task, goal)
    question = Question(known_task, case, profile, aim)
    books = books_in_force(thresholds)
    choices = {name: choose(book.decide(question), question.facts) for name, book in books.items()}
    if not choices[rulebook]:
        rulebook = "evidence" if rulebook == "article" else "article"
    book, chosen = books[rulebook], choices[rulebook]

    implied = [_implied(case)] if case and task is None else []
    assumed = [choice.rule.assumption for choice in chosen if choice.rule.assumption]
    objective = str(summed(chosen))  # "" where no book speaks
    judged_by = metric(question)
    fields = choice_fields(
        known_task,
        aim,
        choices["article"],
        choices["evidence"],
        offered_by_the_rules(chosen, question.facts),
        rulebook=rulebook,
        judged_by=judged_by,
        tabular=is_tabular(question),
        language=language,
    )
    cut = decision(question, chosen)
    missed = total_kept(AnsweredQuestion(books["article"], question, choices["article"]))
    cuts = (_cut(question, choices["article"]), _cut(question, choices["evidence"]))
    answers = Answers(known_task, aim, choices["article"], choices["evidence"], rulebook, judged_by, cuts, missed)
    return answer.Recommendation(
        summary=in_language(summary(answers), language),
        ask=open_question(books["evidence"], question, language),
        task=known_task,
        scenario=case,
        goal=aim,
        recommended=fields.recommended,
        article=fields.article,
        evidence=fields.evidence,
        agreement=fields.agreement,
        parameters=_parameters(chosen),
        repair=fields.repair,
        decision=_decision(cut, language),
        fired=fired(book, question, language),
        nearly=nearly(book, question, language),
        counterfactual=nearest_change(book, question, objective),
        other_goals=_other_goals(book, question, objective),
        alternatives=fields.alternatives,
        ruled_out=fields.ruled_out,
        warnings=[
            *(_silence(name, known_task).notice(language) for name, chosen_by in choices.items() if not chosen_by),
            *(warning.notice(language) for warning in answer_warnings(book, question, chosen)),
            *(
                warning.notice(language)
                for warning in _article_warnings(books["article"], question, choices["article"], chosen)
            ),
        ],
        assumptions=[in_language(text, language) for text in (*implied, *assumed_goal, *assumed)],
        borderline=borderline(book, question),
        experiment=fields.experiment,
        snippets=fields.snippets,
        rules_hash=_rules_hash(book),
        version=VERSION,
    )


def _cut(question: Question, chosen: Choices) -> Cut | None:
    """Return how to decide by the probability that a book's loss learns; None where that is unknown."""
    cut = decision(question, chosen)
    return cut if isinstance(cut, Cut) else None


@lru_cache(maxsize=16)
def _rules_hash(book: Rulebook) -> str:
    """Return the hash of the rules and thresholds in force."""
    return rules_hash(book.bounds)


def _article_warnings(book: Rulebook, question: Question, article: Choices, chosen: Choices) -> list[WarningText]:
    """Return warnings about the article's answer, where the other book's is recommended."""
    if not article or str(summed(article)) == str(summed(chosen)):
        return []
    missed = total_is_missed(AnsweredQuestion(book, question, article))
    return [WarningText("article-misses-total", missed)] if missed else []


def _other_goals(book: Rulebook, question: Question, objective: str) -> list[answer.OtherGoal]:
    """Return what the book recommends for goals that differ in one part."""
    others = []
    for part, changes in variations(book.conditions(question.task), question.goal):
        decision = book.decide(question, changes)
        objective_then = str(summed(choose(decision, question.facts.changed(changes))))
        if objective_then and objective_then != objective:
            others.append(answer.OtherGoal(goal=part, objective=objective_then))
    return others


def _parameters(chosen: Choices) -> list[answer.ParameterAnswer]:
    """Return the computed parameters as a part of the answer."""
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
    """Return the decision threshold as a part of the answer."""
    if not isinstance(cut, Cut):
        return None
    return answer.Decision(
        threshold=cut.threshold,
        on="probability",
        formula=cut.formula,
        because=in_language(cut.because, language),
        source=cut.source,
    )


def _silence(book: RulebookName, task: Task) -> WarningText:
    """Return the warning that a book has no answer, so that the other book's is recommended, if it has one."""
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
    """Return the sentence that the scenario implied the task."""
    place = PLACES[scenario]
    return Text(
        en=f"{scenario} (article, section {place.section}) was taken to be the task {place.task}.",
        zh=f"{scenario}(文章第 {place.section} 节)被视为 {place.task} 任务。",
    )
