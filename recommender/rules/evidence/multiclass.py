"""Multi-class classification: the encoding decides the form of cross-entropy; noise and goals, other losses."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.article.thresholds import MANY_CLASSES, SOME_IMBALANCE
from recommender.rules.evidence.imbalance import MENON, REBALANCING
from recommender.rules.evidence.noise import LUKASIK, NO_FOCAL_SOFTMAX, NOISE_BENDS_OUTPUTS, NOISY, VERY_NOISY
from recommender.rules.formulas import class_smoothing, focal_gamma
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, Threshold, fact
from recommender.tasks import Scenario, Task

_TASKS = (Task.MULTICLASS,)
_SMOOTHING = {"label_smoothing": class_smoothing}


def _with_goal(decision: str, **facts: object) -> Question:
    """Return a question with that goal."""
    goal = Goal(decision=decision)  # type: ignore[arg-type] # the literals of Goal
    return Question(Task.MULTICLASS, profile=Profile(**facts), goal=goal)  # type: ignore[arg-type] # facts by name


LONG_TAIL = Threshold(
    name="evidence.imbalance.long_tail",
    default=10.0,
    source="long-tailed CIFAR starts at 10 (Cao et al. 2019, arXiv:1906.07413)",
    description=Text(
        en="From this ratio of the largest class to the smallest on, the classes have a long tail.",
        zh="最大类与最小类之比达到该值,类别呈长尾分布。",
    ),
)
_IDENTITY = "the same number from either encoding; one-hot rows take 4 n C bytes, ids 8 n"
_SAME_FROM_IDS = Alternative(
    "sparse_categorical_ce", Text(en="labels are ids: the same number.", zh="标签为整数索引:数值相同。")
)
_SAME_FROM_ROWS = Alternative(
    "categorical_ce", Text(en="labels are one-hot rows: the same number.", zh="标签为独热向量:数值相同。")
)
_CLEAN_IDS = Alternative("sparse_categorical_ce", Text(en="the labels turn out to be clean.", zh="标签其实是干净的。"))
_CLEAN_ROWS = Alternative("categorical_ce", Text(en="the labels turn out to be clean.", zh="标签其实是干净的。"))
_ADJUSTED = Alternative(
    "logit_adjusted",
    Text(
        en="all classes should count the same, however rare (class ids; priors are the shares of the classes).",
        zh="希望各类同等计入,无论多稀少(标签为整数索引;priors 为各类占比)。",
    ),
)
_WEIGHTED = Alternative(
    "class_balanced",
    Text(
        en="weights are wanted all the same; a deep network outgrows them, so re-sample or switch them on late.",
        zh="仍希望加权;深度网络会使权重失效,宜重采样或在后期启用。",
    ),
)
_INSIST_ON_FOCAL = Alternative(
    "focal_softmax",
    Text(
        en="you insist on focal loss; its output needs the map back to probabilities.",
        zh="坚持使用 Focal 损失;其输出须经映射还原为概率。",
    ),
    computed={"gamma": focal_gamma},
)
_SAMPLED = Alternative(
    "sampled_softmax",
    Text(
        en="the logits of all classes do not fit into memory: train on the true ones and a sample of the others.",
        zh="全部类别的 logits 放不进内存:在真实类别与其余类别的样本上训练。",
    ),
)
_FOCAL_OUT = RuledOut(
    "focal_softmax",
    Text(
        en="On long-tailed CIFAR-10 it did as plain cross-entropy: 29.62 against 29.64 % error.",
        zh="在长尾 CIFAR-10 上它与普通交叉熵相当:错误率 29.62 对 29.64 %。",
    ),
)
_READ_AS_THEY_ARE = WarningText(
    "balanced-logits",
    Text(
        en="The priors are added in training alone. Read as they are, the logits answer for equally frequent classes.",
        zh="先验只在训练时加入。直接读取时,logits 对应各类同样频繁的情形。",
    ),
)
_IN_THE_LOSS = Text(
    en="With the priors inside the loss, plain logits decide as if all classes were equally frequent.",
    zh="先验进入损失后,原始 logits 按各类同样频繁来判定。",
)
_PROPER = Text(
    en="It is a proper score: its best output is the distribution over classes, and decisions follow from that.",
    zh="它是恰当评分规则:最优输出即各类的分布,决策由此得出。",
)
_IDS = Text(
    en="The same number as from one-hot rows, which would take C / 2 times the memory.",
    zh="与独热标签数值相同,而独热矩阵占用 C / 2 倍内存。",
)
_RARE = Text(
    en="Rare classes have low probabilities: re-balancing would falsify them, and it ranks no better.",
    zh="稀少类别的概率本来就低:重新平衡会使其失真,排序也并不更好。",
)
_UNSURE = Text(
    en="A few labels are wrong: smoothing keeps the model from being sure of them.",
    zh="有少量标签是错的:标签平滑使模型不会对其深信不疑。",
)
START_FROM_SHARES = WarningText(
    "start-from-the-shares",
    Text(
        en="Start the biases of the outputs at the logarithms of the classes' shares: a network that starts from zero "
        "spends its first steps on learning them, and its log loss stays higher.",
        zh="请将输出偏置初始化为各类占比的对数:从零开始的网络最初几步都在学习占比,对数损失也更高。",
    ),
)
_LINEAR = fact("model").equals("linear")  # convex: where it starts decides nothing
_NOISY_PROBABILITIES = (fact("label_noise") >= NOISY, fact("goal.decision").equals("probabilities"))
_AS_THEY_COME = Text(
    en="Smoothing and bounded losses bend probabilities, which log loss punishes more than the wrong labels do.",
    zh="标签平滑与有界损失会扭曲概率,对数损失对此的惩罚超过错误标签本身。",
)
_PROPER_OF_NOISE = Evidence("A", "a proper score learns the probability of the labels as they come")
_FOR_DECISIONS = Text(en="accuracy or the Brier score is the metric.", zh="指标为准确率或 Brier 分数。")
_SMOOTHED_ROWS = Alternative("categorical_ce(label_smoothing=0.1)", _FOR_DECISIONS, computed=_SMOOTHING)
_SMOOTHED_IDS = Alternative("sparse_categorical_ce(label_smoothing=0.1)", _FOR_DECISIONS, computed=_SMOOTHING)
_NOT_BOUNDED = RuledOut(
    "generalized_ce",
    Text(
        en="Its probabilities are sharpened: it is for decisions under wrong labels.",
        zh="其概率被锐化:它适用于错误标签下的判定。",
    ),
)

RULES = (
    Rule(
        name="evidence.multiclass.ordered",
        book="evidence",
        tasks=_TASKS,
        when=(fact("ordered").is_true(),),
        recommend="corn",
        because=Text(
            en="Classes with an order: a near miss is better than a far one, which cross-entropy cannot see.",
            zh="类别有序:差一级好过差多级,交叉熵看不到这一点。",
        ),
        source=Evidence("C", "Shi, Cao & Raschka 2021, arXiv:2111.08851; Ludwig ships it"),
        alternatives=(
            Alternative("sparse_categorical_ce", Text(en="only exact hits count.", zh="只计精确命中。")),
            Alternative(
                "ordinal_emd2", Text(en="a distribution over classes is wanted.", zh="需要各类别上的概率分布。")
            ),
        ),
        fires=Profile(ordered=True),
        silent=Profile(ordered=False),
    ),
    Rule(
        name="evidence.multiclass.hierarchy",
        book="evidence",
        tasks=_TASKS,
        when=(fact("hierarchy").is_true(),),
        recommend="categorical_ce",
        because=Text(
            en="Learn the probabilities, and take the class of least expected distance in the tree: decided so, plain "
            "cross-entropy made milder mistakes than losses that know the tree.",
            zh="先学习概率,再取树上期望距离最小的类:如此判定时,普通交叉熵的错误比知道层级的损失更轻。",
        ),
        source=Evidence("C", "Karthik et al. 2021, arXiv:2104.00795: iNaturalist and tiered ImageNet"),
        alternatives=(
            _SAME_FROM_IDS,
            Alternative(
                "kl_div",
                Text(
                    en="the most probable class is taken all the same: rows of targets then say how near the others "
                    "are (soft labels, Bertinetto et al. 2020, arXiv:1912.09393).",
                    zh="仍取概率最大的类:此时目标各行写明其他类有多近(软标签,Bertinetto et al. 2020, "
                    "arXiv:1912.09393)。",
                ),
            ),
        ),
        fires=Profile(hierarchy=True),
        silent=Profile(hierarchy=False),
    ),
    Rule(
        name="evidence.multiclass.long_tail",
        book="evidence",
        tasks=_TASKS,
        when=(
            fact("goal.decision").equals("balanced"),
            fact("class_imbalance") >= LONG_TAIL,
        ),
        recommend="logit_adjusted",
        because=_IN_THE_LOSS,
        source=Evidence("B", f"{MENON}; balanced softmax, Ren et al. 2020, arXiv:2007.10740"),
        alternatives=(
            Alternative(
                "ldam",
                Text(en="margins suit the net, with weights switched on late.", zh="适合加间隔,并在后期开启权重。"),
            ),
            _WEIGHTED,
        ),
        ruled_out=(_FOCAL_OUT,),
        warnings=(_READ_AS_THEY_ARE,),
        fires=_with_goal("balanced", class_imbalance=10),
        silent=_with_goal("balanced", class_imbalance=9.9),
    ),
    Rule(
        name="evidence.multiclass.balanced",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.decision").equals("balanced"),),
        recommend="class_balanced",
        because=Text(
            en="Each class weighs by the inverse of its effective number of items, so that all count about the same; "
            "where no class is very rare this did best.",
            zh="各类按其有效样本数的倒数加权,从而大致同等计入;没有极稀少的类别时它表现最好。",
        ),
        source=Evidence(
            "P",
            "benchmarks/regret, classes: the best constant; Cui et al. 2019, arXiv:1901.05555; "
            f"adjusted logits: {MENON}",
        ),
        alternatives=(
            Alternative(
                "logit_adjusted",
                Text(
                    en="a large network fits its training data wholly, which makes weights idle, or a class is rare.",
                    zh="大型网络完全拟合训练数据(此时加权失效),或有稀少类别。",
                ),
            ),
            Alternative(
                "sparse_categorical_ce",
                Text(
                    en="probabilities are wanted too: divide them by the priors to decide, nearly as good.",
                    zh="同时需要概率:判定时除以先验,效果相近。",
                ),
            ),
            _INSIST_ON_FOCAL,
        ),
        warnings=(
            WarningText(
                "decided-by-weights",
                Text(
                    en="The likeliest class by its output is the decision: do not divide by the priors a second time.",
                    zh="直接取输出最大的类即为判定:不要再除以先验。",
                ),
            ),
        ),
        fires=_with_goal("balanced"),
        silent=_with_goal("accuracy"),
    ),
    Rule(
        name="evidence.multiclass.noisy_log_loss_integer",
        book="evidence",
        tasks=_TASKS,
        when=(fact("label_encoding").equals("integer"), *_NOISY_PROBABILITIES),
        unless=(fact("goal.metric").is_one_of("brier", "top_k_accuracy"),),
        recommend="sparse_categorical_ce",
        because=_AS_THEY_COME,
        source=_PROPER_OF_NOISE,
        alternatives=(_SMOOTHED_IDS,),
        ruled_out=(NO_FOCAL_SOFTMAX, _NOT_BOUNDED),
        warnings=(NOISE_BENDS_OUTPUTS,),
        fires=_with_goal("probabilities", label_encoding="integer", label_noise=0.02),
        silent=_with_goal("probabilities", label_encoding="integer", label_noise=0.0199),
    ),
    Rule(
        name="evidence.multiclass.noisy_log_loss",
        book="evidence",
        tasks=_TASKS,
        when=_NOISY_PROBABILITIES,
        unless=(fact("goal.metric").is_one_of("brier", "top_k_accuracy"),),
        recommend="categorical_ce",
        because=_AS_THEY_COME,
        source=_PROPER_OF_NOISE,
        alternatives=(_SMOOTHED_ROWS,),
        ruled_out=(NO_FOCAL_SOFTMAX, _NOT_BOUNDED),
        warnings=(NOISE_BENDS_OUTPUTS,),
        fires=_with_goal("probabilities", label_noise=0.02),
        silent=_with_goal("probabilities", label_noise=0.0199),
    ),
    Rule(
        name="evidence.multiclass.very_noisy",
        book="evidence",
        tasks=_TASKS,
        when=(fact("label_noise") >= VERY_NOISY,),
        unless=(fact("classes") >= MANY_CLASSES,),  # where it learns too slowly
        recommend="generalized_ce",
        because=Text(
            en="It is bounded, so a wrong label can only cost so much; q = 0.7 lies between cross-entropy and MAE.",
            zh="它有界,错误标签的代价有限;q = 0.7 介于交叉熵与 MAE 之间。",
        ),
        source=Evidence("C", "Zhang & Sabuncu 2018, arXiv:1805.07836: q = 0.7"),
        alternatives=(
            Alternative(
                "generalized_ce(q=0.5)",
                Text(
                    en="it learns too slowly, as with a hundred classes: a smaller q is closer to cross-entropy.",
                    zh="学习过慢,如有上百个类别时:较小的 q 更接近交叉熵。",
                ),
            ),
            Alternative(
                "sparse_categorical_ce(label_smoothing=0.1)",
                Text(en="it still underfits.", zh="仍然欠拟合。"),
                computed=_SMOOTHING,
            ),
            Alternative(
                "symmetric_ce",
                Text(
                    en="cross-entropy should stay part of it (Wang et al. 2019, arXiv:1908.06112).",
                    zh="希望保留交叉熵部分(Wang et al. 2019, arXiv:1908.06112)。",
                ),
            ),
        ),
        ruled_out=(NO_FOCAL_SOFTMAX,),
        warnings=(
            WarningText(
                "symmetric-noise-assumed",
                Text(
                    en="It was made for flips that are about as likely to any class, and takes class ids.",
                    zh="它针对错标到各类概率大致相同的情形,标签为整数索引。",
                ),
            ),
        ),
        fires=_with_goal("accuracy", label_noise=0.2),
        silent=_with_goal("accuracy", label_noise=0.199),
    ),
    Rule(
        name="evidence.multiclass.noisy_onehot",
        book="evidence",
        tasks=_TASKS,
        when=(fact("label_encoding").equals("onehot"), fact("label_noise") >= NOISY),
        recommend="categorical_ce(label_smoothing=0.1)",
        computed=_SMOOTHING,
        because=_UNSURE,
        source=Evidence("C", LUKASIK),
        alternatives=(_CLEAN_ROWS,),
        ruled_out=(NO_FOCAL_SOFTMAX,),
        warnings=(NOISE_BENDS_OUTPUTS,),
        fires=_with_goal("accuracy", label_encoding="onehot", label_noise=0.02),
        silent=_with_goal("accuracy", label_encoding="onehot", label_noise=0.0199),
    ),
    Rule(
        name="evidence.multiclass.noisy",
        book="evidence",
        tasks=_TASKS,
        when=(fact("label_noise") >= NOISY,),
        recommend="sparse_categorical_ce(label_smoothing=0.1)",
        computed=_SMOOTHING,
        because=_UNSURE,
        source=Evidence("C", LUKASIK),
        alternatives=(_CLEAN_IDS,),
        ruled_out=(NO_FOCAL_SOFTMAX,),
        warnings=(NOISE_BENDS_OUTPUTS,),
        fires=_with_goal("accuracy", label_noise=0.02),
        silent=_with_goal("accuracy", label_noise=0.0199),
    ),
    Rule(
        name="evidence.multiclass.imbalanced_onehot",
        book="evidence",
        tasks=_TASKS,
        when=(fact("label_encoding").equals("onehot"), fact("class_imbalance") >= SOME_IMBALANCE),
        unless=(_LINEAR,),
        recommend="categorical_ce",
        because=_RARE,
        source=Evidence("B", f"{REBALANCING}; P: benchmarks/regret, classes, of the start"),
        alternatives=(_ADJUSTED, _INSIST_ON_FOCAL),
        warnings=(START_FROM_SHARES,),
        fires=Profile(label_encoding="onehot", class_imbalance=9),
        silent=Profile(label_encoding="onehot", class_imbalance=8.9),
    ),
    Rule(
        name="evidence.multiclass.imbalanced_integer",
        book="evidence",
        tasks=_TASKS,
        when=(fact("label_encoding").equals("integer"), fact("class_imbalance") >= SOME_IMBALANCE),
        unless=(_LINEAR,),
        recommend="sparse_categorical_ce",
        because=_RARE,
        source=Evidence("B", f"{REBALANCING}; P: benchmarks/regret, classes, of the start"),
        alternatives=(_ADJUSTED, _INSIST_ON_FOCAL),
        warnings=(START_FROM_SHARES,),
        fires=Profile(label_encoding="integer", class_imbalance=9),
        silent=Profile(label_encoding="integer", class_imbalance=8.9),
    ),
    Rule(
        name="evidence.multiclass.onehot",
        book="evidence",
        tasks=_TASKS,
        when=(fact("label_encoding").equals("onehot"),),
        recommend="categorical_ce",
        because=_PROPER,
        source=Evidence("A", _IDENTITY),
        alternatives=(_SAME_FROM_IDS, _ADJUSTED),
        fires=Profile(label_encoding="onehot"),
        silent=Profile(label_encoding="integer"),
    ),
    Rule(
        name="evidence.multiclass.many_classes",
        book="evidence",
        tasks=_TASKS,
        when=(fact("classes") >= MANY_CLASSES,),
        recommend="sparse_categorical_ce",
        because=_IDS,
        source=Evidence("A", _IDENTITY),
        alternatives=(_SAME_FROM_ROWS, _ADJUSTED, _SAMPLED),
        fires=Profile(classes=1000),
        silent=Profile(classes=999),
    ),
    Rule(
        name="evidence.multiclass.integer",
        book="evidence",
        tasks=_TASKS,
        when=(fact("label_encoding").equals("integer"),),
        recommend="sparse_categorical_ce",
        because=_IDS,
        source=Evidence("A", _IDENTITY),
        alternatives=(_SAME_FROM_ROWS, _ADJUSTED),
        fires=Profile(label_encoding="integer"),
        silent=Profile(label_encoding="onehot"),
    ),
    Rule(
        name="evidence.multiclass.text_many_classes",
        book="evidence",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.TEXT_MANY_CLASSES),),
        recommend="sparse_categorical_ce",
        because=_IDS,
        source=Evidence("A", _IDENTITY),
        alternatives=(_SAME_FROM_ROWS, _ADJUSTED),
        fires=Question.of(Scenario.TEXT_MANY_CLASSES),
        silent=Question.of(Scenario.IMAGE_CLASSIFICATION),
    ),
    Rule(
        name="evidence.multiclass.default",
        book="evidence",
        tasks=_TASKS,
        recommend="categorical_ce",
        because=_PROPER,
        source=Evidence("A", "a proper score: Gneiting & Raftery 2007, doi:10.1198/016214506000001437"),
        assumption=Text(
            en="Labels were taken to be right, without an order, and one-hot; class ids take sparse_categorical_ce, "
            "with the same value.",
            zh="假定标签正确、无序且为独热编码;整数索引用 sparse_categorical_ce,损失值相同。",
        ),
        alternatives=(
            _SAME_FROM_IDS,
            _ADJUSTED,
            _INSIST_ON_FOCAL,
            Alternative(
                "kl_div",
                Text(
                    en="targets are distributions, as of several annotators: it is 0 where they are met.",
                    zh="目标为分布(如多位标注者):完全符合时为 0。",
                ),
            ),
            Alternative(
                "multi_margin",
                Text(en="only the decision counts, class ids are at hand.", zh="只在意判定,且标签为整数索引。"),
            ),
            Alternative(
                "categorical_hinge",
                Text(en="only the decision counts, rows are one-hot.", zh="只在意判定,且标签为独热向量。"),
            ),
        ),
        fires=Profile(),
        silent=Question(Task.BINARY),
    ),
)
