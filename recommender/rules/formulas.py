"""The parameters that follow from facts: each a named formula with its bounds and source."""

from dataclasses import replace
from math import sqrt

from losses.text import Text
from recommender.notices import WarningText
from recommender.rules.formula import formula, significant

_HUBER = "Huber 1964, doi:10.1214/aoms/1177703732: k = 1.345 keeps 95 % efficiency on normal errors"
_SQUARE_FITS = (1e-18, 1e18)  # so that its square fits float32
_WEIGHS_BOTH = (0.001, 0.999)  # beyond, one class has practically no weight
_LIN = "Lin et al. 2017, arXiv:1708.02002: best on COCO with gamma = 2"


@formula(
    "1.345",
    bounds=_SQUARE_FITS,
    source=_HUBER,
    warning=WarningText(
        "standardised-targets-assumed",
        Text(
            en="beta has the unit of the target and residual_scale was not measured, so 1.345 assumes residuals of "
            "spread 1. Measure residual_scale, or standardise the targets.",
            zh="beta 与目标同单位,而 residual_scale 未测量,因此 1.345 假定残差的离散度为 1。"
            "请测量 residual_scale,或将目标标准化。",
        ),
    ),
)
def standard_beta() -> float:
    return 1.345


@formula("1.345 * residual_scale", bounds=_SQUARE_FITS, source=_HUBER, otherwise=standard_beta)
def huber_beta(residual_scale: float) -> float:
    return 1.345 * residual_scale


@formula("1", bounds=_SQUARE_FITS, source="the article, section 1.3: squared below 1, linear beyond")
def switch_at_one() -> float:
    return 1.0


box_beta = replace(huber_beta, name="box_beta", otherwise=switch_at_one)
offset_beta = replace(
    huber_beta,
    name="offset_beta",
    otherwise=replace(
        switch_at_one,
        name="switch_at_one_spread",
        warning=WarningText(
            "normalised-offsets-assumed",
            Text(
                en="beta has the unit of the coordinates and residual_scale was not measured, so 1 assumes offsets "
                "divided by their spread. Of corners from 0 to 1 every error lies below it, and the loss is mse: "
                "measure residual_scale with predictions.",
                zh="beta 与坐标同单位,而 residual_scale 未测量,因此 1 假定偏移量已除以其离散度。若角点取 0 到 1,"
                "所有误差都小于它,该损失即为 mse:请连同预测测量 residual_scale。",
            ),
        ),
    ),
)


@formula("1/9", bounds=_SQUARE_FITS, source="Ren et al. 2015, arXiv:1506.01497, as coded: sigma 3, beta 1/sigma**2")
def proposal_beta() -> float:
    return 0.111


@formula("2", bounds=(0, 5), source=_LIN)
def focal_gamma() -> float:
    return 2.0


@formula("0.25", bounds=_WEIGHS_BOTH, source=_LIN)
def paper_alpha() -> float:
    return 0.25


assumed_alpha = replace(
    paper_alpha,
    name="assumed_alpha",
    warning=WarningText(
        "alpha-favours-negatives",
        Text(
            en="alpha=0.25 weighs a positive a third of a negative: it was tuned for detectors. With rare positives "
            "measure positive_share, and alpha becomes 1 - positive_share.",
            zh="alpha=0.25 使正样本的权重只有负样本的三分之一:它是为检测器调出的。"
            "正样本稀少时请测量 positive_share,alpha 将取 1 - positive_share。",
        ),
    ),
)


@formula(
    "1 - 1/(1 + class_imbalance)",
    bounds=_WEIGHS_BOTH,
    source="weights inverse to class frequency; the article, section 2.4: alpha balances the classes",
    otherwise=assumed_alpha,
    warning=WarningText(
        "minority-taken-as-positive",
        Text(
            en="positive_share was not measured, so the smaller class is taken to be the positive one.",
            zh="positive_share 未测量,因此假定较小的类别为正类。",
        ),
    ),
)
def alpha_from_imbalance(class_imbalance: float) -> float:
    return 1 - 1 / (1 + class_imbalance)


@formula(
    "1 - positive_share",
    bounds=_WEIGHS_BOTH,
    source="weights inverse to class frequency; the article, section 2.4: alpha balances the classes",
    otherwise=alpha_from_imbalance,
)
def focal_alpha(positive_share: float) -> float:
    return 1 - positive_share


@formula("1e-5", bounds=(0, 1), source="nnU-Net (Isensee et al. 2021): defined on empty masks, negligible elsewhere")
def dice_smooth() -> float:
    return 1e-5


standard_tuning = replace(
    standard_beta,
    name="standard_tuning",
    text="4.685",
    source="Holland & Welsch 1977, doi:10.1080/03610927708827533: c = 4.685 keeps 95 % efficiency on normal errors",
    compute=lambda: 4.685,
)


@formula("0.5", bounds=(0, 1), source="the median; the goal names no quantile")
def median_quantile() -> float:
    return 0.5


@formula("1.5", bounds=(1, 2), source="the default of XGBoost and LightGBM")
def usual_power() -> float:
    return 1.5


@formula("0.1", bounds=(0, 1), source="no share of positives is known")
def assumed_prior() -> float:
    return 0.1


@formula(
    "1 / (1 + class_imbalance)",
    bounds=(1e-6, 1 - 1e-6),
    source="Menon et al. 2021, arXiv:2007.07314: the prior of the training set",
    otherwise=assumed_prior,
    warning=WarningText(
        "minority-taken-as-positive",
        Text(
            en="positive_share was not measured, so the smaller class is taken to be the positive one.",
            zh="positive_share 未测量,因此假定较小的类别为正类。",
        ),
    ),
)
def prior_from_imbalance(class_imbalance: float) -> float:
    return 1 / (1 + class_imbalance)


@formula("1", bounds=(0, 1e6), source="the default of torch")
def standard_margin() -> float:
    return 1.0


@formula(
    "4.685 * residual_scale",
    bounds=_SQUARE_FITS,
    source="Holland & Welsch 1977, doi:10.1080/03610927708827533: c = 4.685 keeps 95 % efficiency on normal errors",
    otherwise=standard_tuning,
)
def tukey_tuning(residual_scale: float) -> float:
    return 4.685 * residual_scale


standard_cauchy = replace(
    standard_tuning,
    name="standard_cauchy",
    text="1.686",
    compute=lambda: 1.686,
)


@formula(
    "1.686 * residual_scale",
    bounds=_SQUARE_FITS,
    source="Holland & Welsch 1977, doi:10.1080/03610927708827533: 2.385 keeps 95 % efficiency on normal errors, over "
    "the root of 2 as Barron writes it",
    otherwise=standard_cauchy,
)
def cauchy_scale(residual_scale: float) -> float:
    return 1.686 * residual_scale


@formula(
    "the quantile of the goal",
    bounds=(1e-6, 1 - 1e-6),
    source="Koenker & Bassett 1978, doi:10.2307/1913643",
    otherwise=median_quantile,
)
def goal_quantile(quantile: float) -> float:
    return quantile


@formula("0.1", bounds=(0, 1), source="a coverage of 90 %, as usual; the goal names none")
def usual_miss() -> float:
    return 0.1


@formula(
    "1 - coverage",
    bounds=(1e-6, 1 - 1e-6),
    source="Gneiting & Raftery 2007, doi:10.1198/016214506000001437, section 6.2",
    otherwise=usual_miss,
)
def interval_alpha(coverage: float) -> float:
    return significant(1 - coverage, 12)


@formula("0.95", bounds=(0.5, 1), source="the upper end of a coverage of 90 %, as usual; the goal names none")
def usual_upper_end() -> float:
    return 0.95


@formula(
    "(1 + coverage) / 2",
    bounds=(0.5, 1 - 1e-6),
    source="Gneiting & Raftery 2007, doi:10.1198/016214506000001437, section 6.2",
    otherwise=usual_upper_end,
)
def upper_end(coverage: float) -> float:
    return significant((1 + coverage) / 2, 12)


@formula(
    "variance_power",
    bounds=(1.1, 1.9),
    source="Jorgensen 1987: the variance of a Tweedie variable grows as mean ** p, 1 < p < 2",
    otherwise=usual_power,
)
def tweedie_power(variance_power: float) -> float:
    return variance_power


@formula(
    "positive_share",
    bounds=(1e-6, 1 - 1e-6),
    source="Menon et al. 2021, arXiv:2007.07314: the prior of the training set",
    otherwise=prior_from_imbalance,
)
def training_prior(positive_share: float) -> float:
    return positive_share


@formula(
    "1 / (1 + false_negative_cost)",
    bounds=(0.001, 0.999),
    source="Salehi et al. 2017, arXiv:1706.05721, and F_b: alpha = 1 / (1 + b^2), b^2 the cost ratio",
)
def false_alarm_weight(false_negative_cost: float) -> float:
    return 1 / (1 + false_negative_cost)


@formula(
    "false_negative_cost / (1 + false_negative_cost)",
    bounds=(0.001, 0.999),
    source="Salehi et al. 2017, arXiv:1706.05721, and F_b: beta = b^2 / (1 + b^2), b^2 the cost ratio",
)
def miss_weight(false_negative_cost: float) -> float:
    return false_negative_cost / (1 + false_negative_cost)


@formula(
    "0.2 * embedding_scale",
    bounds=(1e-6, 1e6),
    source="Schroff et al. 2015, arXiv:1503.03832: 0.2 where embeddings have length 1, scaled to theirs",
    otherwise=standard_margin,
)
def triplet_margin(embedding_scale: float) -> float:
    return 0.2 * embedding_scale


@formula("1", bounds=(1, 1), source="how rare positives are is not known")
def equal_weight() -> float:
    return 1.0


@formula(
    "false_negative_cost",
    bounds=(1e-3, 1e3),
    source="Elkan 2001, The foundations of cost-sensitive learning, IJCAI, theorem 1",
)
def cost_weight(false_negative_cost: float) -> float:
    return false_negative_cost


@formula(
    "class_imbalance",
    bounds=(1, 20),
    source="n- / n+, as in torch's and XGBoost's documentation; kept to 20, a bound of ours",
    otherwise=equal_weight,
    warning=prior_from_imbalance.warning,
)
def weight_from_imbalance(class_imbalance: float) -> float:
    return class_imbalance


@formula(
    "(1 - positive_share) / positive_share",
    bounds=(0.05, 20),
    source="n- / n+, as in torch's and XGBoost's documentation; kept to 20, a bound of ours",
    otherwise=weight_from_imbalance,
)
def positive_weight(positive_share: float) -> float:
    return (1 - positive_share) / positive_share


@formula(
    "sqrt(class_imbalance)",
    bounds=(1, 1e3),
    source="CatBoost's auto_class_weights=SqrtBalanced",
    otherwise=equal_weight,
    warning=prior_from_imbalance.warning,
)
def root_weight_from_imbalance(class_imbalance: float) -> float:
    return sqrt(class_imbalance)


@formula(
    "sqrt((1 - positive_share) / positive_share)",
    bounds=(1e-3, 1e3),
    source="CatBoost's auto_class_weights=SqrtBalanced",
    otherwise=root_weight_from_imbalance,
)
def root_positive_weight(positive_share: float) -> float:
    return sqrt((1 - positive_share) / positive_share)


_SMOOTHING = (
    "Lukasik et al. 2020, arXiv:2003.02819: 0.1 under label noise; at most what the noise itself does to labels"
)


@formula("min(0.1, 2 * label_noise)", bounds=(0, 0.1), source=_SMOOTHING)
def pair_smoothing(label_noise: float) -> float:
    return min(0.1, 2 * label_noise)


@formula("min(0.1, label_noise)", bounds=(0, 0.1), source=_SMOOTHING)
def smoothing_of_many(label_noise: float) -> float:
    return min(0.1, label_noise)


@formula(
    "min(0.1, label_noise * classes / (classes - 1))", bounds=(0, 0.1), source=_SMOOTHING, otherwise=smoothing_of_many
)
def class_smoothing(label_noise: float, classes: float) -> float:
    return min(0.1, label_noise * classes / max(classes - 1, 1))
