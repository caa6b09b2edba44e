"""Classes with an order or a tree, and classes of unequal size."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Profile
from recommender.rules.evidence.imbalance import MENON
from recommender.rules.evidence.multiclass.shared import INSIST_ON_FOCAL, SAME_FROM_IDS, TASKS, with_goal
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, Threshold, fact

LONG_TAIL = Threshold(
    name="evidence.imbalance.long_tail",
    default=10.0,
    source="long-tailed CIFAR starts at 10 (Cao et al. 2019, arXiv:1906.07413)",
    description=Text(
        en="From this ratio of the largest class to the smallest on, the classes have a long tail.",
        zh="最大类与最小类之比达到该值,类别呈长尾分布。",
    ),
)
_WEIGHTED = Alternative(
    "class_balanced",
    Text(
        en="weights are wanted all the same; a deep network outgrows them, so re-sample or switch them on late.",
        zh="仍希望加权;深度网络会使权重失效,宜重采样或在后期启用。",
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

ROWS = (
    Rule(
        name="evidence.multiclass.ordered",
        book="evidence",
        tasks=TASKS,
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
        tasks=TASKS,
        when=(fact("hierarchy").is_true(),),
        recommend="categorical_ce",
        because=Text(
            en="Learn the probabilities, and take the class of least expected distance in the tree: decided so, plain "
            "cross-entropy made milder mistakes than losses that know the tree.",
            zh="先学习概率,再取树上期望距离最小的类:如此判定时,普通交叉熵的错误比知道层级的损失更轻。",
        ),
        source=Evidence("C", "Karthik et al. 2021, arXiv:2104.00795: iNaturalist and tiered ImageNet"),
        alternatives=(
            SAME_FROM_IDS,
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
        tasks=TASKS,
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
        fires=with_goal("balanced", class_imbalance=10),
        silent=with_goal("balanced", class_imbalance=9.9),
    ),
    Rule(
        name="evidence.multiclass.balanced",
        book="evidence",
        tasks=TASKS,
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
            INSIST_ON_FOCAL,
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
        fires=with_goal("balanced"),
        silent=with_goal("accuracy"),
    ),
)
