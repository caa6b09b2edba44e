"""Cross-entropy: binary, of one-hot or soft labels, and of class ids."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import CLASS_LOGITS, IDS, LABELS, LOGITS, ONE_HOT
from losses.contract.loss import ArticleNote, Items, Value, case
from losses.contract.parameters import Clip, FromLogits, IgnoreIndex, Smoothing
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.mathematics.probability_maps import bce_to_probability, smoothed_ce_to_probability
from losses.text import Text

TORCH_CLIP = math.exp(-100)  # torch's BCELoss takes no logarithm to be less than -100
KERAS: dict[str, Value] = {"from_logits": False, "clip": 1e-7}
KERAS_CLIPS = (
    "Keras clips probabilities at 1e-7 in float32, where 1 - 1e-7 rounds: a sure mistake costs 15.942 or 16.118 by its "
    "side; here 16.118 on both."
)
KERAS_WEIGHTS = "Keras never divides by weights (keras #18818, #19740): its mean is reduction=mean_over_count."
NOTHING_KEPT = "torch gives NaN where every item is ignored (pytorch #70348, #75181), Keras 0; here null with a reason."


def _logarithms(params: dict[str, Value]) -> str:
    """Return the snippet's code that clips logarithms of probabilities, empty where clip is 0."""
    clip = float(params["clip"] or 0)
    return f".clamp({math.log(clip)}, {math.log1p(-clip)})" if clip else ""


def _bce_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    weight, smoothing = params["pos_weight"], float(params["label_smoothing"] or 0)
    start = f"targets = targets * {1 - smoothing} + {smoothing / 2}\n" if smoothing else ""
    if params["from_logits"]:
        extra = "" if weight == 1 else f", pos_weight=predictions.new_tensor({weight})"
        return f"{start}return F.binary_cross_entropy_with_logits(predictions, targets{extra})"
    factor = "" if weight == 1 else f"{weight} * "
    if params["clip"]:
        return f"""\
{start}yes = {factor}targets * predictions.log(){_logarithms(params)}
no = (1 - targets) * (-predictions).log1p(){_logarithms(params)}
return -(yes + no).mean()"""
    return f"""\
{start}yes = {factor}torch.special.xlogy(targets, predictions)
no = torch.special.xlog1py(1 - targets, -predictions)
return -(yes + no).mean()"""


@loss(
    title=Text("Binary cross-entropy", "二分类交叉熵"),
    task=("binary", "multilabel"),
    shapes="*n, *n -> *n",
    predictions=LOGITS,
    targets=LABELS,
    formula=r"-w_+\, y \log \sigma(z) - (1 - y) \log(1 - \sigma(z))",
    source="Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x",
    elicits="probability",
    activation="sigmoid",
    probability=bce_to_probability,
    traits={"convex", "smooth", "proper", "bounded gradient"},
    aliases={
        "bce_with_logits": {},
        "BCEWithLogitsLoss": {},
        "binary_cross_entropy_with_logits": {},
        "sigmoid_binary_cross_entropy": {},
        "binary_logistic_loss": {},
        "SoftBCEWithLogitsLoss": {},
        "log_loss": {"from_logits": False},
        "BinaryCrossentropy": {"from_logits": False},
        "BCELoss": {"from_logits": False},
        "binary_cross_entropy": {"from_logits": False},
        "binary_crossentropy": {"from_logits": False},
    },
    conventions={"torch": {"clip": TORCH_CLIP}, "keras": KERAS, "optax": {}, "smp": {}},
    differences=(
        (
            "torch takes logarithms of probabilities to be at least -100, and its gradient vanishes there "
            "(pytorch #24933, #103316); convention=torch gives its numbers."
        ),
        KERAS_CLIPS,
        KERAS_WEIGHTS,
        "torch's BCEWithLogitsLoss accepts labels outside 0 to 1 and can be negative (pytorch #123339); here refused.",
        (
            "torch's pos_weight may differ from class to class; here it is one number, and weights of the shape of the "
            "targets with reduction=mean_over_count do the same: pos_weight where a target is 1, 1 elsewhere."
        ),
        "smp's smooth_factor s is a label_smoothing of 2s, and its ignored items stay in the denominator.",
    ),
    cases=[
        case(predictions=[0.0, 0.0], targets=[1.0, 0.0], gives=[0.6931471805599453, 0.6931471805599453]),
        case(predictions=[2.0], targets=[1.0], gives=[0.126928011042972 + 0.1], params={"label_smoothing": 0.1}),
        case(
            predictions=[0.0, 1.0, 0.5],
            targets=[1.0, 1.0, 0.0],
            gives=[100.0, 0.0, 0.6931471805599453],
            params={"from_logits": False, "clip": TORCH_CLIP},
        ),
        case(predictions=[0.8], targets=[1.0], gives=[0.2231435513142097], params={"from_logits": False}),
        case(predictions=[1000.0, -1000.0], targets=[0.0, 1.0], gives=[1000.0, 3000.0], params={"pos_weight": 3.0}),
    ],
    elsewhere={
        "keras": (
            "keras.losses.BinaryCrossentropy()(targets, predictions)",
            "keras.losses.BinaryCrossentropy(label_smoothing={label_smoothing})(targets, predictions)",
        ),
        "optax": (
            "optax.losses.sigmoid_binary_cross_entropy(predictions, targets).mean()",
            (
                "optax.losses.sigmoid_binary_cross_entropy("
                "predictions, targets * (1 - {label_smoothing}) + {label_smoothing} / 2).mean()"
            ),
            (
                "({pos_weight} * targets * optax.losses.sigmoid_binary_cross_entropy(predictions, 1.0) "
                "+ (1 - targets) * optax.losses.sigmoid_binary_cross_entropy(predictions, 0.0)).mean()"
            ),
        ),
    },
    pytorch=_bce_code,
    article=ArticleNote(
        section="2.1",
        characteristics=Text(
            en="Compares the label's 0/1 distribution with the predicted one; confident mistakes cost much more.",
            zh="直接衡量两个概率分布的差异,对错误分类的惩罚随概率偏差增大而显著增加。",
        ),
        scenarios=Text(
            en="Two classes (spam, diagnosis), or several labels an item (a cat and a dog in one picture).",
            zh="二分类任务(如垃圾邮件识别、疾病诊断),或多标签分类(一个样本可属于多个类别)。",
        ),
        note=Text(
            en="The article writes it for probabilities; logits say the same and never round to 0 or 1.",
            zh="文章的公式以 sigmoid 之后的概率书写;直接使用 logits 数值相同,且不会舍入到 0 或 1。",
        ),
    ),
)
def bce(
    predictions: Tensor,
    targets: Tensor,
    *,
    pos_weight: Annotated[float, Field(gt=0, description="What a positive counts, a negative counting 1.")] = 1.0,
    label_smoothing: Annotated[float, Field(ge=0, lt=1, description="How far labels are drawn towards 0.5.")] = 0.0,
    clip: Clip = 0.0,
    from_logits: FromLogits = True,
) -> Tensor:
    """Return the binary cross-entropy of each label; it elicits the probability that the label is 1."""
    yes, no = terms.log_probabilities(predictions, from_logits=from_logits, clip=clip)
    smooth = targets * (1 - label_smoothing) + label_smoothing / 2
    return terms.binary_cross_entropy(pos_weight * yes, no, smooth)


def _categorical_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    smoothing = params["label_smoothing"]
    if params["from_logits"]:
        extra = f", label_smoothing={smoothing}" if smoothing else ""
        return f"return F.cross_entropy(predictions, targets{extra})"
    mixed = f"targets = targets * (1 - {smoothing}) + {smoothing} / targets.shape[1]\n" if smoothing else ""
    if params["clip"]:
        return f"{mixed}return -(targets * predictions.log(){_logarithms(params)}).sum(1).mean()"
    return f"{mixed}return -torch.special.xlogy(targets, predictions).sum(1).mean()"


@loss(
    title=Text("Categorical cross-entropy", "多分类交叉熵"),
    task="multiclass",
    shapes="n C *s, n C *s, C -> n *s",
    predictions=CLASS_LOGITS,
    targets=ONE_HOT,
    shifts="predictions",
    formula=r"-\sum_c w_c\, y_c \log p_c,\ p = \operatorname{softmax}(z)",
    source="Good 1952; Bridle 1990, doi:10.1007/978-3-642-76153-9_28",
    elicits="probability",
    activation="softmax",
    probability=smoothed_ce_to_probability,
    traits={"convex", "smooth", "proper", "bounded gradient"},
    aliases={
        "softmax_cross_entropy": {},
        "safe_softmax_cross_entropy": {},
        "soft_cross_entropy": {},
        "CategoricalCrossentropy": {"from_logits": False},
        "categorical_crossentropy": {"from_logits": False},
    },
    conventions={"torch": {}, "keras": KERAS, "optax": {}},
    differences=(
        "With probabilities for targets torch divides a class-weighted mean by the items: reduction=mean_over_count.",
        "torch gives NaN where a logit is -infinity and its target 0; here that adds nothing, as in optax's safe form.",
        "Keras divides probabilities by their sum; here rows that do not sum to 1 are refused.",
        KERAS_CLIPS,
        KERAS_WEIGHTS,
    ),
    cases=[
        case(predictions=[[0.0, 0.0]], targets=[[1.0, 0.0]], gives=[0.6931471805599453]),
        case(predictions=[[0.2, 0.8]], targets=[[0.0, 1.0]], gives=[0.2231435513142097], params={"from_logits": False}),
        case(
            predictions=[[1.0, 0.0]],
            targets=[[0.0, 1.0]],
            gives=[-math.log(1e-7)],
            params={"from_logits": False, "clip": 1e-7},
        ),
    ],
    elsewhere={
        "keras": (
            "keras.losses.CategoricalCrossentropy()(targets, predictions)",
            "keras.losses.CategoricalCrossentropy(label_smoothing={label_smoothing})(targets, predictions)",
        ),
        "optax": (
            "optax.losses.softmax_cross_entropy(predictions, targets, axis=1).mean()",
            (
                "optax.losses.softmax_cross_entropy("
                "predictions, optax.losses.smooth_labels(targets, {label_smoothing}, axis=1), axis=1).mean()"
            ),
        ),
    },
    pytorch=_categorical_code,
    article=ArticleNote(
        section="2.2",
        characteristics=Text(
            en="Classes exclude one another; a softmax turns outputs into a distribution.",
            zh="要求类别互斥(一个样本仅属于一个类别),通过 softmax 将输出转化为概率分布。",
        ),
        scenarios=Text(
            en="One label an item, one-hot, such as ImageNet.",
            zh="单标签多分类任务(如 ImageNet 图像分类,每个图片仅属于一个类别)。",
        ),
    ),
)
def categorical_ce(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
    label_smoothing: Smoothing = 0.0,
    clip: Clip = 0.0,
    from_logits: FromLogits = True,
) -> Items:
    """Return the cross-entropy of each item with one-hot or soft labels; it elicits the class probabilities.

    With class weights an item weighs as much as its classes do, so that one-hot labels and class ids give equal values.
    """
    log_p = terms.class_log_probabilities(predictions, from_logits=from_logits, clip=clip)
    smooth = targets * (1 - label_smoothing) + label_smoothing / targets.shape[1]
    if class_weights is None:
        return Items(-terms.times(smooth, log_p).sum(1))
    weights = terms.along_classes(class_weights, predictions)
    value = -terms.times(weights * smooth, log_p).sum(1)
    return Items(value, (weights * targets).sum(1), torch.ones_like(value, dtype=torch.bool))


def _sparse_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    smoothing, ignored = float(params["label_smoothing"] or 0), params["ignore_index"]
    extra = f", ignore_index={ignored}" if ignored != terms.IGNORED else ""
    if params["from_logits"]:
        extra += f", label_smoothing={smoothing}" if smoothing else ""
        return f"return F.cross_entropy(predictions, targets{extra})"
    log_p = f"predictions.log(){_logarithms(params)}"
    label = f"F.nll_loss({log_p}, targets{extra})"
    if not smoothing:
        return f"return {label}"
    return f"""\
even = -{log_p}.mean(1)[targets != {ignored}].mean()
return {1 - smoothing} * {label} + {smoothing} * even"""


@loss(
    title=Text("Sparse categorical cross-entropy", "稀疏多分类交叉熵"),
    task="multiclass",
    shapes="n C *s, n *s, C -> n *s",
    predictions=CLASS_LOGITS,
    targets=IDS,
    shifts="predictions",
    formula=r"-w_y \log p_y,\ p = \operatorname{softmax}(z)",
    source="Good 1952; Bridle 1990, doi:10.1007/978-3-642-76153-9_28",
    elicits="probability",
    activation="softmax",
    probability=smoothed_ce_to_probability,
    traits={"convex", "smooth", "proper", "bounded gradient"},
    aliases={
        "cross_entropy": {},
        "ce": {},
        "CrossEntropyLoss": {},
        "nll": {},
        "nll_loss": {},
        "NLLLoss": {},
        "SoftCrossEntropyLoss": {},
        "multiclass_logistic_loss": {},
        "LabelSmoothingCrossEntropy": {"label_smoothing": 0.1},
        "softmax_cross_entropy_with_integer_labels": {},
        "SparseCategoricalCrossentropy": {"from_logits": False},
        "sparse_categorical_crossentropy": {"from_logits": False},
    },
    names_of_log_probabilities="nll nll_loss NLLLoss",
    conventions={"torch": {}, "keras": KERAS, "optax": {}, "smp": {}},
    differences=(
        "torch's NLLLoss takes log-probabilities: those are logits too, and give the same number.",
        NOTHING_KEPT,
        "smp keeps ignored items in the denominator: 1.0125 where torch has 1.35.",
        "Keras divides probabilities by their sum; here rows that do not sum to 1 are refused.",
        KERAS_CLIPS,
        KERAS_WEIGHTS,
    ),
    cases=[
        case(predictions=[[0.0, 0.0]], targets=[1], gives=[0.6931471805599453]),
        case(predictions=[[0.2, 0.8]], targets=[1], gives=[0.2231435513142097], params={"from_logits": False}),
        case(predictions=[[1.0, 0.0]], targets=[1], gives=[-math.log(1e-7)], params=KERAS),
    ],
    elsewhere={
        "keras": (
            "keras.losses.SparseCategoricalCrossentropy()(targets, predictions)",
            (
                "keras.losses.CategoricalCrossentropy(label_smoothing={label_smoothing})("
                "keras.ops.one_hot(targets, predictions.shape[1]), predictions)"
            ),
        ),
        "optax": (
            "optax.losses.softmax_cross_entropy_with_integer_labels(predictions, targets, axis=1).mean()",
            (
                "optax.losses.softmax_cross_entropy(predictions, optax.losses.smooth_labels("
                "jax.nn.one_hot(targets, predictions.shape[1], axis=1), {label_smoothing}, axis=1), axis=1).mean()"
            ),
        ),
    },
    pytorch=_sparse_code,
    article=ArticleNote(
        section="2.3",
        characteristics=Text(
            en="The same number as with one-hot labels, from integer ids: no one-hot matrix in memory.",
            zh="减少内存消耗(无需存储独热编码的稀疏矩阵),计算效率更高。",
        ),
        scenarios=Text(
            en="Many classes and many items, such as text with thousands of classes.",
            zh="类别数多、样本量大的单标签多分类任务(如文本分类,类别数可达数千)。",
        ),
    ),
)
def sparse_categorical_ce(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
    label_smoothing: Smoothing = 0.0,
    ignore_index: IgnoreIndex = terms.IGNORED,
    clip: Clip = 0.0,
    from_logits: FromLogits = True,
) -> Items:
    """Return the cross-entropy of each item with class ids; it elicits the class probabilities."""
    kept = targets != ignore_index
    log_p = terms.class_log_probabilities(terms.without_ignored(predictions, kept), from_logits=from_logits, clip=clip)
    ids = targets.where(kept, 0)
    value = -terms.of_label(log_p, ids)
    weight = torch.ones_like(value) if class_weights is None else class_weights[ids]
    value = terms.times(weight, value)
    if label_smoothing:
        spread = -log_p if class_weights is None else terms.times(terms.along_classes(class_weights, log_p), -log_p)
        value = (1 - label_smoothing) * value + label_smoothing * spread.mean(1)
    return Items(value.where(kept, 0), weight.where(kept, 0), kept)
