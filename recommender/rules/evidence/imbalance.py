"""Shared by rows about rare classes: thresholds of imbalance, and alternatives."""

from losses.text import Text
from recommender.rules.formulas import (
    cost_weight,
    focal_alpha,
    focal_gamma,
    positive_weight,
    root_positive_weight,
    training_prior,
)
from recommender.rules.table import Alternative, Threshold

MANY_LABELS = Threshold(
    name="evidence.labels.many",
    default=20.0,
    source="ours: PASCAL VOC, on which Ridnik et al. 2021, arXiv:2009.14119, report too, has 20 labels",
    description=Text(
        en="From this number of labels on, the negatives of an item far outnumber its positives.",
        zh="标签数达到该值,一个样本的负标签远多于正标签。",
    ),
)
FEW_POSITIVES = Threshold(
    name="evidence.labels.few_positive",
    default=0.05,
    source="ours: MS-COCO, on which Ridnik et al. 2021, arXiv:2009.14119, gain, has about 3 of 80 labels an image",
    description=Text(
        en="Under this share of positive labels, easy negatives own the gradient.",
        zh="正标签比例低于该值,易分的负标签主导梯度。",
    ),
)

MENON = "Menon et al. 2021, arXiv:2007.07314: consistent for the balanced error"
REBALANCING = (
    "van den Goorbergh et al. 2022, PMC9382395: re-balancing spoils probabilities and AUC is no better; "
    "the same on ten clinical sets, arXiv:2603.00208"
)
INSIST_ON_FOCAL = Alternative(
    "focal",
    Text(
        en="you insist on focal loss: alpha is then the share of negatives, and outputs need the map back to "
        "probabilities.",
        zh="坚持使用 Focal 损失:此时 alpha 取负样本占比,且输出须经映射还原为概率。",
    ),
    computed={"gamma": focal_gamma, "alpha": focal_alpha},
)
OVERFITTED = Alternative(
    "bce(label_smoothing=0.05)",
    Text(
        en="a large network overfits, its log loss far lower on training data than on held-out data: stop it earlier "
        "first, then smooth. Focal loss bends the probabilities instead.",
        zh="大型网络过拟合,训练数据上的对数损失远低于留出数据:先提前停止,再用标签平滑。Focal 反而会使概率失真。",
    ),
)
BALANCED_INSTEAD = Alternative(
    "bce_logit_adjusted",
    Text(
        en="both classes should count the same in the decision (balanced accuracy) and the cut has to stay at 0.5 of "
        "the output as it is: the prior is added in training alone, so cut at the share or adjust, never both.",
        zh="两类在判定中应同等重要(平衡准确率),且阈值须保持为原始输出的 0.5:先验只在训练时加入,"
        "因此改阈值与调整 logits 只取其一。",
    ),
    computed={"prior": training_prior},
)
ROOT_WEIGHTS = Alternative(
    "bce",
    Text(
        en="only the order counts and the model is weak: milder weights, the root of the imbalance.",
        zh="只在意排序且模型较弱:采用较温和的权重,即不平衡比的平方根。",
    ),
    computed={"pos_weight": root_positive_weight},
)
WEIGHTS = Alternative(
    "bce",
    Text(
        en="weights are wanted all the same; a deep network outgrows them, so re-sample or switch them on late.",
        zh="仍希望加权;深度网络会使权重失效,宜重采样或在后期启用。",
    ),
    computed={"pos_weight": positive_weight},
)
PLAIN = Alternative(
    "bce",
    Text(
        en="probabilities are wanted too: bce, cut at the positive share instead of 0.5, comes to the same balanced "
        "accuracy (Menon et al. 2013, PMLR 28(3):603): the win is the threshold, not the loss.",
        zh="同时需要概率:bce 以正样本占比而非 0.5 为阈值,平衡准确率相同(Menon et al. 2013, PMLR 28(3):603):"
        "收益来自阈值而非损失。",
    ),
)
COST_WEIGHTS = Alternative(
    "bce",
    Text(
        en="the threshold cannot be moved: a positive then weighs what missing it costs.",
        zh="阈值不能移动:此时正样本的权重取漏报的代价。",
    ),
    computed={"pos_weight": cost_weight},
)
DECISION_ALONE = (
    Alternative(
        "hinge",
        Text(
            en="only the decision counts and the model is linear: few items support it (a support vector machine).",
            zh="只在意判定且模型为线性:由少数样本支撑(支持向量机)。",
        ),
    ),
    Alternative("squared_hinge", Text(en="as hinge, smooth at its margin.", zh="同 hinge,但在间隔处光滑。")),
    Alternative("soft_margin", Text(en="labels are -1 and 1: it is bce of those.", zh="标签为 -1 和 1:即其 bce。")),
)
CUT_IS_FIXED = (
    Alternative(
        "dice(group=batch, activation=sigmoid)",
        Text(
            en="F1 is the metric and the cut stays at 0.5: the soft F1 of a batch, of labels in columns.",
            zh="指标为 F1 且阈值固定为 0.5:整批的软 F1,标签按列排列。",
        ),
    ),
    Alternative(
        "mcc(group=batch, activation=sigmoid)",
        Text(
            en="Matthews correlation is the metric and the cut stays at 0.5.",
            zh="指标为马修斯相关系数且阈值固定为 0.5。",
        ),
    ),
)
