"""Divergences between distributions: Kullback-Leibler, Jensen-Shannon, generalized KL, distillation."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import CLASS_LOGITS, LOGARITHMS, NON_NEGATIVE, ONE_HOT
from losses.contract.loss import Value, case
from losses.contract.parameters import Clip, FromLogits, PerItem
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.mathematics.saturating import excess, expm1, log_softmax, softmax
from losses.text import Text

FAR = 50  # a difference of scores whose exponential is within the range of float32
KULLBACK_LEIBLER = "Kullback & Leibler 1951, doi:10.1214/aoms/1177729694"


def _log_p(params: dict[str, Value]) -> str:
    """Return the snippet's line that computes log_p from the predictions."""
    if params["from_logits"]:
        return "log_p = F.log_softmax(predictions, 1)"
    clip = float(params.get("clip") or 0)
    return f"log_p = predictions{f'.clamp({clip}, {1 - clip})' if clip else ''}.log()"


def _kl_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    over = "sum" if params["normalize"] == "item" else "mean"
    return f"""\
{_log_p(params)}
return (torch.special.xlogy(targets, targets) - targets * log_p).{over}(1).mean()"""


@loss(
    title=Text("Kullback-Leibler divergence", "KL 散度"),
    task=("multiclass", "distillation"),
    shapes="n C *s, n C *s -> n *s",
    predictions=CLASS_LOGITS,
    targets=ONE_HOT,
    shifts="predictions",
    formula=r"\sum_c y_c (\log y_c - \log p_c),\ p = \operatorname{softmax}(z)",
    source=KULLBACK_LEIBLER,
    elicits="probability",
    activation="softmax",
    traits={"convex", "smooth", "proper", "bounded gradient"},
    aliases={
        "kl": {},
        "kld": {},
        "KLDivLoss": {"normalize": "element"},
        "KLDivergence": {"from_logits": False, "clip": 1e-7},
        "kl_divergence": {},
        "kl_div_loss_2d": {"from_logits": False},
        "kullback_leibler_divergence": {"from_logits": False, "clip": 1e-7},
    },
    names_of_log_probabilities="KLDivLoss",
    conventions={
        "torch": {"normalize": "element"},
        "keras": {"from_logits": False, "clip": 1e-7},
        "optax": {},
    },
    differences=(
        "torch's mean divides by every element, classes included: normalize=element.",
        (
            "torch's batchmean divides by the length of axis 0: for (n, C) that is normalize=item, for (n, C, *s) "
            "it is larger by the number of positions."
        ),
        "torch and optax take log-probabilities: those are logits too, and give the same number.",
        (
            "torch, Keras and optax accept rows that do not sum to 1, for which the sum can be negative; here they are "
            "refused, and generalized_kl is what they are for."
        ),
        "Keras clips the targets at 1e-7 too; here a target of 0 adds nothing.",
        "torch's log_target has no counterpart: exponentiate the targets.",
    ),
    cases=[
        case(predictions=[[0.0, 0.0]], targets=[[1.0, 0.0]], gives=[0.6931471805599453]),
        case(
            predictions=[[0.5, 0.5]],
            targets=[[0.25, 0.75]],
            gives=[0.13081203594113697],
            params={"from_logits": False},
        ),
        case(
            predictions=[[0.5, 0.5]],
            targets=[[0.25, 0.75]],
            gives=[0.13081203594113697 / 2],
            params={"from_logits": False, "normalize": "element"},
        ),
        case(
            predictions=[[1.0, 0.0]],
            targets=[[0.0, 1.0]],
            gives=[-math.log(1e-7)],
            params={"from_logits": False, "clip": 1e-7},
        ),
    ],
    elsewhere={
        "keras": "keras.losses.KLDivergence()(targets, predictions)",
        "optax": "optax.losses.kl_divergence(jax.nn.log_softmax(predictions, axis=1), targets, axis=1).mean()",
    },
    pytorch=_kl_code,
)
def kl_div(
    predictions: Tensor,
    targets: Tensor,
    *,
    normalize: PerItem = "item",
    clip: Clip = 0.0,
    from_logits: FromLogits = True,
) -> Tensor:
    """Return KL(targets || predictions): the cross-entropy minus the entropy of the targets; its minimum is 0."""
    log_p = terms.class_log_probabilities(predictions, from_logits=from_logits, clip=clip)
    value = terms.times(targets, terms.log(targets) - log_p)
    return value.sum(1) if normalize == "item" else value.mean(1)


@loss(
    title=Text("Jensen-Shannon divergence", "JS 散度"),
    task=("multiclass", "distillation"),
    shapes="n C *s, n C *s -> n *s",
    predictions=CLASS_LOGITS,
    targets=ONE_HOT,
    shifts="predictions",
    formula=r"\tfrac12 \sum_c \left(p_c \log \frac{p_c}{m_c} + y_c \log \frac{y_c}{m_c}\right),\ m = \tfrac{p + y}{2}",
    source="Lin 1991, doi:10.1109/18.61115",
    elicits="centre of the distributions",
    activation="softmax",
    traits={"smooth", "robust", "bounded gradient"},
    aliases={"jensen_shannon": {}, "js_div_loss_2d": {"from_logits": False}},
    differences=("kornia takes the spatial positions of each channel for the classes.",),
    cases=[
        case(predictions=[[1.0, 0.0]], targets=[[0.0, 1.0]], gives=[0.6931471805599453], params={"from_logits": False}),
        case(predictions=[[0.5, 0.5]], targets=[[0.5, 0.5]], gives=[0.0], params={"from_logits": False}),
        case(predictions=[[0.0, 0.0]], targets=[[1.0, 0.0]], gives=[0.21576155433883568]),
    ],
    pytorch=lambda params: (
        f"""\
p = predictions{".softmax(1)" if params["from_logits"] else ""}
m = ((p + targets) / 2).log()
return (torch.special.xlogy(p, p) - p * m + torch.special.xlogy(targets, targets) - targets * m).sum(1).mean() / 2"""
    ),
)
def js_div(predictions: Tensor, targets: Tensor, *, from_logits: FromLogits = True) -> Tensor:
    """Return the Jensen-Shannon divergence: symmetric, and at most log 2.

    With m (1 + r) for p and m (1 - r) for y it is m times a function of r that is never below 0, so that nothing
    cancels where the two are close. Its derivative by p is log(p / m); all other terms cancel.
    """
    p = softmax(predictions) if from_logits else predictions
    q, twice = p.detach(), p.detach() + targets
    r = (q - targets) / twice.where(twice > 0, 1)
    log_p = terms.class_log_probabilities(predictions.detach(), from_logits=from_logits)
    far = log_p - terms.log_add(log_p, terms.log(targets)) + math.log(2)
    slope = torch.where(r > -1 / 2, r.clamp(min=-1 / 2).log1p(), far).where(q > 0, 0)
    return (twice * _both_ways(r) + 2 * (p - q) * slope).sum(1) / 4


def _both_ways(r: Tensor) -> Tensor:
    """Return (1 + r) log(1 + r) + (1 - r) log(1 - r); near 0 by its series r^2 / 1 + r^4 / 6 + r^6 / 15 ..."""
    near = r.abs() < 1 / 4
    squared = r.where(near, 0).square()
    series = torch.zeros_like(r)
    for k in range(13, 0, -1):
        series = 1 / (k * (2 * k - 1)) + squared * series
    return torch.where(near, squared * series, torch.special.xlog1py(1 + r, r) + torch.special.xlog1py(1 - r, -r))


@loss(
    title=Text("Generalized Kullback-Leibler divergence", "广义 KL 散度"),
    task=("regression", "count"),
    shapes="n C *s, n C *s -> n *s",
    predictions=LOGARITHMS,
    targets=NON_NEGATIVE,
    formula=r"\sum_c y_c (\log y_c - z_c) - y_c + e^{z_c}",
    source="Bregman 1967, doi:10.1016/0041-5553(67)90040-7; Csiszar 1975, doi:10.1214/aop/1176996454",
    elicits="mean",
    activation="exp",
    traits={"convex", "smooth", "proper"},
    aliases={"generalized_kl_divergence": {}, "convex_kl_divergence": {}, "i_divergence": {}},
    conventions={"optax": {}},
    cases=[
        case(predictions=[[1.0, 2.0]], targets=[[1.0, 1.0]], gives=[1 - math.log(2)], params={"from_logits": False}),
        case(predictions=[[0.0, 0.0]], targets=[[0.0, 1.0]], gives=[1.0]),
    ],
    elsewhere={
        "optax": "optax.losses.generalized_kl_divergence(predictions, targets).mean()",
    },
    pytorch=lambda params: (
        f"""\
q, log_q = {"predictions.exp(), predictions" if params["from_logits"] else "predictions, predictions.log()"}
return (torch.special.xlogy(targets, targets) - targets * log_q - targets + q).sum(1).mean()"""
    ),
)
def generalized_kl(
    predictions: Tensor,
    targets: Tensor,
    *,
    from_logits: Annotated[bool, Field(description="Predictions are logarithms; false: the numbers.")] = True,
) -> Tensor:
    """Return the generalized KL divergence of non-negative numbers; it is half of the Poisson deviance."""
    log_q, q = (predictions, predictions.exp()) if from_logits else (terms.log(predictions), predictions)
    some = targets > 0  # then y excess(log y - log q): safe from parts that cancel where the two are close
    log_ratio = terms.log(targets).where(some, 0) - log_q.where(some, 0)
    return torch.where(some, _kl_terms(targets, log_ratio, q), q).sum(1)


@loss(
    title=Text("Distillation", "知识蒸馏损失"),
    task="distillation",
    shapes="n C *s, n C *s -> n *s",
    student=CLASS_LOGITS,
    teacher=CLASS_LOGITS,
    constant=("teacher",),
    shifts="student, teacher",
    formula=r"T^2 \sum_c q_c (\log q_c - \log p_c),\ q = \operatorname{softmax}(t / T),\ "
    r"p = \operatorname{softmax}(s / T)",
    source="Hinton et al. 2015, arXiv:1503.02531",
    elicits="distribution of the teacher",
    activation="softmax",
    traits={"convex", "smooth", "bounded gradient"},
    aliases={"knowledge_distillation": {}, "kd": {}, "kd_loss": {}},
    differences=(
        (
            "Usual code has torch's KLDivLoss take batchmean, which is the mean here; with its default mean the number "
            "is C times smaller."
        ),
        "Cross-entropy to the true labels is a term of its own: distillation_kl + 0.1*cross_entropy.",
    ),
    cases=[
        case(student=[[0.0, 0.0]], teacher=[[0.0, 0.0]], gives=[0.0]),
        case(student=[[0.0, 0.0]], teacher=[[1000.0, 0.0]], gives=[0.6931471805599453], params={"temperature": 1.0}),
        case(student=[[0.0, 0.0]], teacher=[[4000.0, 0.0]], gives=[16 * 0.6931471805599453]),
    ],
    pytorch=lambda params: """\
{start}q = F.log_softmax(teacher / {temperature}, 1)
p = F.log_softmax(student / {temperature}, 1)
return {temperature} ** 2 * (q.exp() * (q - p)).sum(1).mean()""".format(
        start="" if params["from_logits"] else "teacher, student = teacher.log(), student.log()\n",
        temperature=params["temperature"],
    ),
)
def distillation_kl(
    student: Tensor,
    teacher: Tensor,
    *,
    temperature: Annotated[
        float, Field(gt=0, le=1e6, description="What logits are divided by: higher lets small probabilities teach.")
    ] = 4.0,
    from_logits: FromLogits = True,
) -> Tensor:
    """Return KL(teacher || student) at temperature T, times T^2, which keeps the gradient's scale independent of T."""
    taught, learnt = ((x if from_logits else terms.log(x)) / temperature for x in (teacher, student))
    log_q, log_p = log_softmax(terms.centred(taught)), log_softmax(terms.centred(learnt))
    q, p = log_q.exp(), log_p.exp()
    log_ratio = _log_ratio(_score_differences(taught, learnt), log_q, log_p)
    positive = q > 0
    return temperature * (temperature * torch.where(positive, _kl_terms(q, log_ratio.where(positive, 0), p), p).sum(1))


def _kl_terms(q: Tensor, log_ratio: Tensor, p: Tensor) -> Tensor:
    """Return q log(q / p) - q + p, never below 0, in a form that does not cancel where q and p are close."""
    near = log_ratio > -1
    return torch.where(near, q * excess(log_ratio.where(near, 0)), q * log_ratio.where(~near, 0) - q + p)


def _score_differences(first: Tensor, second: Tensor) -> Tensor:
    """Return the difference of two rows of scores, up to a constant for each row; infinite where a score is.

    Where the rows are close to one another the scores are subtracted as they are. Where they differ by more than the
    scores within a row do, the largest score of each is subtracted first, so that fewer digits are lost.
    """
    if not first.numel():
        return first - second
    first_centred, second_centred = terms.centred(first), terms.centred(second)
    distance, spread = (first - second).detach().abs(), first_centred.detach().abs()
    near = distance.amax(1, keepdim=True) <= spread.amax(1, keepdim=True)
    return torch.where(near, first - second, first_centred - second_centred).where(
        first.isfinite() & second.isfinite(), math.inf
    )


def _log_ratio(differences: Tensor, log_q: Tensor, log_p: Tensor) -> Tensor:
    """Return log(q / p) of two softmaxes, from the differences of their scores unless those are large.

    The two logarithms may agree in nearly all of their digits, which the differences of scores do not lose.

    Shapes: differences, log_q, log_p and result (n, C).
    """
    if not differences.numel():
        return differences
    differences = differences - differences.detach().gather(1, log_p.detach().argmax(1, keepdim=True)).nan_to_num()
    close = (differences.abs() < FAR).all(1, keepdim=True)
    differences = differences.where(close, 0)
    together = (log_p.exp() * expm1(differences)).sum(1, keepdim=True).log1p()
    return torch.where(close, differences - together, log_q.where(~close, 0) - log_p.where(~close, 0))
