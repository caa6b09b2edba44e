"""Regression: sections 1 and 4 of the article."""

from losses.text import Text
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules.article.thresholds import MANY_OUTLIERS, SOME_OUTLIERS
from recommender.rules.formulas import box_beta, huber_beta, proposal_beta
from recommender.rules.table import Alternative, Article, Rule, RuledOut, fact
from recommender.tasks import Scenario, Task

_TASKS = (Task.REGRESSION,)

_MAE_FOR_MEDIAN = Alternative(
    "mae",
    Text(
        en="the median is wanted, or the wild targets all lie on one side.",
        zh="需要预测中位数,或异常值都偏向同一侧。",
    ),
)
_SMOOTH_L1_INSURES = Alternative(
    "smooth_l1",
    Text(
        en="outliers may turn up later: on clean normal errors it costs 5 % efficiency.",
        zh="日后可能出现异常值:在干净的正态误差上只损失 5 % 的效率。",
    ),
    computed={"beta": huber_beta},
)
_SMOOTH_L1_CONVERGES = Alternative(
    "smooth_l1",
    Text(
        en="training oscillates near zero error: its gradient shrinks there, that of MAE does not.",
        zh="训练在误差接近零处震荡:此处它的梯度会变小,而 MAE 的不会。",
    ),
    computed={"beta": huber_beta},
)
_PROPOSALS = Alternative(
    "smooth_l1",
    Text(
        en="the offsets are small and not divided by their spread, as in the proposal network of Faster R-CNN.",
        zh="偏移量很小且未除以其离散度,如 Faster R-CNN 的候选区域网络。",
    ),
    computed={"beta": proposal_beta},
)
_MAE_FOR_BOXES = Alternative(
    "mae",
    Text(
        en="the switch point cannot be matched to the scale of the offsets.",
        zh="无法使切换点与偏移量的尺度相配。",
    ),
)
_MSE_FOLLOWS_OUTLIERS = RuledOut(
    "mse",
    Text(
        en="It squares errors: one that is ten times as large weighs a hundred times as much.",
        zh="它对误差取平方:十倍大的误差占一百倍的权重。",
    ),
)
_BOXES = Text(
    en="Squared for small offsets and linear for large ones: precise boxes, and early wild ones do not dominate.",
    zh="小偏移取平方,大偏移取线性:边界框精确,训练早期的大误差也不会主导。",
)

RULES = (
    Rule(
        name="regression.boxes",
        book="article",
        tasks=_TASKS,
        when=(fact("boxes").is_true(),),
        recommend="smooth_l1",
        computed={"beta": box_beta},
        because=_BOXES,
        source=Article("1.3"),
        alternatives=(_PROPOSALS, _MAE_FOR_BOXES),
        ruled_out=(_MSE_FOLLOWS_OUTLIERS,),
        fires=Profile(boxes=True),
        silent=Profile(boxes=False),
    ),
    Rule(
        name="regression.box_regression",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.BOX_REGRESSION),),
        recommend="smooth_l1",
        computed={"beta": box_beta},
        because=_BOXES,
        source=Article("1.3"),
        alternatives=(_PROPOSALS, _MAE_FOR_BOXES),
        ruled_out=(_MSE_FOLLOWS_OUTLIERS,),
        fires=Question.of(Scenario.BOX_REGRESSION),
        silent=Question.of(Scenario.HOUSE_PRICES),
    ),
    Rule(
        name="regression.many_outliers",
        book="article",
        tasks=_TASKS,
        when=(fact("outlier_rate") >= MANY_OUTLIERS,),
        recommend="mae",
        because=Text(
            en="With this many outliers even the linear tails of Smooth L1 follow them; MAE follows the median.",
            zh="异常值如此之多时,平滑 L1 的线性尾部也会被其牵引;MAE 跟随中位数。",
        ),
        source=Article("4"),
        alternatives=(_SMOOTH_L1_CONVERGES,),
        ruled_out=(_MSE_FOLLOWS_OUTLIERS,),
        fires=Profile(outlier_rate=0.20),
        silent=Profile(outlier_rate=0.199),
    ),
    Rule(
        name="regression.salaries_outliers",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.SALARIES), fact("outlier_rate") >= SOME_OUTLIERS),
        recommend="mae",
        because=Text(
            en="With outliers the article allows MAE or Smooth L1; for salaries its section 1.2 names MAE.",
            zh="有异常值时文章允许 MAE 或平滑 L1;对薪资预测,其第 1.2 节指定 MAE。",
        ),
        source=Article("4"),
        alternatives=(_SMOOTH_L1_CONVERGES,),
        ruled_out=(_MSE_FOLLOWS_OUTLIERS,),
        fires=Question.of(Scenario.SALARIES, Profile(outlier_rate=0.003)),
        silent=Question.of(Scenario.SALARIES, Profile(outlier_rate=0.0029)),
    ),
    Rule(
        name="regression.outliers",
        book="article",
        tasks=_TASKS,
        when=(fact("outlier_rate") >= SOME_OUTLIERS,),
        recommend="smooth_l1",
        computed={"beta": huber_beta},
        because=Text(
            en="Errors beyond beta grow linearly, so a few wild targets cannot own the gradient.",
            zh="误差超过 beta 后按线性增长,少数异常值不会主导梯度。",
        ),
        source=Article("4"),
        alternatives=(_MAE_FOR_MEDIAN,),
        ruled_out=(_MSE_FOLLOWS_OUTLIERS,),
        fires=Profile(outlier_rate=0.003),
        silent=Profile(outlier_rate=0.0029),
    ),
    Rule(
        name="regression.no_outliers",
        book="article",
        tasks=_TASKS,
        when=(fact("outlier_rate") < SOME_OUTLIERS,),
        recommend="mse",
        because=Text(
            en="Without outliers the squared error trains most steadily: its gradient shrinks with the error.",
            zh="没有异常值时平方误差优化最稳定:梯度随误差减小。",
        ),
        source=Article("4"),
        alternatives=(_SMOOTH_L1_INSURES, _MAE_FOR_MEDIAN),
        fires=Profile(outlier_rate=0.0029),
        silent=Profile(outlier_rate=0.003),
    ),
    Rule(
        name="regression.salaries",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.SALARIES),),
        recommend="mae",
        because=Text(
            en="A few very high incomes would pull the squared error towards them; MAE does not square.",
            zh="少数极高收入会牵引平方误差;MAE 不对误差取平方。",
        ),
        source=Article("1.2"),
        assumption=Text(
            en="Salaries were taken to have many outliers, as the article says; outlier_rate was not measured.",
            zh="按文章所述假定薪资数据异常值较多;outlier_rate 未测量。",
        ),
        alternatives=(_SMOOTH_L1_CONVERGES,),
        ruled_out=(_MSE_FOLLOWS_OUTLIERS,),
        fires=Question.of(Scenario.SALARIES),
        silent=Question.of(Scenario.HOUSE_PRICES),
    ),
    Rule(
        name="regression.house_prices",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.HOUSE_PRICES),),
        recommend="mse",
        because=Text(
            en="General regression with few outliers: the squared error is smooth and steady to optimise.",
            zh="异常值少的通用回归任务:平方误差光滑,优化稳定。",
        ),
        source=Article("1.1"),
        assumption=Text(
            en="House prices were taken to have few outliers, as the article says; outlier_rate was not measured.",
            zh="按文章所述假定房价数据异常值少;outlier_rate 未测量。",
        ),
        alternatives=(_SMOOTH_L1_INSURES, _MAE_FOR_MEDIAN),
        fires=Question.of(Scenario.HOUSE_PRICES),
        silent=Question.of(Scenario.SALARIES),
    ),
    Rule(
        name="regression.default",
        book="article",
        tasks=_TASKS,
        recommend="mse",
        because=Text(
            en="The loss for regression in general: smooth and steady to optimise where outliers are few.",
            zh="通用回归任务的损失:异常值少时光滑且优化稳定。",
        ),
        source=Article("1.1"),
        assumption=Text(
            en="outlier_rate was not measured; few outliers were assumed.",
            zh="outlier_rate 未测量;假定异常值很少。",
        ),
        alternatives=(_SMOOTH_L1_INSURES, _MAE_FOR_MEDIAN),
        fires=Profile(),
        silent=Question(Task.BINARY),
    ),
)
