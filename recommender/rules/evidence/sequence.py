"""Unaligned sequences, and distillation: the evidence for their usual losses."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut
from recommender.tasks import Task

RULES = (
    Rule(
        name="evidence.sequence.default",
        book="evidence",
        tasks=(Task.SEQUENCE,),
        recommend="ctc",
        because=Text(
            en="It sums over every way to lay the labels along the frames, so that no alignment is needed.",
            zh="它对标签在各帧上的所有对齐方式求和,因此无需对齐标注。",
        ),
        source=Evidence("C", "Graves et al. 2006, doi:10.1145/1143844.1143891: TIMIT speech"),
        assumption=Text(
            en="Labels come in the order of the input, and no alignment is known.",
            zh="假定标签与输入同序,且没有对齐标注。",
        ),
        alternatives=(
            Alternative(
                "sparse_categorical_ce",
                Text(
                    en="every frame has a label, or a decoder puts out one label a step.",
                    zh="每帧都有标签,或解码器每步输出一个标签。",
                ),
            ),
            Alternative(
                "ctc(zero_infinity=true)",
                Text(
                    en="some inputs are shorter than their labels; they would otherwise give an infinite loss.",
                    zh="部分输入比其标签短;否则损失为无穷大。",
                ),
            ),
        ),
        warnings=(
            WarningText(
                "inputs-longer-than-labels",
                Text(
                    en="An input needs as many frames as it has labels, and one more between equal neighbours.",
                    zh="输入的帧数须不少于标签数,相邻相同标签之间还需多一帧。",
                ),
            ),
        ),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
    Rule(
        name="evidence.distillation.default",
        book="evidence",
        tasks=(Task.DISTILLATION,),
        recommend="distillation_kl",
        because=Text(
            en="At a raised temperature the teacher's small probabilities tell which classes it finds alike; T squared "
            "keeps the gradient's size.",
            zh="升高温度后,教师的小概率透露它认为哪些类别相近;乘以 T 的平方可保持梯度大小。",
        ),
        source=Evidence("C", "Hinton et al. 2015, arXiv:1503.02531: speech and MNIST"),
        assumption=Text(
            en="The teacher's logits are at hand, of the same classes.", zh="假定有教师在相同类别上的 logits。"
        ),
        alternatives=(
            Alternative(
                "0.9*distillation_kl + 0.1*sparse_categorical_ce",
                Text(
                    en="true labels are known too, as Hinton et al. advise.", zh="同时有真实标签,如 Hinton 等所建议。"
                ),
            ),
            Alternative(
                "js_div",
                Text(en="the teacher is sometimes sure and wrong: it is bounded.", zh="教师有时自信却错误:它有界。"),
            ),
        ),
        ruled_out=(
            RuledOut(
                "sparse_categorical_ce",
                Text(
                    en="On the teacher's likeliest class alone it drops what the teacher knows of the others.",
                    zh="只用教师最可能的类别会丢弃它对其他类别的认识。",
                ),
            ),
        ),
        warnings=(
            WarningText(
                "no-smoothed-teacher",
                Text(
                    en="A teacher trained with label smoothing distils worse (Mueller et al. 2019, arXiv:1906.02629).",
                    zh="用标签平滑训练的教师蒸馏效果更差(Müller et al. 2019, arXiv:1906.02629)。",
                ),
            ),
        ),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
)
