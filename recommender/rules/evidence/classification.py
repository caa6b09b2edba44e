"""Binary and multi-label classification: the use of the output decides, imbalance seldom does."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.article.thresholds import SOME_IMBALANCE
from recommender.rules.evidence.imbalance import (
    BALANCED_INSTEAD,
    COST_WEIGHTS,
    CUT_IS_FIXED,
    DECISION_ALONE,
    FEW_POSITIVES,
    INSIST_ON_FOCAL,
    MANY_LABELS,
    MENON,
    OVERFITTED,
    PLAIN,
    REBALANCING,
    ROOT_WEIGHTS,
    WEIGHTS,
)
from recommender.rules.evidence.noise import LUKASIK, NO_FOCAL, NOISE_BENDS_OUTPUTS, NOISY, VERY_NOISY
from recommender.rules.formulas import pair_smoothing, training_prior
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, fact
from recommender.tasks import Task

_BINARY = (Task.BINARY,)
_MULTILABEL = (Task.MULTILABEL,)
_BOTH = (Task.BINARY, Task.MULTILABEL)


def _with_goal(decision: str, task: Task = Task.BINARY, **facts: object) -> Question:
    """Return a question of the task with this kind of decision as its goal."""
    goal = Goal(decision=decision)  # type: ignore[arg-type] # the literals of Goal
    return Question(task, profile=Profile(**facts), goal=goal)  # type: ignore[arg-type] # facts by name


_NOT_WEIGHTS = WarningText(
    "weights-or-threshold",
    Text(
        en="Costs go into the weights or into the threshold, never into both.",
        zh="代价只能放进权重或阈值之一,不可两处都放。",
    ),
)
_PROPER = Text(
    en="It is a proper score: with enough data its output is the probability, and from that every decision follows.",
    zh="它是恰当评分规则:数据充足时输出即为概率,各种判定皆可由此得出。",
)
_RARE_ENOUGH = (fact("classes") >= MANY_LABELS, fact("positive_share") < FEW_POSITIVES)
_ASYMMETRIC = Text(
    en="With many labels and few positive, easy negatives count for next to nothing and suspect ones for nothing.",
    zh="标签众多而正标签极少时,易分的负标签几乎不计,可疑的负标签完全不计。",
)
_RIDNIK = Evidence("C", "Ridnik et al. 2021, arXiv:2009.14119: gamma- 4, margin 0.05")

RULES = (
    Rule(
        name="evidence.classification.costs",
        book="evidence",
        tasks=_BOTH,
        when=(fact("goal.false_negative_cost").is_known(),),
        recommend="bce",
        because=Text(
            en="Learn the probability and let the costs set the threshold: 1 / (1 + false_negative_cost), not 0.5.",
            zh="先学习概率,再由代价决定阈值:以 1 / (1 + false_negative_cost) 代替 0.5。",
        ),
        source=Evidence("A", "Elkan 2001, The foundations of cost-sensitive learning, IJCAI: the optimal decision"),
        alternatives=(COST_WEIGHTS,),
        warnings=(_NOT_WEIGHTS,),
        fires=Question(Task.BINARY, goal=Goal(false_negative_cost=10.0)),
        silent=Question(Task.BINARY, goal=Goal(decision="accuracy")),
    ),
    Rule(
        name="evidence.classification.tuned_cut",
        book="evidence",
        tasks=_BOTH,
        when=(fact("goal.metric").is_one_of("f1", "mcc", "recall_at_precision"),),
        recommend="bce",
        because=Text(
            en="The metric is served by a probability and a cut that is chosen on held-out data, never 0.5 where "
            "positives are rare.",
            zh="该指标的最优解是概率加上在留出数据上选取的阈值,正样本稀少时绝不是 0.5。",
        ),
        source=Evidence("A", "Lipton et al. 2014, doi:10.1007/978-3-662-44851-9_15; Koyejo et al. 2014, NeurIPS 27"),
        alternatives=CUT_IS_FIXED,
        fires=Question(Task.BINARY, goal=Goal(metric="f1")),
        silent=Question(Task.BINARY, goal=Goal(metric="accuracy")),
    ),
    Rule(
        name="evidence.classification.balanced",
        book="evidence",
        tasks=_BINARY,
        when=(fact("goal.decision").equals("balanced"),),
        recommend="bce",
        because=Text(
            en="The win is the threshold, not the loss: learn the probability, and say yes from the share of positives "
            "on instead of 0.5.",
            zh="收益来自阈值而非损失:先学习概率,再以正样本占比而非 0.5 为阈值。",
        ),
        source=Evidence(
            "A",
            f"Menon et al. 2013, PMLR 28(3):603; B: thresholds are steadier than weights on 30 sets, arXiv:2409.19751; "
            f"P: in our benchmark no loss does better; {MENON}",
        ),
        alternatives=(BALANCED_INSTEAD, WEIGHTS, OVERFITTED, INSIST_ON_FOCAL),
        warnings=(_NOT_WEIGHTS,),
        fires=_with_goal("balanced"),
        silent=_with_goal("accuracy"),
    ),
    Rule(
        name="evidence.classification.noisy_log_loss",
        book="evidence",
        tasks=_BOTH,
        when=(fact("label_noise") >= NOISY, fact("goal.decision").equals("probabilities")),
        unless=(fact("goal.metric").equals("brier"),),
        recommend="bce",
        because=Text(
            en="Smoothing draws probabilities together, which log loss punishes more than the wrong labels do.",
            zh="标签平滑使概率趋同,对数损失对此的惩罚超过错误标签本身。",
        ),
        source=Evidence("A", "a proper score learns the probability of the labels as they come; Brier alone gains"),
        alternatives=(
            Alternative(
                "bce(label_smoothing=0.1)",
                Text(en="the Brier score or accuracy is the metric.", zh="指标为 Brier 分数或准确率。"),
                computed={"label_smoothing": pair_smoothing},
            ),
        ),
        ruled_out=(NO_FOCAL,),
        warnings=(NOISE_BENDS_OUTPUTS,),
        fires=_with_goal("probabilities", label_noise=0.02),
        silent=_with_goal("probabilities", label_noise=0.0199),
    ),
    Rule(
        name="evidence.classification.very_noisy",
        book="evidence",
        tasks=_BOTH,
        when=(fact("label_noise") >= VERY_NOISY,),
        recommend="bce(label_smoothing=0.1)",
        computed={"label_smoothing": pair_smoothing},
        because=Text(
            en="So many labels are wrong that none deserves certainty; bounded losses exist for a softmax only.",
            zh="错误标签如此之多,任何标签都不值得深信;有界损失只适用于 softmax 输出。",
        ),
        source=Evidence("C", LUKASIK),
        alternatives=(
            Alternative(
                "generalized_ce",
                Text(
                    en="flips are about as likely either way, and the model can put out two logits for class ids.",
                    zh="两个方向的错标概率相近,且模型可以输出两个 logits 并使用整数类别。",
                ),
            ),
            Alternative("bce", Text(en="the labels turn out to be clean.", zh="标签其实是干净的。")),
        ),
        ruled_out=(NO_FOCAL,),
        warnings=(NOISE_BENDS_OUTPUTS,),
        fires=_with_goal("accuracy", label_noise=0.2),
        silent=_with_goal("accuracy", label_noise=0.199),
    ),
    Rule(
        name="evidence.classification.noisy",
        book="evidence",
        tasks=_BOTH,
        when=(fact("label_noise") >= NOISY,),
        recommend="bce(label_smoothing=0.1)",
        computed={"label_smoothing": pair_smoothing},
        because=Text(
            en="A few labels are wrong: smoothing keeps the model from being sure of them.",
            zh="有少量标签是错的:标签平滑使模型不会对其深信不疑。",
        ),
        source=Evidence("C", LUKASIK),
        alternatives=(Alternative("bce", Text(en="the labels turn out to be clean.", zh="标签其实是干净的。")),),
        ruled_out=(NO_FOCAL,),
        warnings=(NOISE_BENDS_OUTPUTS,),
        fires=_with_goal("accuracy", label_noise=0.02),
        silent=_with_goal("accuracy", label_noise=0.0199),
    ),
    Rule(
        name="evidence.classification.many_labels_ranking",
        book="evidence",
        tasks=_MULTILABEL,
        when=(fact("goal.decision").equals("ranking"), *_RARE_ENOUGH),
        recommend="asymmetric",
        because=_ASYMMETRIC,
        source=_RIDNIK,
        alternatives=(
            PLAIN,
            INSIST_ON_FOCAL,
            Alternative(
                "multilabel_margin",
                Text(
                    en="the order of labels within an item is all that counts (lists of ids, as torch has them).",
                    zh="只在意样本内标签的次序(torch 的 id 列表形式)。",
                ),
            ),
        ),
        fires=_with_goal("ranking", Task.MULTILABEL, classes=20, positive_share=0.0499),
        silent=_with_goal("ranking", Task.MULTILABEL, classes=20, positive_share=0.05),
    ),
    Rule(
        name="evidence.classification.labels_balanced",
        book="evidence",
        tasks=_MULTILABEL,
        when=(fact("goal.decision").equals("balanced"),),
        recommend="bce",
        because=Text(
            en="Labels differ in how rare they are: learn each probability, and decide each label at its own share.",
            zh="各标签稀有程度不同:学习各自的概率,并以各标签自身的占比为阈值。",
        ),
        source=Evidence("A", MENON),
        alternatives=(
            Alternative(
                "bce_logit_adjusted",
                Text(en="all labels are about equally frequent.", zh="所有标签的频率大致相同。"),
                computed={"prior": training_prior},
            ),
            Alternative(
                "asymmetric",
                Text(
                    en="labels are many and rare; cut it at each label's share too, at 1/2 it misses most.",
                    zh="标签众多且稀少;同样以各标签的占比为阈值,若取 1/2 则漏掉大多数。",
                ),
            ),
            WEIGHTS,
        ),
        warnings=(_NOT_WEIGHTS,),
        fires=_with_goal("balanced", Task.MULTILABEL),
        silent=_with_goal("accuracy", Task.MULTILABEL),
    ),
    Rule(
        name="evidence.classification.imbalanced_ranking",
        book="evidence",
        tasks=_BOTH,
        when=(fact("goal.decision").equals("ranking"), fact("class_imbalance") >= SOME_IMBALANCE),
        recommend="bce",
        because=Text(
            en="Weights move the threshold, and an order has none: strong models rank as well without.",
            zh="权重只移动阈值,而排序没有阈值:强模型不加权也能同样好地排序。",
        ),
        source=Evidence("B", f"Elor & Averbuch-Elor 2022, arXiv:2201.08528, 73 sets; {REBALANCING}"),
        alternatives=(ROOT_WEIGHTS, INSIST_ON_FOCAL),
        fires=_with_goal("ranking", class_imbalance=9),
        silent=_with_goal("ranking", class_imbalance=8.9),
    ),
    Rule(
        name="evidence.classification.imbalanced_probabilities",
        book="evidence",
        tasks=_BOTH,
        when=(fact("goal.decision").equals("probabilities"), fact("class_imbalance") >= SOME_IMBALANCE),
        recommend="bce",
        because=Text(
            en="A rare event has a low probability, and that is what is asked: every re-balancing falsifies it.",
            zh="稀有事件的概率本来就低,而所需正是这一概率:任何重新平衡都会使其失真。",
        ),
        source=Evidence("B", f"{REBALANCING}; XGBoost: who needs probabilities cannot re-balance"),
        alternatives=(BALANCED_INSTEAD, OVERFITTED, INSIST_ON_FOCAL),
        fires=_with_goal("probabilities", class_imbalance=9),
        silent=_with_goal("probabilities", class_imbalance=8.9),
    ),
    Rule(
        name="evidence.classification.imbalanced_accuracy",
        book="evidence",
        tasks=_BOTH,
        when=(fact("goal.decision").equals("accuracy"), fact("class_imbalance") >= SOME_IMBALANCE),
        recommend="bce",
        because=Text(
            en="Accuracy is highest where the probability is compared with 0.5; re-balancing moves that line.",
            zh="以 0.5 为界比较概率时准确率最高;重新平衡会移动这条界线。",
        ),
        source=Evidence("A", "the Bayes rule for 0/1 errors"),
        alternatives=(BALANCED_INSTEAD, *DECISION_ALONE, *CUT_IS_FIXED, INSIST_ON_FOCAL),
        fires=_with_goal("accuracy", class_imbalance=9),
        silent=_with_goal("accuracy", class_imbalance=8.9),
    ),
    Rule(
        name="evidence.classification.default",
        book="evidence",
        tasks=_BOTH,
        recommend="bce",
        because=_PROPER,
        source=Evidence("A", "a proper score: Good 1952; Gneiting & Raftery 2007, doi:10.1198/016214506000001437"),
        assumption=Text(
            en="Labels were taken to be right, and misses to cost as much as false alarms.",
            zh="假定标签正确,且漏报与误报的代价相同。",
        ),
        alternatives=(
            OVERFITTED,
            Alternative(
                "bce(label_smoothing=0.1)",
                Text(en="some labels are wrong; measure label_noise.", zh="部分标签有误;请测量 label_noise。"),
            ),
        ),
        ruled_out=(
            RuledOut(
                "categorical_ce",
                Text(
                    en="Its softmax makes labels exclude one another; here every output is a decision of its own.",
                    zh="其 softmax 使各标签互斥;此处每个输出都是独立的判断。",
                ),
            ),
        ),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
)
