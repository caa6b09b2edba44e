"""What models are judged by: one row a metric, with what it rewards, and how to train for it.

A metric is no loss: the loss is what training follows, the metric is what the result is for. Each row names the
functional of the targets that is best under the metric (what it elicits), and what training for it amounts to.
A new metric is one row of `METRICS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np

from losses.near import near
from losses.text import Text
from recommender.errors import UnknownMetric

Numbers = np.ndarray[Any, np.dtype[Any]]
Scores = TypeVar("Scores", float, Numbers)


class Judged(NamedTuple):
    """What a metric is computed from.

    Shapes: targets (n), numbers or class ids from 0; predictions (n), or probabilities (n, classes) of several classes,
    (n) of the second of two; of several labels both are (n, labels); weights (n) or None.
    """

    targets: Numbers
    predictions: Numbers
    weights: Numbers | None = None
    quantile: float = 0.5
    cut: float = 0.5  # of the probability, from which on an item counts as positive
    false_negative_cost: float = 1.0  # in false alarms


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric.

    `elicits`: the functional of the targets that is best under it. `train`: what training for it amounts to. `goal`:
    the parts of the goal of a recommendation that follow from it. `compute`: None where a table of predictions is not
    enough, as for masks and boxes. `chosen_by`: the proper score that chooses between losses in its place, where the
    metric itself is too noisy to choose by or has a cut of its own. `ideal`: the best value, where neither the lowest
    nor the highest is that.
    """

    title: Text
    tasks: tuple[str, ...]
    elicits: str
    train: Text
    source: str
    goal: Mapping[str, str] = field(default_factory=dict)
    larger_is_better: bool = False
    ideal: float | None = None
    compute: Callable[[Judged], float] | None = None
    chosen_by: str | None = None

    @property
    def is_relative(self) -> bool:
        """Whether differences count as shares of a score, rather than as points."""
        return not self.larger_is_better and self.ideal is None

    def cost(self, value: Scores) -> Scores:
        """Return values as costs, of which the lowest is best."""
        if self.ideal is not None:
            return abs(value - self.ideal)
        return -value if self.larger_is_better else value


def score(metric: str, judged: Judged) -> float:
    """Return the metric of predictions.

    Raises: UnknownMetric; ValueError where the metric is not defined on these targets.
    """
    compute = read_metric(metric).compute
    if compute is None:
        raise ValueError(f"{metric} is not computed from a table of predictions")
    if judged.targets.ndim > 1:  # several labels: the mean over those that occur and do not always
        pairs = zip(judged.targets.T, judged.predictions.T, strict=True)
        each = [judged._replace(targets=own, predictions=given) for own, given in pairs if own.min() < own.max()]
        return float(np.mean([compute(label) for label in each]))
    return float(compute(judged))


def read_metric(name: str) -> Metric:
    """Return the metric of that name.

    Raises: UnknownMetric, with the nearest name.
    """
    if name not in METRICS:
        raise UnknownMetric(METRICS, near(name, METRICS))
    return METRICS[name]


def metrics_of(task: str) -> list[str]:
    """Return the names of the metrics by which models of a task are judged, the usual one first."""
    return [name for name, metric in METRICS.items() if task in metric.tasks]


def _sklearn(function: str, *, clip: float | None = None, **options: object) -> Callable[[Judged], float]:
    """Return a metric of scikit-learn over targets and predictions; `clip` is the least that predictions may be."""

    def compute(judged: Judged) -> float:
        from sklearn import metrics  # noqa: PLC0415 - it takes half a second, which an answer without it need not

        predictions = judged.predictions if clip is None else np.maximum(judged.predictions, clip)
        return float(getattr(metrics, function)(judged.targets, predictions, sample_weight=judged.weights, **options))

    return compute


def _decided(function: str, **options: object) -> Callable[[Judged], float]:
    """Return a metric of scikit-learn over targets and the class that the predictions decide for."""

    def compute(judged: Judged) -> float:
        from sklearn import metrics  # noqa: PLC0415 - as above

        averaged = {"average": "macro"} if function == "f1_score" and judged.predictions.ndim > 1 else {}
        decided = decide(judged)
        return float(
            getattr(metrics, function)(judged.targets, decided, sample_weight=judged.weights, **options, **averaged)
        )

    return compute


def decide(judged: Judged) -> Numbers:
    """Return the class that each row of probabilities decides for."""
    if judged.predictions.ndim > 1:
        return np.asarray(judged.predictions.argmax(1))
    return (judged.predictions >= judged.cut).astype(int)


def _log_loss(judged: Judged) -> float:
    from sklearn.metrics import log_loss  # noqa: PLC0415 - as above

    classes = judged.predictions.shape[1] if judged.predictions.ndim > 1 else 2
    predictions = judged.predictions.astype(float)
    if predictions.ndim > 1:
        predictions = predictions / predictions.sum(1, keepdims=True)
    return float(log_loss(judged.targets, predictions, sample_weight=judged.weights, labels=list(range(classes))))


def _brier(judged: Judged) -> float:
    """Return the mean squared distance between probabilities and outcome; of several classes over all of them."""
    if judged.predictions.ndim == 1:
        errors = (judged.predictions - judged.targets) ** 2
    else:
        errors = ((judged.predictions - np.eye(judged.predictions.shape[1])[judged.targets.astype(int)]) ** 2).sum(1)
    return float(np.average(errors, weights=judged.weights))


def _median_ae(judged: Judged) -> float:
    """Return the median absolute error; with weights the least that half of the weight is at or below."""
    errors = np.abs(judged.predictions - judged.targets)
    if judged.weights is None:
        return float(np.median(errors))
    order = np.argsort(errors)
    below = np.cumsum(judged.weights[order])
    return float(errors[order][np.searchsorted(below, below[-1] / 2)])


def _auc(judged: Judged) -> float:
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - as above

    if judged.predictions.ndim == 1:
        return float(roc_auc_score(judged.targets, judged.predictions, sample_weight=judged.weights))
    predictions = judged.predictions / judged.predictions.sum(1, keepdims=True)
    labels = list(range(predictions.shape[1]))
    kinds = {"multi_class": "ovr", "average": "macro", "labels": labels}
    return float(roc_auc_score(judged.targets, predictions, sample_weight=judged.weights, **kinds))


def _average_precision(judged: Judged) -> float:
    from sklearn.metrics import average_precision_score  # noqa: PLC0415 - as above

    if judged.predictions.ndim == 1:
        return float(average_precision_score(judged.targets, judged.predictions, sample_weight=judged.weights))
    outcomes = np.eye(judged.predictions.shape[1])[judged.targets.astype(int)]
    return float(average_precision_score(outcomes, judged.predictions, sample_weight=judged.weights))


def _rmsle(judged: Judged) -> float:
    errors = np.log1p(np.maximum(judged.predictions, 0.0)) - np.log1p(judged.targets)
    return float(np.sqrt(np.average(errors**2, weights=judged.weights)))


def _rmse(judged: Judged) -> float:
    return float(np.sqrt(np.average((judged.predictions - judged.targets) ** 2, weights=judged.weights)))


def _mae(judged: Judged) -> float:
    return float(np.average(np.abs(judged.predictions - judged.targets), weights=judged.weights))


def _smape(judged: Judged) -> float:
    sizes = np.abs(judged.predictions) + np.abs(judged.targets)
    errors = 2 * np.abs(judged.predictions - judged.targets) / np.where(sizes == 0, 1.0, sizes)
    return float(np.average(errors, weights=judged.weights))


def _pinball(judged: Judged) -> float:
    errors = judged.targets - judged.predictions
    return float(
        np.average(np.maximum(judged.quantile * errors, (judged.quantile - 1) * errors), weights=judged.weights)
    )


def _ratio_of_totals(judged: Judged) -> float:
    weights = np.ones(len(judged.targets)) if judged.weights is None else judged.weights
    return float((weights * judged.predictions).sum() / (weights * judged.targets).sum())


def _ranked_probability(judged: Judged) -> float:
    """Return the mean squared distance between cumulative probabilities and outcome, over the thresholds."""
    places = np.arange(judged.predictions.shape[1] - 1)
    reached = judged.targets[:, None] <= places
    errors = ((judged.predictions.cumsum(1)[:, :-1] - reached) ** 2).mean(1)
    return float(np.average(errors, weights=judged.weights))


def _kappa(judged: Judged) -> float:
    """Return quadratic weighted kappa of the mean grade, rounded."""
    from sklearn.metrics import cohen_kappa_score  # noqa: PLC0415 - as above

    grades = np.arange(judged.predictions.shape[1])
    decided = np.rint(judged.predictions @ grades).astype(int)
    return float(
        cohen_kappa_score(judged.targets, decided, labels=grades, weights="quadratic", sample_weight=judged.weights)
    )


def _expected_cost(judged: Judged) -> float:
    decided = decide(judged)
    costs = np.where(judged.targets == 1, judged.false_negative_cost, 1.0) * (decided != judged.targets)
    return float(np.average(costs, weights=judged.weights))


_NUMBERS, _PAIR, _CLASSES = ("regression", "count"), ("binary",), ("binary", "multiclass", "multilabel")
_GRADES = (*_CLASSES, "ordinal")
_PROPER = "Gneiting & Raftery 2007, doi:10.1198/016214506000001437"
_POINT = "Gneiting 2011, doi:10.1198/jasa.2011.r10138"
_TRAIN_MEAN = Text("a loss of the mean: mse, or a deviance with a log link", "学习均值的损失:mse,或对数链接的偏差损失")
_TRAIN_PROBABILITY = Text("a proper score, such as bce or cross-entropy", "恰当评分,如 bce 或交叉熵")
_TRAIN_CUT = Text(
    "a proper score for the probability, then a cut that follows from the metric",
    "先用恰当评分学习概率,再按该指标确定阈值",
)
_ELSEWHERE = Text("see the task's own losses", "参见该任务的损失")

METRICS: dict[str, Metric] = {
    "rmse": Metric(
        title=Text("root mean squared error", "均方根误差"),
        tasks=_NUMBERS,
        elicits="mean",
        train=_TRAIN_MEAN,
        source=_POINT,
        goal={"functional": "mean"},
        compute=_rmse,
    ),
    "mae": Metric(
        title=Text("mean absolute error", "平均绝对误差"),
        tasks=_NUMBERS,
        elicits="median",
        train=Text("mae, or a robust loss", "mae 或稳健损失"),
        source=_POINT,
        goal={"functional": "median"},
        compute=_mae,
    ),
    "median_ae": Metric(
        title=Text("median absolute error", "绝对误差中位数"),
        tasks=_NUMBERS,
        elicits="median",
        train=Text("a robust loss, such as tukey_biweight", "稳健损失,如 tukey_biweight"),
        source="Rousseeuw 1984, doi:10.1080/01621459.1984.10477105",
        goal={"functional": "median"},
        compute=_median_ae,
    ),
    "rmsle": Metric(
        title=Text("root mean squared logarithmic error", "均方根对数误差"),
        tasks=_NUMBERS,
        elicits="mean of log(1 + y)",
        train=Text("mse on log(1 + y), or msle", "对 log(1 + y) 用 mse,或用 msle"),
        source=_POINT,
        goal={"functional": "mean"},
        compute=_rmsle,
    ),
    "mape": Metric(
        title=Text("mean absolute percentage error", "平均绝对百分比误差"),
        tasks=_NUMBERS,
        elicits="median weighted by 1/|y|",
        train=Text("mae with weights 1/|y|, or mape", "权重为 1/|y| 的 mae,或 mape"),
        source=_POINT,
        goal={"functional": "median"},
        compute=_sklearn("mean_absolute_percentage_error"),
    ),
    "smape": Metric(
        title=Text("symmetric mean absolute percentage error", "对称平均绝对百分比误差"),
        tasks=_NUMBERS,
        elicits="centre of relative errors",
        train=Text("smape, or mae on log y", "smape,或对 log y 用 mae"),
        source="Goodwin & Lawton 1999, doi:10.1016/S0169-2070(99)00007-2",
        goal={"functional": "median"},
        compute=_smape,
    ),
    "pinball": Metric(
        title=Text("pinball loss", "分位数损失"),
        tasks=_NUMBERS,
        elicits="quantile",
        train=Text("quantile, at the same level", "同一分位水平的 quantile"),
        source="Koenker & Bassett 1978, doi:10.2307/1913643",
        goal={"functional": "quantile"},
        compute=_pinball,
    ),
    "poisson_deviance": Metric(
        title=Text("mean Poisson deviance", "平均泊松偏差"),
        tasks=_NUMBERS,
        elicits="mean",
        train=Text("poisson_nll", "poisson_nll"),
        source=_POINT,
        goal={"functional": "mean"},
        compute=_sklearn("mean_poisson_deviance", clip=1e-9),
    ),
    "ratio_of_totals": Metric(
        title=Text("ratio of totals: sum predicted over sum true", "总量之比:预测总和除以真实总和"),
        tasks=_NUMBERS,
        elicits="mean",
        train=_TRAIN_MEAN,
        source="Wüthrich & Merz 2023, doi:10.1007/978-3-031-12409-9 (balance property)",
        goal={"functional": "mean"},
        ideal=1.0,
        compute=_ratio_of_totals,
        chosen_by="rmse",
    ),
    "log_loss": Metric(
        title=Text("log loss", "对数损失"),
        tasks=_GRADES,
        elicits="probability",
        train=_TRAIN_PROBABILITY,
        source=_PROPER,
        goal={"decision": "probabilities"},
        compute=_log_loss,
    ),
    "brier": Metric(
        title=Text("Brier score", "Brier 分数"),
        tasks=_GRADES,
        elicits="probability",
        train=_TRAIN_PROBABILITY,
        source=_PROPER,
        goal={"decision": "probabilities"},
        compute=_brier,
    ),
    "auc": Metric(
        title=Text("area under the ROC curve", "ROC 曲线下面积"),
        tasks=_CLASSES,
        elicits="order of the probabilities",
        train=_TRAIN_PROBABILITY,
        source="Menon & Williamson 2016, JMLR 17(195)",
        goal={"decision": "ranking"},
        larger_is_better=True,
        compute=_auc,
    ),
    "average_precision": Metric(
        title=Text("average precision", "平均精度"),
        tasks=_CLASSES,
        elicits="order of the probabilities",
        train=_TRAIN_PROBABILITY,
        source="Menon & Williamson 2016, JMLR 17(195)",
        goal={"decision": "ranking"},
        larger_is_better=True,
        compute=_average_precision,
    ),
    "accuracy": Metric(
        title=Text("accuracy", "准确率"),
        tasks=_GRADES,
        elicits="most probable class",
        train=_TRAIN_CUT,
        source=_PROPER,
        goal={"decision": "accuracy"},
        larger_is_better=True,
        compute=_decided("accuracy_score"),
        chosen_by="log_loss",
    ),
    "balanced_accuracy": Metric(
        title=Text("balanced accuracy", "平衡准确率"),
        tasks=_CLASSES,
        elicits="class whose probability exceeds its share",
        train=_TRAIN_CUT,
        source="Menon et al. 2013, PMLR 28(3):603",
        goal={"decision": "balanced"},
        larger_is_better=True,
        compute=_decided("balanced_accuracy_score"),
        chosen_by="log_loss",
    ),
    "f1": Metric(
        title=Text("F1 score", "F1 分数"),
        tasks=_CLASSES,
        elicits="probability above half of the best F1",
        train=_TRAIN_CUT,
        source="Lipton et al. 2014, doi:10.1007/978-3-662-44851-9_15",
        goal={"decision": "probabilities"},
        larger_is_better=True,
        compute=_decided("f1_score"),
        chosen_by="log_loss",
    ),
    "mcc": Metric(
        title=Text("Matthews correlation coefficient", "马修斯相关系数"),
        tasks=_CLASSES,
        elicits="probability above a cut",
        train=_TRAIN_CUT,
        source="Matthews 1975, doi:10.1016/0005-2795(75)90109-9",
        goal={"decision": "probabilities"},
        larger_is_better=True,
        compute=_decided("matthews_corrcoef"),
        chosen_by="log_loss",
    ),
    "expected_cost": Metric(
        title=Text("expected cost", "期望代价"),
        tasks=_PAIR,
        elicits="probability above 1 / (1 + cost of a miss)",
        train=_TRAIN_CUT,
        source="Elkan 2001, IJCAI 17:973",
        goal={"decision": "probabilities"},
        compute=_expected_cost,
        chosen_by="log_loss",
    ),
    "qwk": Metric(
        title=Text("quadratic weighted kappa", "二次加权 kappa"),
        tasks=("ordinal",),
        elicits="mean grade, rounded at cuts",
        train=Text("mse on the grade, or an ordinal loss, then cuts", "对等级用 mse 或有序损失,再确定切点"),
        source="Cohen 1968, doi:10.1037/h0026256",
        larger_is_better=True,
        compute=_kappa,
        chosen_by="ranked_probability_score",
    ),
    "ndcg": Metric(
        title=Text("nDCG at 10", "nDCG@10"),
        tasks=("ranking",),
        elicits="order of the expected gains",
        train=_ELSEWHERE,
        source="Järvelin & Kekäläinen 2002, doi:10.1145/582415.582418",
        goal={"ranking": "ndcg"},
        larger_is_better=True,
    ),
    "concordance": Metric(
        title=Text("concordance index", "一致性指数"),
        tasks=("survival",),
        elicits="order of the times",
        train=_ELSEWHERE,
        source="Harrell et al. 1982, doi:10.1001/jama.1982.03320430047030",
        larger_is_better=True,
    ),
    "dice": Metric(
        title=Text("Dice coefficient", "Dice 系数"),
        tasks=("segmentation",),
        elicits="probability above half of the best Dice",
        train=Text("dice with bce, or bce and a cut", "dice 加 bce,或 bce 加阈值"),
        source="Bertels et al. 2019, doi:10.1007/978-3-030-32245-8_11",
        goal={"segmentation": "overlap"},
        larger_is_better=True,
    ),
    "iou": Metric(
        title=Text("intersection over union", "交并比"),
        tasks=("segmentation", "detection"),
        elicits="as Dice",
        train=Text("dice with bce, then lovasz_hinge", "dice 加 bce,再用 lovasz_hinge"),
        source="Eelbode et al. 2020, doi:10.1109/TMI.2020.3002417",
        goal={"segmentation": "overlap", "boxes": "iou"},
        larger_is_better=True,
    ),
    "crps": Metric(
        title=Text("continuous ranked probability score", "连续排序概率评分"),
        tasks=_NUMBERS,
        elicits="distribution",
        train=Text("crps_gaussian, or a likelihood", "crps_gaussian 或似然"),
        source=_PROPER,
        goal={"functional": "distribution"},
    ),
    "interval_score": Metric(
        title=Text("interval score", "区间评分"),
        tasks=_NUMBERS,
        elicits="quantiles alpha/2 and 1 - alpha/2",
        train=Text("interval_score at the same coverage", "同一覆盖率的 interval_score"),
        source=_PROPER,
        goal={"functional": "interval"},
    ),
    "top_k_accuracy": Metric(
        title=Text("top-k accuracy", "top-k 准确率"),
        tasks=("multiclass",),
        elicits="the k most probable classes",
        train=_TRAIN_PROBABILITY,
        source="Lapin et al. 2016, arXiv:1512.00486",
        goal={"decision": "probabilities"},
        larger_is_better=True,
    ),
    "precision_at_k": Metric(
        title=Text("precision at k", "前 k 个的精确率"),
        tasks=("binary", "ranking"),
        elicits="order of the probabilities",
        train=_TRAIN_PROBABILITY,
        source="Menon & Williamson 2016, JMLR 17(195)",
        goal={"decision": "ranking", "ranking": "ndcg"},
        larger_is_better=True,
    ),
    "recall_at_precision": Metric(
        title=Text("recall at a precision", "给定精确率下的召回率"),
        tasks=_PAIR,
        elicits="probability above a cut",
        train=_TRAIN_CUT,
        source="Eban et al. 2017, arXiv:1608.04802",
        goal={"decision": "probabilities"},
        larger_is_better=True,
    ),
    "ranked_probability_score": Metric(
        title=Text("ranked probability score", "排序概率评分"),
        tasks=("ordinal",),
        elicits="probability",
        train=Text("ordinal_emd2, which is that score", "ordinal_emd2,即该评分"),
        source="Epstein 1969, doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2",
        goal={"decision": "probabilities"},
        compute=_ranked_probability,
    ),
    "mrr": Metric(
        title=Text("mean reciprocal rank", "平均倒数排名(MRR)"),
        tasks=("ranking",),
        elicits="most relevant item",
        train=Text("ranking_softmax", "ranking_softmax"),
        source="Bruch et al. 2019, doi:10.1145/3341981.3344221",
        goal={"ranking": "top_one"},
        larger_is_better=True,
    ),
    "hd95": Metric(
        title=Text("95th-percentile Hausdorff distance", "95 百分位 Hausdorff 距离"),
        tasks=("segmentation",),
        elicits="outline",
        train=Text("dice with hausdorff_dt", "dice 加 hausdorff_dt"),
        source="Karimi & Salcudean 2019, arXiv:1904.10030",
        goal={"segmentation": "boundary"},
    ),
    "mean_average_precision": Metric(
        title=Text("mean average precision", "平均精度均值(mAP)"),
        tasks=("detection",),
        elicits="boxes by overlap, in the order of their probabilities",
        train=Text("focal for classes, giou for boxes", "类别用 focal,边界框用 giou"),
        source="Lin et al. 2014, arXiv:1405.0312",
        goal={"boxes": "iou"},
        larger_is_better=True,
    ),
    "psnr": Metric(
        title=Text("peak signal-to-noise ratio", "峰值信噪比(PSNR)"),
        tasks=("generation",),
        elicits="mean of the pixels",
        train=Text("mae or mse of pixels", "像素的 mae 或 mse"),
        source="Huynh-Thu & Ghanbari 2008, doi:10.1049/el:20080522: it is the mean squared error in decibels",
        larger_is_better=True,
    ),
    "ssim": Metric(
        title=Text("structural similarity", "结构相似性(SSIM)"),
        tasks=("generation",),
        elicits="structure of pictures",
        train=Text("ssim with mae", "ssim 加 mae"),
        source="Wang et al. 2004, doi:10.1109/TIP.2003.819861",
        larger_is_better=True,
    ),
    "recall_at_1": Metric(
        title=Text("recall at 1", "首位召回率"),
        tasks=("similarity",),
        elicits="nearest neighbour",
        train=_ELSEWHERE,
        source="Musgrave et al. 2020, arXiv:2003.08505",
        larger_is_better=True,
    ),
}
