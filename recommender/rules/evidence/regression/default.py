"""Targets without outliers, and those of which nothing is known."""

from losses.text import Text
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules.evidence.outliers import (
    GNEITING,
    HUBER_INSURES,
    MAE_FOR_MEDIAN,
    MULTIPLIES,
    SOME,
)
from recommender.rules.evidence.regression.questions import TASKS, with_goal
from recommender.rules.table import Evidence, Rule, fact
from recommender.tasks import Scenario, Task

ROWS = (
    Rule(
        name="evidence.regression.clean",
        book="evidence",
        tasks=TASKS,
        when=(fact("outlier_rate") < SOME,),
        recommend="mse",
        because=Text(
            en="Without outliers no loss learns the mean from fewer items.",
            zh="没有异常值时,没有损失能用更少的样本学到均值。",
        ),
        source=Evidence("A", f"Gauss-Markov; {GNEITING}"),
        alternatives=(HUBER_INSURES, MAE_FOR_MEDIAN),
        fires=with_goal(outlier_rate=0.0029),
        silent=with_goal(outlier_rate=0.003),
    ),
    Rule(
        name="evidence.regression.salaries",
        book="evidence",
        tasks=TASKS,
        when=(fact("scenario").equals(Scenario.SALARIES),),
        recommend="mse",
        because=Text(
            en="Salaries have a long upper tail, which the mean includes: MAE would learn what most people earn.",
            zh="薪资上尾很长,均值包含它:MAE 学到的是多数人的收入。",
        ),
        source=Evidence("A", GNEITING),
        alternatives=(MAE_FOR_MEDIAN, MULTIPLIES),
        fires=Question.of(Scenario.SALARIES),
        silent=Question.of(Scenario.HOUSE_PRICES),
    ),
    Rule(
        name="evidence.regression.default",
        book="evidence",
        tasks=TASKS,
        recommend="mse",
        because=Text(en="It learns the mean.", zh="它学习均值。"),
        source=Evidence("A", GNEITING),
        assumption=Text(
            en="Nothing was measured; outliers were taken to be absent.", zh="没有测量任何量;假定没有异常值。"
        ),
        alternatives=(HUBER_INSURES, MAE_FOR_MEDIAN),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
)
