"""Classes by the encoding of their labels."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules.article.thresholds import MANY_CLASSES, SOME_IMBALANCE
from recommender.rules.evidence.imbalance import REBALANCING
from recommender.rules.evidence.multiclass.shared import INSIST_ON_FOCAL, SAME_FROM_IDS, TASKS
from recommender.rules.table import Alternative, Evidence, Rule, fact
from recommender.tasks import Scenario, Task

_IDENTITY = "the same number from either encoding; one-hot rows take 4 n C bytes, ids 8 n"
_SAME_FROM_ROWS = Alternative(
    "categorical_ce", Text(en="labels are one-hot rows: the same number.", zh="标签为独热向量:数值相同。")
)
_ADJUSTED = Alternative(
    "logit_adjusted",
    Text(
        en="all classes should count the same, however rare (class ids; priors are the shares of the classes).",
        zh="希望各类同等计入,无论多稀少(标签为整数索引;priors 为各类占比)。",
    ),
)
_SAMPLED = Alternative(
    "sampled_softmax",
    Text(
        en="the logits of all classes do not fit into memory: train on the true ones and a sample of the others.",
        zh="全部类别的 logits 放不进内存:在真实类别与其余类别的样本上训练。",
    ),
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
START_FROM_SHARES = WarningText(
    "start-from-the-shares",
    Text(
        en="Start the biases of the outputs at the logarithms of the classes' shares: a network that starts from zero "
        "spends its first steps on learning them, and its log loss stays higher.",
        zh="请将输出偏置初始化为各类占比的对数:从零开始的网络最初几步都在学习占比,对数损失也更高。",
    ),
)
_LINEAR = fact("model").equals("linear")  # convex: where it starts decides nothing

ROWS = (
    Rule(
        name="evidence.multiclass.imbalanced_onehot",
        book="evidence",
        tasks=TASKS,
        when=(fact("label_encoding").equals("onehot"), fact("class_imbalance") >= SOME_IMBALANCE),
        unless=(_LINEAR,),
        recommend="categorical_ce",
        because=_RARE,
        source=Evidence("B", f"{REBALANCING}; P: benchmarks/regret, classes, of the start"),
        alternatives=(_ADJUSTED, INSIST_ON_FOCAL),
        warnings=(START_FROM_SHARES,),
        fires=Profile(label_encoding="onehot", class_imbalance=9),
        silent=Profile(label_encoding="onehot", class_imbalance=8.9),
    ),
    Rule(
        name="evidence.multiclass.imbalanced_integer",
        book="evidence",
        tasks=TASKS,
        when=(fact("label_encoding").equals("integer"), fact("class_imbalance") >= SOME_IMBALANCE),
        unless=(_LINEAR,),
        recommend="sparse_categorical_ce",
        because=_RARE,
        source=Evidence("B", f"{REBALANCING}; P: benchmarks/regret, classes, of the start"),
        alternatives=(_ADJUSTED, INSIST_ON_FOCAL),
        warnings=(START_FROM_SHARES,),
        fires=Profile(label_encoding="integer", class_imbalance=9),
        silent=Profile(label_encoding="integer", class_imbalance=8.9),
    ),
    Rule(
        name="evidence.multiclass.onehot",
        book="evidence",
        tasks=TASKS,
        when=(fact("label_encoding").equals("onehot"),),
        recommend="categorical_ce",
        because=_PROPER,
        source=Evidence("A", _IDENTITY),
        alternatives=(SAME_FROM_IDS, _ADJUSTED),
        fires=Profile(label_encoding="onehot"),
        silent=Profile(label_encoding="integer"),
    ),
    Rule(
        name="evidence.multiclass.many_classes",
        book="evidence",
        tasks=TASKS,
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
        tasks=TASKS,
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
        tasks=TASKS,
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
        tasks=TASKS,
        recommend="categorical_ce",
        because=_PROPER,
        source=Evidence("A", "a proper score: Gneiting & Raftery 2007, doi:10.1198/016214506000001437"),
        assumption=Text(
            en="Labels were taken to be right, without an order, and one-hot; class ids take sparse_categorical_ce, "
            "with the same value.",
            zh="假定标签正确、无序且为独热编码;整数索引用 sparse_categorical_ce,损失值相同。",
        ),
        alternatives=(
            SAME_FROM_IDS,
            _ADJUSTED,
            INSIST_ON_FOCAL,
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
