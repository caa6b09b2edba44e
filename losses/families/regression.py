"""Regression losses: squared error, absolute error and smooth L1."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from losses.contract.domains import REAL
from losses.contract.loss import ArticleNote, case
from losses.contract.registry import loss
from losses.text import Text


@loss(
    title=Text("Mean squared error", "均方误差"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    shifts="predictions targets",
    formula=r"(\hat y - y)^2",
    source="Legendre 1805; Gauss 1809",
    elicits="mean",
    traits={"convex", "smooth"},
    aliases={
        "l2": {},
        "mean_squared_error": {},
        "MSELoss": {},
        "mse_loss": {},
        "squared_error": {},
        "MeanSquaredError": {},
    },
    conventions={"torch": {}, "keras": {}, "optax": {}},
    differences=(
        "optax's l2_loss is half of it, its squared_error the same.",
        "Keras averages over the last axis and does not divide by weights: reduction=mean_over_count does as much.",
        "torch broadcasts (n) against (n, 1) to n times n errors and only warns; here it is refused.",
        "torch squares float16 in float16, where errors beyond 255 overflow; here they are squared in float32.",
    ),
    cases=[case(predictions=[1.0, 2.0], targets=[1.5, 0.0], gives=[0.25, 4.0])],
    elsewhere={
        "keras": "keras.losses.MeanSquaredError()(targets, predictions)",
        "optax": "optax.losses.squared_error(predictions, targets).mean()",
    },
    pytorch="return F.mse_loss(predictions, targets)",
    article=ArticleNote(
        section="1.1",
        characteristics=Text(
            en="Squares the error, so large errors dominate: sensitive to outliers. Smooth, so it trains stably.",
            zh="对误差进行平方,放大了大误差的影响(对异常值敏感);导数连续且光滑,优化过程稳定。",
        ),
        scenarios=Text(
            en="General regression with few outliers, such as house prices; no output activation.",
            zh="通用回归任务(如房价预测、数值预测),输出层通常不使用激活函数。",
        ),
    ),
)
def mse(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return the squared error; it elicits the mean."""
    return (predictions - targets).square()


@loss(
    title=Text("Mean absolute error", "平均绝对误差"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    shifts="predictions targets",
    formula=r"|\hat y - y|",
    source="Laplace 1774",
    elicits="median",
    traits={"convex", "robust", "bounded gradient"},
    aliases={
        "l1": {},
        "mean_absolute_error": {},
        "L1Loss": {},
        "l1_loss": {},
        "absolute_error": {},
        "MeanAbsoluteError": {},
    },
    conventions={"torch": {}, "keras": {}},
    differences=(
        "Keras averages over the last axis and does not divide by weights: reduction=mean_over_count does as much.",
    ),
    cases=[case(predictions=[1.0, 2.0], targets=[1.5, 0.0], gives=[0.5, 2.0])],
    elsewhere={
        "keras": "keras.losses.MeanAbsoluteError()(targets, predictions)",
    },
    pytorch="return F.l1_loss(predictions, targets)",
    article=ArticleNote(
        section="1.2",
        characteristics=Text(
            en="Robust, since errors are not squared; the derivative jumps at zero, where descent can oscillate.",
            zh="对异常值更稳健(误差未被平方),但在误差为 0 处导数不连续(可能导致梯度下降震荡)。",
        ),
        scenarios=Text(
            en="Regression with many outliers, such as salaries with a few extreme earners.",
            zh="数据中存在较多异常值的回归任务(如薪资预测,避免极端高收入样本的干扰)。",
        ),
    ),
)
def mae(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return the absolute error; it elicits the median."""
    return (predictions - targets).abs()


@loss(
    title=Text("Smooth L1", "平滑 L1 损失"),
    task=("regression", "detection"),
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    shifts="predictions targets",
    formula=r"\begin{cases} e^2 / 2\beta & |e| < \beta \\ |e| - \beta/2 & |e| \ge \beta \end{cases},\ e = \hat y - y",
    source="Girshick 2015, arXiv:1504.08083; beta as in torch",
    elicits="huber functional",
    traits={"convex", "smooth", "robust", "bounded gradient"},
    aliases={"SmoothL1Loss": {}, "smooth_l1_loss": {}},
    conventions={"torch": {}},
    differences=(
        "torch's huber_loss with delta = beta is beta times it (pytorch issue 48595).",
        "Keras and optax have huber alone.",
    ),
    cases=[
        case(predictions=[0.0, 3.0], targets=[0.5, 0.0], gives=[0.125, 2.5]),
        case(predictions=[0.0, 3.0], targets=[0.5, 0.0], gives=[0.0625, 2.0], params={"beta": 2.0}),
        case(predictions=[0.0, 3.0], targets=[0.5, 0.0], gives=[0.5, 3.0], params={"beta": 0.0}),
    ],
    elsewhere={
        "keras": "keras.losses.Huber(delta={beta})(targets, predictions) / {beta}",
        "optax": "optax.losses.huber_loss(predictions, targets, delta={beta}).mean() / {beta}",
    },
    pytorch="return F.smooth_l1_loss(predictions, targets, beta={beta})",
    article=ArticleNote(
        section="1.3",
        characteristics=Text(
            en="Quadratic for errors under 1, linear beyond: smooth where MAE is not, robust where MSE is not.",
            zh="结合 MSE 和 MAE 的优点:误差小时(<1)用平方(光滑导数),误差大时用线性(稳健性)。",
        ),
        scenarios=Text(
            en="Box regression in object detection (Faster R-CNN, YOLO).",
            zh="目标检测中的边界框回归(如 Faster R-CNN、YOLO),平衡精度和稳健性。",
        ),
        note=Text(
            en="The switch at 1 suits targets scaled to about 1; beta has the unit of the target. "
            "Huber's loss with the same threshold is beta times this one.",
            zh="在 1 处切换只适合尺度约为 1 的目标;beta 与目标同单位。同一阈值的 Huber 损失等于本损失乘以 beta。",
        ),
    ),
)
def smooth_l1(
    predictions: Tensor,
    targets: Tensor,
    *,
    beta: Annotated[
        float,
        Field(ge=0, description="Where the square turns into a line, in the unit of the target; 0 is MAE."),
    ] = 1.0,
) -> Tensor:
    """Return e^2 / (2 beta) where |e| < beta, |e| - beta / 2 elsewhere; it elicits the Huber functional."""
    error = predictions - targets
    if beta == 0:
        return error.abs()
    near = error.clamp(-beta, beta)
    return near / beta * error.sub(near, alpha=1 / 2)
