"""Multi-class classification: sections 2.2, 2.3, 2.4 and 4 of the article."""

from losses.text import Text
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules.article.thresholds import MANY_CLASSES, SOME_IMBALANCE
from recommender.rules.formulas import focal_gamma
from recommender.rules.table import Alternative, Article, Rule, RuledOut, fact
from recommender.tasks import Scenario, Task

_TASKS = (Task.MULTICLASS,)

_SPARSE_FOR_IDS = Alternative(
    "sparse_categorical_ce",
    Text(
        en="the labels are class ids: the value is the same, the one-hot rows are saved.",
        zh="标签为整数索引:损失值相同,省去独热矩阵。",
    ),
)
_DENSE_FOR_ROWS = Alternative(
    "categorical_ce",
    Text(
        en="the labels are one-hot rows, or shares of several classes: the value for one-hot rows is the same.",
        zh="标签为独热向量或多类的占比:独热标签下损失值相同。",
    ),
)
_FOCAL_FOR_IMBALANCE = Alternative(
    "focal_softmax",
    Text(
        en="some classes turn out to be rare and the easy examples of the others drown them.",
        zh="发现某些类别稀少,并被其他类别的易分类样本淹没。",
    ),
    computed={"gamma": focal_gamma},
)
_CE_FOR_PROBABILITIES = Alternative(
    "categorical_ce",
    Text(
        en="the outputs are used as probabilities, or decisions can be shifted after training instead "
        "(class ids: sparse_categorical_ce, the same value).",
        zh="输出要当作概率使用,或可以在训练后改为调整判定(整数索引用 sparse_categorical_ce,损失值相同)。",
    ),
)
_BCE_ELSEWHERE = RuledOut(
    "bce",
    Text(
        en="It judges every class on its own; here an item belongs to exactly one.",
        zh="它对各类别独立判断;此处每个样本仅属于一个类别。",
    ),
)
_EXCLUSIVE = Text(
    en="The classes exclude one another; the softmax makes a distribution of the outputs, and confidence in a wrong "
    "class is punished.",
    zh="类别互斥;softmax 将输出转化为概率分布,并惩罚错误类别的高概率预测。",
)
_IDS = Text(
    en="The same value as categorical cross-entropy, from class ids: no one-hot rows in memory.",
    zh="与多分类交叉熵的值相同,直接使用整数索引:内存中无需独热矩阵。",
)
_BALANCED = Text(
    en="class_imbalance was not measured; no severe imbalance was assumed.",
    zh="class_imbalance 未测量;假定没有严重的类别不平衡。",
)

RULES = (
    Rule(
        name="multiclass.imbalanced",
        book="article",
        tasks=_TASKS,
        when=(fact("class_imbalance") >= SOME_IMBALANCE,),
        recommend="focal_softmax",
        computed={"gamma": focal_gamma},
        because=Text(
            en="Examples that are already right with confidence count less, so the many easy ones of the large classes "
            "cannot drown the small ones.",
            zh="已被高置信度正确预测的样本降权,大类中大量的易分类样本不会淹没小类。",
        ),
        source=Article("4"),
        alternatives=(_CE_FOR_PROBABILITIES,),
        ruled_out=(_BCE_ELSEWHERE,),
        fires=Profile(class_imbalance=9),
        silent=Profile(class_imbalance=8.9),
    ),
    Rule(
        name="multiclass.onehot",
        book="article",
        tasks=_TASKS,
        when=(fact("label_encoding").equals("onehot"),),
        recommend="categorical_ce",
        because=_EXCLUSIVE,
        source=Article("4"),
        alternatives=(_SPARSE_FOR_IDS, _FOCAL_FOR_IMBALANCE),
        ruled_out=(_BCE_ELSEWHERE,),
        fires=Profile(label_encoding="onehot"),
        silent=Profile(label_encoding="integer"),
    ),
    Rule(
        name="multiclass.integer",
        book="article",
        tasks=_TASKS,
        when=(fact("label_encoding").equals("integer"),),
        recommend="sparse_categorical_ce",
        because=_IDS,
        source=Article("4"),
        alternatives=(_DENSE_FOR_ROWS, _FOCAL_FOR_IMBALANCE),
        ruled_out=(_BCE_ELSEWHERE,),
        fires=Profile(label_encoding="integer"),
        silent=Profile(label_encoding="onehot"),
    ),
    Rule(
        name="multiclass.rare_disease",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.RARE_DISEASE),),
        recommend="focal_softmax",
        computed={"gamma": focal_gamma},
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
        alternatives=(_CE_FOR_PROBABILITIES,),
        ruled_out=(_BCE_ELSEWHERE,),
        fires=Question(Task.MULTICLASS, Scenario.RARE_DISEASE),
        silent=Question.of(Scenario.RARE_DISEASE),
    ),
    Rule(
        name="multiclass.image_classification",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.IMAGE_CLASSIFICATION),),
        recommend="categorical_ce",
        because=_EXCLUSIVE,
        source=Article("2.2"),
        assumption=_BALANCED,
        alternatives=(_SPARSE_FOR_IDS, _FOCAL_FOR_IMBALANCE),
        ruled_out=(_BCE_ELSEWHERE,),
        fires=Question.of(Scenario.IMAGE_CLASSIFICATION),
        silent=Question.of(Scenario.TEXT_MANY_CLASSES),
    ),
    Rule(
        name="multiclass.text_many_classes",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.TEXT_MANY_CLASSES),),
        recommend="sparse_categorical_ce",
        because=_IDS,
        source=Article("2.3"),
        assumption=_BALANCED,
        alternatives=(_DENSE_FOR_ROWS, _FOCAL_FOR_IMBALANCE),
        ruled_out=(_BCE_ELSEWHERE,),
        fires=Question.of(Scenario.TEXT_MANY_CLASSES),
        silent=Question.of(Scenario.IMAGE_CLASSIFICATION),
    ),
    Rule(
        name="multiclass.many_classes",
        book="article",
        tasks=_TASKS,
        when=(fact("classes") >= MANY_CLASSES,),
        recommend="sparse_categorical_ce",
        because=_IDS,
        source=Article("2.3"),
        assumption=Text(
            en="label_encoding was not given; with this many classes the labels were taken to be class ids.",
            zh="未给出 label_encoding;类别如此之多,假定标签为整数索引。",
        ),
        alternatives=(_DENSE_FOR_ROWS, _FOCAL_FOR_IMBALANCE),
        ruled_out=(_BCE_ELSEWHERE,),
        fires=Profile(classes=1000),
        silent=Profile(classes=999),
    ),
    Rule(
        name="multiclass.default",
        book="article",
        tasks=_TASKS,
        recommend="categorical_ce",
        because=_EXCLUSIVE,
        source=Article("4"),
        assumption=Text(
            en="label_encoding was not given; one-hot rows were assumed, which the article names first. Class ids take "
            "sparse_categorical_ce, with the same value.",
            zh="未给出 label_encoding;按文章中的先后假定为独热标签。整数索引用 sparse_categorical_ce,损失值相同。",
        ),
        alternatives=(_SPARSE_FOR_IDS, _FOCAL_FOR_IMBALANCE),
        ruled_out=(_BCE_ELSEWHERE,),
        fires=Profile(),
        silent=Question(Task.BINARY),
    ),
)
