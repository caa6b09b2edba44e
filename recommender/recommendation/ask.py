"""The open question to the user whose answer would change the recommendation, where there is one."""

from dataclasses import dataclass
from functools import lru_cache

from losses.text import Language, Text, in_language
from recommender.question import Question
from recommender.recommendation.answer import Ask, AskAnswer
from recommender.recommendation.choice import KEPT, choose, summed
from recommender.rules.rulebook import Rulebook


@dataclass(frozen=True, eq=False)
class OpenQuestion:
    """A fact or a part of the goal that only a person knows, its possible values, and how to find out.

    Attributes:
        fact: Its name, as conditions of rules have it.
        question: What to ask.
        how_to_tell: What to look at for an answer.
        values: What it may be, and what each means.
    """

    fact: str
    question: Text
    how_to_tell: Text
    values: dict[str, Text]

    def is_open(self, question: Question) -> bool:
        """Return whether the question states none of the values."""
        return question.value_of(self.fact) not in self.values


OPEN_QUESTIONS = (
    OpenQuestion(
        fact="goal.outliers",
        question=Text(
            en="Are the far items mistakes, or part of what the model has to predict?",
            zh="远处的样本是错误,还是模型需要预测的一部分?",
        ),
        how_to_tell=Text(
            en="Look at the ten items with the largest residuals. A slipped decimal point, a wrong unit, a failed "
            "sensor or a duplicate is an error. A large claim, a busy day or a costly house that could come again is "
            "signal.",
            zh="查看残差最大的十个样本。小数点错位、单位错误、传感器故障或重复记录属于错误;可能再次出现的大额赔付、"
            "繁忙日或昂贵房屋属于信号。",
        ),
        values={
            "errors": Text(en="they are mistakes that new data will not have", zh="它们是新数据中不会出现的错误"),
            "signal": Text(en="they are real, and new data will have their like", zh="它们是真实的,新数据中也会出现"),
        },
    ),
    OpenQuestion(
        fact="model",
        question=Text(
            en="Is the model linear, or flexible enough to fit single outliers?",
            zh="模型是线性的,还是灵活到足以拟合个别异常值?",
        ),
        how_to_tell=Text(
            en="Linear regression, few features and strong regularisation are linear. Networks, trees and boosting are "
            "flexible.",
            zh="线性回归、少量特征、强正则化属于线性;神经网络、树与提升模型属于灵活。",
        ),
        values={
            "linear": Text(en="single items cannot bend it", zh="个别样本无法使其弯曲"),
            "flexible": Text(en="it can pass through single items", zh="它能穿过个别样本"),
        },
    ),
)


def open_question(book: Rulebook, question: Question, language: Language) -> Ask | None:
    """Return the first open question that this book's answer depends on, with the answer for each value."""
    for entry in OPEN_QUESTIONS:
        if not entry.is_open(question):
            continue
        changes = [{entry.fact: value} for value in entry.values]
        decisions = [book.decide(question, change) for change in changes]
        if all(decision == decisions[0] for decision in decisions):
            continue  # no number changed, so no parameter did
        objectives = [
            str(summed(choose(decision, question.facts.changed(change))))
            for change, decision in zip(changes, decisions, strict=True)
        ]
        if len(set(objectives)) > 1:
            return _ask(entry, tuple(objectives), language)
    return None


@lru_cache(maxsize=KEPT)
def _ask(entry: OpenQuestion, objectives: tuple[str, ...], language: Language) -> Ask:
    """Return an open question, with the objective for each value, as a part of the answer."""
    return Ask(
        fact=entry.fact,
        question=in_language(entry.question, language),
        how_to_tell=in_language(entry.how_to_tell, language),
        answers=[
            AskAnswer(value=value, meaning=in_language(meaning, language), objective=objective)
            for (value, meaning), objective in zip(entry.values.items(), objectives, strict=True)
        ],
    )
