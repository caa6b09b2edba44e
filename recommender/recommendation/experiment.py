"""The experiment that would settle the answer: what to compare, by what, and the request for it."""

from losses.text import Language, Text, in_language
from recommender.question import Question
from recommender.recommendation.answer import Experiment, ExperimentRequest

MOST_COMPARED = 4  # by hand
MOST_CANDIDATES = 8  # of the service's own experiments, which train them together
TABULAR = ("numbers", "pair", "classes")  # what a linear model or a small network of table columns predicts
HOW = Text(
    en="Train each candidate with its own learning rate, since losses differ in scale, from several seeds, and "
    "compare the metric on held-out data: the article's last word is to compare by experiment.",
    zh="由于各损失的尺度不同,请为每个候选单独调学习率,用多个随机种子训练,并在留出数据上比较指标:"
    "文章的结论正是通过实验对比。",
)


def experiment(question: Question, objectives: list[str], metric: Text, language: Language) -> Experiment:
    """Return the plan over the objectives, the recommended first; with a request where the service can run it."""
    return Experiment(
        candidates=objectives[:MOST_COMPARED],
        metric=in_language(metric, language),
        how=in_language(HOW, language),
        request=_request(question, objectives),
    )


def _request(question: Question, objectives: list[str]) -> ExperimentRequest | None:
    """Return the body of POST /v1/experiments; None for tasks whose models are not made of table columns."""
    if question.task.row.measured_as not in TABULAR or not objectives:
        return None
    return ExperimentRequest(goal=question.goal, candidates=objectives[:MOST_CANDIDATES])
