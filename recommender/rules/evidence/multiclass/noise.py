"""Classes of which some labels are wrong."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.rules.article.thresholds import MANY_CLASSES
from recommender.rules.evidence.multiclass.shared import TASKS, with_goal
from recommender.rules.evidence.noise import LUKASIK, NO_FOCAL_SOFTMAX, NOISE_BENDS_OUTPUTS, NOISY, VERY_NOISY
from recommender.rules.formulas import class_smoothing
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, fact

_SMOOTHING = {"label_smoothing": class_smoothing}
_CLEAN_IDS = Alternative("sparse_categorical_ce", Text(en="the labels turn out to be clean.", zh="标签其实是干净的。"))
_CLEAN_ROWS = Alternative("categorical_ce", Text(en="the labels turn out to be clean.", zh="标签其实是干净的。"))
_UNSURE = Text(
    en="A few labels are wrong: smoothing keeps the model from being sure of them.",
    zh="有少量标签是错的:标签平滑使模型不会对其深信不疑。",
)
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

ROWS = (
    Rule(
        name="evidence.multiclass.noisy_log_loss_integer",
        book="evidence",
        tasks=TASKS,
        when=(fact("label_encoding").equals("integer"), *_NOISY_PROBABILITIES),
        unless=(fact("goal.metric").is_one_of("brier", "top_k_accuracy"),),
        recommend="sparse_categorical_ce",
        because=_AS_THEY_COME,
        source=_PROPER_OF_NOISE,
        alternatives=(_SMOOTHED_IDS,),
        ruled_out=(NO_FOCAL_SOFTMAX, _NOT_BOUNDED),
        warnings=(NOISE_BENDS_OUTPUTS,),
        fires=with_goal("probabilities", label_encoding="integer", label_noise=0.02),
        silent=with_goal("probabilities", label_encoding="integer", label_noise=0.0199),
    ),
    Rule(
        name="evidence.multiclass.noisy_log_loss",
        book="evidence",
        tasks=TASKS,
        when=_NOISY_PROBABILITIES,
        unless=(fact("goal.metric").is_one_of("brier", "top_k_accuracy"),),
        recommend="categorical_ce",
        because=_AS_THEY_COME,
        source=_PROPER_OF_NOISE,
        alternatives=(_SMOOTHED_ROWS,),
        ruled_out=(NO_FOCAL_SOFTMAX, _NOT_BOUNDED),
        warnings=(NOISE_BENDS_OUTPUTS,),
        fires=with_goal("probabilities", label_noise=0.02),
        silent=with_goal("probabilities", label_noise=0.0199),
    ),
    Rule(
        name="evidence.multiclass.very_noisy",
        book="evidence",
        tasks=TASKS,
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
        fires=with_goal("accuracy", label_noise=0.2),
        silent=with_goal("accuracy", label_noise=0.199),
    ),
    Rule(
        name="evidence.multiclass.noisy_onehot",
        book="evidence",
        tasks=TASKS,
        when=(fact("label_encoding").equals("onehot"), fact("label_noise") >= NOISY),
        recommend="categorical_ce(label_smoothing=0.1)",
        computed=_SMOOTHING,
        because=_UNSURE,
        source=Evidence("C", LUKASIK),
        alternatives=(_CLEAN_ROWS,),
        ruled_out=(NO_FOCAL_SOFTMAX,),
        warnings=(NOISE_BENDS_OUTPUTS,),
        fires=with_goal("accuracy", label_encoding="onehot", label_noise=0.02),
        silent=with_goal("accuracy", label_encoding="onehot", label_noise=0.0199),
    ),
    Rule(
        name="evidence.multiclass.noisy",
        book="evidence",
        tasks=TASKS,
        when=(fact("label_noise") >= NOISY,),
        recommend="sparse_categorical_ce(label_smoothing=0.1)",
        computed=_SMOOTHING,
        because=_UNSURE,
        source=Evidence("C", LUKASIK),
        alternatives=(_CLEAN_IDS,),
        ruled_out=(NO_FOCAL_SOFTMAX,),
        warnings=(NOISE_BENDS_OUTPUTS,),
        fires=with_goal("accuracy", label_noise=0.02),
        silent=with_goal("accuracy", label_noise=0.0199),
    ),
)
