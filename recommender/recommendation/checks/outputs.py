"""Checks of what the model puts out: probabilities, thresholds and masks."""

from losses.text import Text
from recommender.recommendation.checks.check import AnsweredQuestion, Checks
from recommender.recommendation.choice import probability_of
from recommender.recommendation.decision_threshold import decision
from recommender.tasks import BINARY_CLASSES

CHECKS = Checks()


@CHECKS.warns("output-not-a-probability")
def _output_not_a_probability(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where probabilities are wanted and the output is not one."""
    if answered.question.goal.decision != "probabilities":
        return None
    bent = [choice.text for choice in answered.chosen if probability_of(choice)]
    if not bent:
        return None
    losses = " + ".join(bent)
    return Text(
        en=f"The output of {losses} is no probability; the code in `repair` makes it one.",
        zh=f"{losses} 的输出不是概率;`repair` 中的代码可将其还原为概率。",
    )


@CHECKS.warns("no-threshold")
def _no_threshold(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where a yes or no is wanted and the decision threshold is unknown."""
    threshold = decision(answered.question, answered.chosen)
    return threshold if isinstance(threshold, Text) else None


@CHECKS.warns("dice-is-not-iou")
def _dice_is_not_iou(answered: AnsweredQuestion) -> Text | None:
    """Return a note that Dice is not IoU, wherever Dice is recommended."""
    if "dice" not in answered.ids:
        return None
    return Text(
        en="The article calls Dice the intersection over union J; it is D = 2J / (1 + J). Report the one you mean.",
        zh="文章称 Dice 为交并比 J,实际上 D = 2J / (1 + J)。报告指标时请写明是哪一个。",
    )


@CHECKS.warns("empty-masks")
def _empty_masks(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where images without foreground occur and Dice is recommended without cross-entropy."""
    if answered.question.goal.empty_masks is not True or "dice" not in answered.ids:
        return None
    several = (answered.question.profile.number("classes") or 0) > BINARY_CLASSES
    better = "dice + categorical_ce" if several and not answered.question.profile.multilabel else "dice + bce"
    if set(better.split(" + ")) <= answered.ids:
        return None
    return Text(
        en=f"Empty masks count, and Dice hardly rewards leaving them empty; {better} gives every pixel a say.",
        zh=f"空掩膜计入指标,而 Dice 几乎不奖励正确的空预测;{better} 使每个像素都起作用。",
    )


@CHECKS.warns("boundary-not-measured")
def _boundary_not_measured(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where boundaries matter and Dice, which measures overlap only, is recommended."""
    if answered.question.goal.segmentation != "boundary" or "dice" not in answered.ids:
        return None
    return Text(
        en="The goal is the outline; Dice measures area and hardly notices a displaced outline of a large region.",
        zh="目标是轮廓;Dice 衡量面积,对大区域轮廓的偏移几乎不敏感。",
    )
