"""The decision threshold on a probability, from the costs of the two mistakes.

The thresholds are for the probability itself; class weights in the loss would shift the decision a second time.
"""

from dataclasses import dataclass

from losses.description.probability import tells_probability
from losses.text import Text
from recommender.question import Question
from recommender.recommendation.choice import Choices
from recommender.rules.formula import significant
from recommender.tasks import Task

_CLEAN = 12  # significant digits: three would round 0.9996 to a threshold that nothing passes
_ELKAN = "Elkan 2001, The foundations of cost-sensitive learning, IJCAI"
_MENON = "Menon et al. 2013, PMLR 28(3):603; Menon et al. 2021, arXiv:2007.07314"


@dataclass(frozen=True)
class Cut:
    """How to decide by the probability.

    Attributes:
        threshold: The probability from which on the answer is yes; None for several classes.
        takes: For several classes, which of them is the answer.
    """

    threshold: float | None
    formula: str
    because: Text
    source: str
    takes: Text = Text("the class of least expected cost", "期望代价最小的类")  # noqa: RUF009 - a text does not change


def decision(question: Question, chosen: Choices) -> Cut | Text | None:
    """Return how to decide by the probability, or why that is unknown; None where the goal is not a decision."""
    cut = _wanted(question)
    if cut is None or all(tells_probability(choice.objective) for choice in chosen):
        return cut
    losses = " + ".join(str(choice.objective) for choice in chosen)
    return Text(
        en=f"The output of {losses} is no probability, so no formula gives its threshold; choose it on held-out data.",
        zh=f"{losses} 的输出不是概率,没有公式能给出其判定阈值;请在留出数据上选取。",
    )


def _wanted(question: Question) -> Cut | Text | None:
    """Return how to decide for the goal, or why that is unknown; None where nothing is decided."""
    if not question.task.row.yes_or_no:
        return _of_several_classes(question)
    cost, aim = question.number("goal.false_negative_cost"), question.goal.decision
    if question.goal.metric in _CHOSEN:
        return _CHOSEN[question.goal.metric]
    if question.goal.metric == "expected_cost" and cost is None:
        return _NO_COST
    if cost is not None:
        return _by_cost(cost)
    if aim == "balanced":
        return _balanced(question)
    return _EVEN if aim == "accuracy" else None


def _of_several_classes(question: Question) -> Cut | None:
    """Return how to choose among several classes; None where the goal is not such a decision."""
    if question.task.row.labels != "one":
        return None
    if question.goal.cost_matrix is not None:
        return _LEAST_COST
    if question.goal.metric == "f1":
        return _TILTED
    return _LEAST_DISTANCE if question.value_of("hierarchy") is True else None


def _by_cost(cost: float) -> Cut:
    """Return the threshold where a missed positive costs as much as `cost` false alarms."""
    return Cut(
        threshold=significant(1 / (1 + cost), _CLEAN),
        formula="1 / (1 + false_negative_cost)",
        because=Text(
            en=f"A miss costs {cost:g} false alarms: from here on a yes is the cheaper mistake. A loss weighted by the "
            "same cost would count it twice: weights or a threshold, not both.",
            zh=f"一次漏报相当于 {cost:g} 次误报:概率达到该值后判为正的代价更低。若损失再按同一代价加权,"
            "则代价被计算两次:加权与阈值只取其一。",
        ),
        source=_ELKAN,
    )


def _balanced(question: Question) -> Cut | Text:
    """Return the threshold for balanced accuracy, or why it is unknown."""
    share, imbalance = question.number("positive_share"), question.number("class_imbalance")
    if share is None and imbalance is not None and question.task is Task.BINARY:
        return Cut(
            threshold=significant(1 / (1 + imbalance), _CLEAN),
            formula="1 / (1 + class_imbalance)",
            because=Text(
                en="Balanced error weighs each class by 1 over its share, so a yes begins at the share of positives; "
                "the smaller class was taken to be positive.",
                zh="平衡误差按各类占比的倒数加权,因此以正样本占比为阈值;此处假定较小的类为正类。",
            ),
            source=_MENON,
        )
    if share is None:
        return Text(
            en="For balanced errors a yes begins at positive_share, which was not measured.",
            zh="平衡误差下的判定阈值等于 positive_share,而 positive_share 未测量。",
        )
    by_label = question.task.row.labels == "several"
    return Cut(
        threshold=share,
        formula="positive_share",
        because=Text(
            en="Balanced error weighs each class by 1 over its share, so a yes begins where an item is likelier "
            f"positive than items are at large{'; every label has its by_label share' if by_label else ''}.",
            zh="平衡误差按各类占比的倒数加权,因此当样本为正的概率超过总体正例占比时即判为正"
            f"{';每个标签应使用各自的占比' if by_label else ''}。",
        ),
        source=_MENON,
    )


_CHOSEN = {
    "f1": Text(
        en="F1 is highest where a yes begins at half of the best F1 itself: choose the cut on held-out data.",
        zh="当阈值等于最优 F1 的一半时 F1 最高:请在留出数据上选取阈值。",
    ),
    "mcc": Text(
        en="Which cut has the highest Matthews correlation depends on the scores: choose it on held-out data.",
        zh="马修斯相关系数的最优阈值取决于得分分布:请在留出数据上选取。",
    ),
    "recall_at_precision": Text(
        en="Take the lowest cut whose precision on held-out data is the one wanted.",
        zh="取留出数据上满足所需精确率的最低阈值。",
    ),
}
_NO_COST = Text(
    en="Expected cost cuts the probability at 1 / (1 + false_negative_cost), and that cost was not given.",
    zh="期望代价的阈值为 1 / (1 + false_negative_cost),而该代价未给出。",
)
_EVEN = Cut(
    threshold=1 / 2,
    formula="1/2",
    because=Text(
        en="Accuracy counts both mistakes alike, so the likelier answer is the better one.",
        zh="准确率对两类错误一视同仁,因此取可能性更大的答案。",
    ),
    source=_ELKAN,
)
_LEAST_COST = Cut(
    threshold=None,
    formula="argmin_j sum_i p_i * cost_matrix[i][j]",
    because=Text(
        en="Of several classes the one of least expected cost is the best answer, whatever the most probable one is.",
        zh="对多个类别,期望代价最小的类是最优答案,而不论哪一类概率最大。",
    ),
    source=_ELKAN,
)
_LEAST_DISTANCE = Cut(
    threshold=None,
    formula="argmin_j sum_i p_i * distance(i, j)",
    because=Text(
        en="The class that lies nearest to all that are probable makes the milder mistakes, and nearly as few.",
        zh="离所有可能类别最近的类,犯的错误更轻,且错误数几乎不增。",
    ),
    source="Karthik et al. 2021, arXiv:2104.00795",
    takes=Text("the class of least expected distance", "期望距离最小的类"),
)
_TILTED = Cut(
    threshold=None,
    formula="argmax_j p_j / share_j ** a",
    because=Text(
        en="F1 averaged over classes counts a rare class as much as a frequent one, which the likeliest class "
        "neglects: choose a from 0 (accuracy) to 1 (every class the same) on held-out data.",
        zh="按类平均的 F1 对稀少类与常见类同等计入,而取概率最大的类会忽略前者:请在留出数据上从 0(准确率)到 1(各类同等)"
        "选取 a。",
    ),
    source=f"{_MENON}; chosen on held-out data as by Koyejo et al. 2015, NeurIPS 28",
    takes=Text("the class of largest tilted probability", "调整后概率最大的类"),
)
