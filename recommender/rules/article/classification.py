"""Binary and multi-label classification: sections 2.1, 2.4 and 4 of the article."""

from losses.text import Text
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules.article.thresholds import SOME_IMBALANCE
from recommender.rules.formulas import focal_alpha, focal_gamma
from recommender.rules.table import Alternative, Article, Rule, RuledOut, fact
from recommender.tasks import Scenario, Task

_TASKS = (Task.BINARY, Task.MULTILABEL)
_FOCAL = {"gamma": focal_gamma, "alpha": focal_alpha}

_BCE_FOR_PROBABILITIES = Alternative(
    "bce",
    Text(
        en="the outputs are used as probabilities, or the threshold can be moved after training instead.",
        zh="输出要当作概率使用,或可以在训练后改为调整判定阈值。",
    ),
)
_FOCAL_FOR_IMBALANCE = Alternative(
    "focal",
    Text(
        en="one class turns out to be rare; measure positive_share first, since alpha follows from it.",
        zh="发现某一类很稀少;请先测量 positive_share,alpha 由它算出。",
    ),
    computed=_FOCAL,
)
_FOCAL_WITHOUT_ALPHA = Alternative(
    "focal(alpha=none)",
    Text(
        en="easy examples should count less, but the classes should keep their weights.",
        zh="希望易分类样本降权,但各类权重保持不变。",
    ),
)
_SOFTMAX_ELSEWHERE = RuledOut(
    "categorical_ce",
    Text(
        en="Its softmax makes labels exclude one another; here every output is a decision of its own.",
        zh="其 softmax 使各标签互斥;此处每个输出都是独立的判断。",
    ),
)
_PROBABILITY = Text(
    en="It compares the probability after the sigmoid with the label directly, label by label.",
    zh="它逐个标签地直接比较 sigmoid 后的概率与真实标签。",
)

_BALANCED = Text(
    en="class_imbalance was not measured; no severe imbalance was assumed.",
    zh="class_imbalance 未测量;假定没有严重的类别不平衡。",
)

RULES = (
    Rule(
        name="classification.imbalanced",
        book="article",
        tasks=_TASKS,
        when=(fact("class_imbalance") >= SOME_IMBALANCE,),
        recommend="focal",
        computed=_FOCAL,
        because=Text(
            en="Examples that are already right with confidence count less, so the many easy ones of the large class "
            "cannot drown the small one; alpha balances the classes.",
            zh="已被高置信度正确预测的样本降权,大类中大量的易分类样本不会淹没小类;alpha 平衡类别权重。",
        ),
        source=Article("4"),
        alternatives=(_BCE_FOR_PROBABILITIES, _FOCAL_WITHOUT_ALPHA),
        ruled_out=(_SOFTMAX_ELSEWHERE,),
        fires=Profile(class_imbalance=9),
        silent=Profile(class_imbalance=8.9),
    ),
    Rule(
        name="classification.balanced",
        book="article",
        tasks=_TASKS,
        when=(fact("class_imbalance") < SOME_IMBALANCE,),
        recommend="bce",
        because=_PROBABILITY,
        source=Article("4"),
        alternatives=(_FOCAL_FOR_IMBALANCE, _FOCAL_WITHOUT_ALPHA),
        ruled_out=(_SOFTMAX_ELSEWHERE,),
        fires=Profile(class_imbalance=8.9),
        silent=Profile(class_imbalance=9),
    ),
    Rule(
        name="classification.rare_disease",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.RARE_DISEASE),),
        recommend="focal",
        computed=_FOCAL,
        because=Text(
            en="The article names rare diseases among the extremely imbalanced tasks that focal loss is for.",
            zh="文章将罕见疾病识别列为 Focal Loss 所针对的极度不平衡任务。",
        ),
        source=Article("2.4"),
        assumption=Text(
            en="A rare disease was taken to be extremely imbalanced, as the article says; class_imbalance was not "
            "measured.",
            zh="按文章所述假定罕见疾病数据极度不平衡;class_imbalance 未测量。",
        ),
        alternatives=(_BCE_FOR_PROBABILITIES, _FOCAL_WITHOUT_ALPHA),
        ruled_out=(_SOFTMAX_ELSEWHERE,),
        fires=Question.of(Scenario.RARE_DISEASE),
        silent=Question.of(Scenario.DISEASE_DIAGNOSIS),
    ),
    Rule(
        name="classification.spam",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.SPAM),),
        recommend="bce",
        because=_PROBABILITY,
        source=Article("2.1"),
        assumption=_BALANCED,
        alternatives=(_FOCAL_FOR_IMBALANCE, _FOCAL_WITHOUT_ALPHA),
        ruled_out=(_SOFTMAX_ELSEWHERE,),
        fires=Question.of(Scenario.SPAM),
        silent=Question.of(Scenario.DISEASE_DIAGNOSIS),
    ),
    Rule(
        name="classification.disease_diagnosis",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.DISEASE_DIAGNOSIS),),
        recommend="bce",
        because=_PROBABILITY,
        source=Article("2.1"),
        assumption=_BALANCED,
        alternatives=(_FOCAL_FOR_IMBALANCE, _FOCAL_WITHOUT_ALPHA),
        ruled_out=(_SOFTMAX_ELSEWHERE,),
        fires=Question.of(Scenario.DISEASE_DIAGNOSIS),
        silent=Question.of(Scenario.SPAM),
    ),
    Rule(
        name="classification.multilabel_images",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.MULTILABEL_IMAGES),),
        recommend="bce",
        because=Text(
            en="One image can show a cat and a dog: every label is a yes or no of its own.",
            zh="一张图片可同时包含猫和狗:每个标签都是独立的是非判断。",
        ),
        source=Article("2.1"),
        assumption=_BALANCED,
        alternatives=(_FOCAL_FOR_IMBALANCE, _FOCAL_WITHOUT_ALPHA),
        ruled_out=(_SOFTMAX_ELSEWHERE,),
        fires=Question.of(Scenario.MULTILABEL_IMAGES),
        silent=Question.of(Scenario.SPAM),
    ),
    Rule(
        name="classification.default",
        book="article",
        tasks=_TASKS,
        recommend="bce",
        because=_PROBABILITY,
        source=Article("4"),
        assumption=_BALANCED,
        alternatives=(_FOCAL_FOR_IMBALANCE, _FOCAL_WITHOUT_ALPHA),
        ruled_out=(_SOFTMAX_ELSEWHERE,),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
)
