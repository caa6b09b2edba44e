"""Survival: times until an event, some of them censored; a ranking by risk, or the times themselves."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, fact
from recommender.tasks import Task

_TASKS = (Task.SURVIVAL,)
_NO_CENSORING = RuledOut(
    "mse",
    Text(
        en="It takes the time an item was last seen for the time of its event, and learns times that are too short.",
        zh="它把最后观察时间当作事件时间,学到的时间偏短。",
    ),
)
_CENSORED_STAY = WarningText(
    "censored-items-stay",
    Text(
        en="Keep items that did not reach the event, with events = 0 and the time they were last seen: without them "
        "times are too short.",
        zh="请保留未发生事件的样本(events = 0,时间为最后观察时间):去掉它们会使时间偏短。",
    ),
)

RULES = (
    Rule(
        name="evidence.survival.times",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.functional").is_one_of("mean", "median", "quantile", "distribution"),),
        recommend="aft",
        because=Text(
            en="Times are wanted: it learns their distribution, from events by its density and from other items by how "
            "likely later times are, so that every quantile can be read off it.",
            zh="需要时间本身:它学习时间的分布,对已发生者用密度,对其余用生存概率,由此可得出任意分位数。",
        ),
        source=Evidence("D", "Kalbfleisch & Prentice 2002, doi:10.1002/9781118032985; XGBoost's survival:aft"),
        assumption=Text(
            en="Times are spread as Weibull's; compare lognormal and loglogistic by their likelihood.",
            zh="假定时间服从 Weibull 分布;请按似然比较 lognormal 与 loglogistic。",
        ),
        alternatives=(
            Alternative(
                "aft(distribution=lognormal)",
                Text(en="risk rises and falls again, as after an operation.", zh="风险先升后降,如术后。"),
            ),
            Alternative("cox", Text(en="an order of risks will do.", zh="只需风险次序。")),
        ),
        ruled_out=(_NO_CENSORING,),
        warnings=(_CENSORED_STAY,),
        fires=Question(Task.SURVIVAL, goal=Goal(functional="median")),
        silent=Question(Task.SURVIVAL),
    ),
    Rule(
        name="evidence.survival.default",
        book="evidence",
        tasks=_TASKS,
        recommend="cox",
        because=Text(
            en="It asks which of those still at risk comes first, whatever the times are: what concordance counts.",
            zh="它只问仍处于风险中的样本谁先发生,与时间的具体数值无关:这正是一致性指数所计。",
        ),
        source=Evidence("C", "Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Katzman et al. 2018, arXiv:1606.00931"),
        assumption=Text(
            en="An order of risks is wanted, and hazards are proportional.", zh="假定需要风险次序,且风险成比例。"
        ),
        alternatives=(
            Alternative("aft", Text(en="times are wanted, or batches are small.", zh="需要时间本身,或批次较小。")),
        ),
        ruled_out=(_NO_CENSORING,),
        warnings=(
            _CENSORED_STAY,
            WarningText(
                "risk-sets-are-batches",
                Text(
                    en="Who is at risk is read off the batch: make it large, or take all items at once.",
                    zh="风险集取自当前批次:批次应大,或一次取全部样本。",
                ),
            ),
        ),
        fires=Profile(),
        silent=Question(Task.REGRESSION),
    ),
)
