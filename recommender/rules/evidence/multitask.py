"""Several outputs, each with a loss of its own: how to weigh one loss against another."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules.table import Alternative, Evidence, Rule
from recommender.tasks import Task

RULES = (
    Rule(
        name="evidence.multitask.default",
        book="evidence",
        tasks=(Task.MULTITASK,),
        recommend="uncertainty_weighted",
        because=Text(
            en="Losses of different units cannot be added as they are: each is divided by a variance that is learnt "
            "with it, so that none decides by its unit alone.",
            zh="单位不同的损失不能直接相加:各除以与其一同学习的方差,使任何一项都不会仅凭单位取胜。",
        ),
        source=Evidence("C", "Kendall, Gal & Cipolla 2018, arXiv:1705.07115: depth, classes and instances of streets"),
        assumption=Text(
            en="Each output has a loss of its own: ask for it under its own task.",
            zh="每个输出各有自己的损失:请按其自身的任务分别询问。",
        ),
        alternatives=(
            Alternative(
                "gaussian_nll",
                Text(
                    en="all outputs are numbers, and each should say how uncertain it is, item by item.",
                    zh="所有输出都是数值,且希望逐样本给出各自的不确定性。",
                ),
            ),
        ),
        warnings=(
            WarningText(
                "equal-weights-are-strong",
                Text(
                    en="Standardise the targets and try the plain sum of the losses too: tuned alike, no way of "
                    "weighing beat it clearly (Xin et al. 2022, arXiv:2209.11379; Kurin et al. 2022, "
                    "arXiv:2201.04122).",
                    zh="请先标准化目标,并同时尝试各损失直接相加:同等调参时,没有一种加权方法明显胜过它"
                    "(Xin et al. 2022, arXiv:2209.11379;Kurin et al. 2022, arXiv:2201.04122)。",
                ),
            ),
        ),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
)
