"""Ordinal classification and ranking."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, fact
from recommender.tasks import Task

_ORDINAL, _RANKING = (Task.ORDINAL,), (Task.RANKING,)
_OURS = "benchmarks/regret, grades"
_CORN = "Shi, Cao & Raschka 2021, arXiv:2111.08851"
_EXACT_HITS = Alternative("sparse_categorical_ce", Text(en="only exact hits count.", zh="只计精确命中。"))
_SCORES = Alternative(
    "ordinal_emd2",
    Text(
        en="the probability of every class is wanted, a far miss costing more.",
        zh="需要各类别的概率,且偏差越远代价越大。",
    ),
)
_ONE_LESS = WarningText(
    "one-output-less-than-grades",
    Text(
        en="The model puts out one logit less than there are grades; grades are ids from 0.",
        zh="模型输出的 logit 比等级数少一个;等级为从 0 开始的整数。",
    ),
)
_PER_LIST = WarningText(
    "lists-are-items",
    Text(
        en="An item is a list: predictions and targets are (lists, length), and `mask` marks what pads a list.",
        zh="一个样本是一个列表:预测与目标为(列表数, 长度),填充部分由 `mask` 标出。",
    ),
)
_SMOOTH = Alternative(
    "approx_ndcg",
    Text(en="a smooth loss of the metric itself is wanted.", zh="需要指标本身的平滑近似。"),
)
_SOFTMAX = Alternative(
    "ranking_softmax",
    Text(en="one or few items of a list are relevant, as with clicks.", zh="列表中只有一个或少数相关项,如点击。"),
)
_OF_ONE = (
    Alternative("listnet", Text(en="grades tell how relevant items are.", zh="有相关性等级。")),
    Alternative("list_mle", Text(en="the whole order is known.", zh="已知完整次序。")),
)


def _decides(decision: str) -> Question:
    """Return a question about ordered classes with this kind of decision as its goal."""
    return Question(Task.ORDINAL, goal=Goal(decision=decision))  # type: ignore[arg-type] # the literals of Goal


def _ranks(by: str) -> Question:
    """Return a question about ranking with this goal."""
    return Question(Task.RANKING, goal=Goal(ranking=by))  # type: ignore[arg-type] # the literals of Goal


RULES = (
    Rule(
        name="evidence.ordinal.probabilities",
        book="evidence",
        tasks=_ORDINAL,
        when=(fact("goal.decision").equals("probabilities"),),
        recommend="corn",
        because=Text(
            en="It is a likelihood of the grades with as many outputs as it needs: the chance of a grade is the "
            "product of the chances to exceed those below it, less that to exceed it too.",
            zh="它是等级的似然,输出数恰好够用:某等级的概率等于超过其下各等级的概率之积,减去连它也超过的概率。",
        ),
        source=Evidence("P", f"{_OURS}: lower ranked probability scores than the score itself, trained; {_CORN}"),
        alternatives=(
            _SCORES,
            Alternative("sparse_categorical_ce", Text(en="log loss is the metric.", zh="指标为对数损失。")),
        ),
        warnings=(_ONE_LESS,),
        fires=_decides("probabilities"),
        silent=_decides("balanced"),
    ),
    Rule(
        name="evidence.ordinal.accuracy",
        book="evidence",
        tasks=_ORDINAL,
        when=(fact("goal.decision").equals("accuracy"),),
        recommend="corn",
        because=Text(
            en="Accuracy asks for the likeliest grade, near or far; probabilities that know the order find it with "
            "fewer items than those that do not.",
            zh="准确率只看最可能的等级,不论远近;利用次序的概率比不利用次序的用更少样本即可找到它。",
        ),
        source=Evidence("P", f"{_OURS}: a higher accuracy than cross-entropy on ten of twelve origins; {_CORN}"),
        alternatives=(_EXACT_HITS,),
        warnings=(_ONE_LESS,),
        fires=_decides("accuracy"),
        silent=_decides("balanced"),
    ),
    Rule(
        name="evidence.ordinal.kappa",
        book="evidence",
        tasks=_ORDINAL,
        when=(fact("goal.metric").equals("qwk"),),
        recommend="ordinal_emd2",
        because=Text(
            en="Quadratic kappa counts squared distances of grades, so the mean grade serves it best: take that of "
            "these probabilities, and cut it into grades on held-out data.",
            zh="二次 kappa 计等级距离的平方,因此等级的均值最优:取这些概率的平均等级,并在留出数据上切分为等级。",
        ),
        source=Evidence(
            "A", f"Cohen 1968, doi:10.1037/h0026256: one less squared distances over those of chance; P: {_OURS}"
        ),
        alternatives=(
            Alternative(
                "mse",
                Text(
                    en="one output is to be the mean grade, and the model is flexible: a straight line leaves the "
                    "scale.",
                    zh="只用一个输出表示平均等级,且模型灵活:线性模型会超出等级范围。",
                ),
            ),
            Alternative("corn", Text(en="grades themselves are put out.", zh="直接输出等级。")),
        ),
        fires=Question(Task.ORDINAL, goal=Goal(metric="qwk")),
        silent=_decides("balanced"),
    ),
    Rule(
        name="evidence.ordinal.default",
        book="evidence",
        tasks=_ORDINAL,
        recommend="corn",
        because=Text(
            en="It learns whether each grade is exceeded, given the one before: a near miss is better than a far one, "
            "and the ranks agree with one another.",
            zh="它学习在超过前一等级时是否超过下一等级:偏差小好过偏差大,且各等级相互一致。",
        ),
        source=Evidence("C", f"{_CORN}: a lower error of the rank than CORAL and cross-entropy; Ludwig ships it"),
        assumption=Text(en="Near misses are better than far ones.", zh="假定偏差小好过偏差大。"),
        alternatives=(
            Alternative(
                "coral",
                Text(
                    en="one score with a bias a grade will do, and few items call for few parameters.",
                    zh="只需一个得分加各等级偏置;样本少时参数应少。",
                ),
            ),
            _SCORES,
            _EXACT_HITS,
        ),
        warnings=(_ONE_LESS,),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
    Rule(
        name="evidence.ranking.pairs",
        book="evidence",
        tasks=_RANKING,
        when=(fact("goal.ranking").equals("pairs"),),
        recommend="ranknet",
        because=Text(
            en="Pairs in the right order are what counts, and it is their logistic loss.",
            zh="计的是次序正确的样本对,它正是其逻辑损失。",
        ),
        source=Evidence("C", "Burges et al. 2005, doi:10.1145/1102351.1102363"),
        alternatives=(
            Alternative("margin_ranking", Text(en="pairs are given one by one.", zh="样本对逐个给出。")),
            Alternative("lambda_loss", Text(en="the top of the list counts most.", zh="列表顶部最重要。")),
        ),
        warnings=(_PER_LIST,),
        fires=_ranks("pairs"),
        silent=_ranks("ndcg"),
    ),
    Rule(
        name="evidence.ranking.top_one_linear",
        book="evidence",
        tasks=_RANKING,
        when=(fact("goal.ranking").equals("top_one"), fact("model").equals("linear")),
        recommend="ranking_softmax",
        because=Text(
            en="With one relevant item a list it bounds the mean reciprocal rank, and it is convex: a linear model "
            "finds its best.",
            zh="每个列表只有一个相关项时,它是平均倒数排名的界;它是凸的,线性模型能求得最优。",
        ),
        source=Evidence("A", "Bruch et al. 2019, doi:10.1145/3341981.3344221; P: benchmarks/regret, lists"),
        alternatives=_OF_ONE,
        warnings=(_PER_LIST,),
        fires=Question(Task.RANKING, profile=Profile(model="linear"), goal=Goal(ranking="top_one")),
        silent=Question(Task.RANKING, profile=Profile(model="flexible"), goal=Goal(ranking="top_one")),
    ),
    Rule(
        name="evidence.ranking.top_one",
        book="evidence",
        tasks=_RANKING,
        when=(fact("goal.ranking").equals("top_one"),),
        recommend="lambda_loss",
        because=Text(
            en="It weighs each pair by what its exchange would change at the top, where the first relevant item is "
            "looked for.",
            zh="它按交换样本对对列表顶部的影响加权,而首个相关项正是在顶部寻找的。",
        ),
        source=Evidence(
            "P",
            "benchmarks/regret, lists: best constant by reciprocal rank; Wang et al. 2018, doi:10.1145/3269206.3271784",
        ),
        alternatives=(
            Alternative(
                "ranking_softmax",
                Text(
                    en="a list has one relevant item, as with clicks, or the model is linear.",
                    zh="列表只有一个相关项(如点击),或模型为线性。",
                ),
            ),
            *_OF_ONE,
        ),
        warnings=(_PER_LIST,),
        fires=_ranks("top_one"),
        silent=_ranks("ndcg"),
    ),
    Rule(
        name="evidence.ranking.default",
        book="evidence",
        tasks=_RANKING,
        recommend="lambda_loss",
        because=Text(
            en="It weighs each pair by what its exchange would change in nDCG, and bounds that metric.",
            zh="它按交换样本对所改变的 nDCG 加权,是该指标的界。",
        ),
        source=Evidence("C", "Wang et al. 2018, doi:10.1145/3269206.3271784: better than LambdaMART on web search"),
        assumption=Text(en="Lists are judged by nDCG: the top counts most.", zh="假定以 nDCG 评价:顶部最重要。"),
        alternatives=(_SMOOTH, _SOFTMAX),
        ruled_out=(
            RuledOut(
                "mse",
                Text(
                    en="It learns the grades, and spends itself on differences that change no order.",
                    zh="它学习等级数值,把力气花在不改变次序的差异上。",
                ),
            ),
        ),
        warnings=(_PER_LIST,),
        fires=Profile(),
        silent=Question(Task.SIMILARITY),
    ),
)
