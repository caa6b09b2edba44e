"""Pairwise and listwise ranking losses."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import GRADES, REAL, SIGNS
from losses.contract.loss import Items, Value, case
from losses.contract.registry import loss
from losses.contract.work import Work
from losses.mathematics import terms
from losses.mathematics.saturating import log_softmax
from losses.text import Text


@loss(
    title=Text("Margin ranking loss", "间隔排序损失"),
    task="ranking",
    shapes="*n, *n, *n -> *n",
    first=REAL,
    second=REAL,
    targets=SIGNS,
    shifts="first second",
    formula=r"\max(0,\ -y (a - b) + m)",
    source="torch.nn.MarginRankingLoss; Herbrich et al. 2000",
    elicits="order",
    traits={"margin", "convex", "bounded gradient"},
    aliases={"MarginRankingLoss": {}, "margin_ranking_loss": {}},
    conventions={"torch": {}},
    differences=("torch takes any number as a label; here one that is neither -1 nor 1 is refused.",),
    cases=[
        case(first=[1.0, 2.0, 0.3], second=[2.0, 1.0, 0.3], targets=[1.0, 1.0, -1.0], gives=[1.0, 0.0, 0.0]),
        case(first=[1.0, 0.3], second=[2.0, 0.3], targets=[1.0, -1.0], gives=[1.5, 0.5], params={"margin": 0.5}),
    ],
    pytorch="return F.margin_ranking_loss(first, second, targets, margin={margin})",
)
def margin_ranking(
    first: Tensor,
    second: Tensor,
    targets: Tensor,
    *,
    margin: Annotated[float, Field(ge=0, description="How much higher the better score must be.")] = 0.0,
) -> Tensor:
    """Return the hinge loss of score differences; targets are 1 where the first should score higher, -1 otherwise."""
    return (margin - targets * (first - second)).clamp(min=0)


def _ranknet_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    end = "cost.mean()" if params["normalize"] == "pairs" else "cost.sum() / len(targets)"
    return f"""\
better = targets[:, :, None] > targets[:, None, :]
ahead = predictions[:, :, None] - predictions[:, None, :]
cost = -F.logsigmoid({params["sigma"]} * ahead)[better]
return {end}"""


@loss(
    title=Text("RankNet", "RankNet 成对排序损失"),
    task="ranking",
    shapes="n L, n L -> n",
    work=Work(holds="7 n L L", steps="40 n L L"),
    elements="n L",
    nothing_counts="no list has two items of different targets",
    predictions=REAL,
    targets=GRADES,
    shifts="predictions, targets",
    formula=r"\sum_{y_i > y_j} \log(1 + e^{-\sigma (s_i - s_j)})",
    source="Burges et al. 2005, doi:10.1145/1102351.1102363",
    elicits="order",
    traits={"convex", "smooth", "bounded gradient"},
    aliases={
        "rank_net": {},
        "pairwise_logistic": {},
    },
    differences=(
        "allRank marks padding by a target of -1; here a mask (n, L) does, and any number may be a target.",
        "allRank's lambdaLoss with rankNet is the sum over all lists: normalize=lists and reduction=sum.",
    ),
    cases=[
        case(predictions=[[0.5, 0.2]], targets=[[1.0, 0.0]], gives=[0.5543552444685271]),
        case(predictions=[[0.5, 0.2, 7.0], [1.0, 2.0, 3.0]], targets=[[1.0] * 3, [0.0] * 3], gives=[0.0, 0.0]),
        case(
            predictions=[[0.0, 0.0, 0.0]],
            targets=[[2.0, 1.0, 0.0]],
            gives=[3 * 0.6931471805599453],
            params={"normalize": "lists"},
        ),
    ],
    pytorch=_ranknet_code,
)
def ranknet(
    predictions: Tensor,
    targets: Tensor,
    *,
    sigma: Annotated[float, Field(gt=0, description="How steeply a difference of scores becomes a probability.")] = 1.0,
    normalize: Annotated[
        Literal["pairs", "lists"], Field(description="The mean counts pairs, as allRank does, or lists.")
    ] = "pairs",
    weights: Tensor | None = None,
) -> Items:
    """Return the logistic loss of the score differences of all pairs of each list.

    Items with equal targets form no pair. With normalize=pairs a list weighs as much as it has pairs; without any it
    does not count.
    """
    w = terms.weights_or_ones(predictions, weights)
    pairs = w[:, :, None] * w[:, None, :] * (targets[:, :, None] > targets[:, None, :])
    ahead = predictions[:, :, None] - predictions[:, None, :]
    value = terms.times(pairs, terms.softplus(-sigma * ahead)).sum((1, 2))
    counted = pairs.sum((1, 2)) if normalize == "pairs" else (w > 0).any(1).to(value.dtype)
    return Items(value, counted)


@loss(
    title=Text("ListNet", "ListNet 列表排序损失"),
    task="ranking",
    shapes="n L, n L -> n",
    work=Work(steps="40 n L"),
    elements="n L",
    predictions=REAL,
    targets=GRADES,
    shifts="predictions, targets",
    formula=r"-\sum_i \frac{e^{y_i}}{\sum_k e^{y_k}} \log \frac{e^{s_i}}{\sum_k e^{s_k}}",
    source="Cao et al. 2007, doi:10.1145/1273496.1273513",
    elicits="order",
    traits={"convex", "smooth", "bounded gradient"},
    aliases={"list_net": {}},
    differences=("allRank adds 1e-10 under the logarithm and marks padding by a target of -1; here a mask does.",),
    cases=[
        case(predictions=[[0.5, 0.2]], targets=[[1.0, 0.0]], gives=[0.6350376708795256]),
        case(predictions=[[7.0]], targets=[[3.0]], gives=[0.0]),
    ],
    pytorch="return F.cross_entropy(predictions, targets.softmax(1))",
)
def listnet(predictions: Tensor, targets: Tensor, *, weights: Tensor | None = None) -> Items:
    """Return the cross-entropy of softmax(predictions) with softmax(targets), the ListNet top-one loss."""
    w = terms.weights_or_ones(predictions, weights)
    return _list_cross_entropy((terms.centred(targets, w > 0) + _log(w)).softmax(1).where(w > 0, 0), predictions, w)


@loss(
    title=Text("Softmax ranking loss", "softmax 排序损失"),
    task="ranking",
    shapes="n L, n L -> n",
    elements="n L",
    predictions=REAL,
    targets=GRADES,
    shifts="predictions",
    formula=r"-\sum_i y_i \log \frac{e^{s_i}}{\sum_k e^{s_k}}",
    source="Bruch et al. 2019, doi:10.1145/3341981.3344221; Cao et al. 2007",
    elicits="order",
    traits={"convex", "smooth"},
    aliases={"ranking_softmax_loss": {}},
    conventions={"optax": {}},
    differences=(
        "A list without relevant items costs 0 and counts, as in optax.",
        "In optax the weight of an item multiplies its target alone; here it also counts in the sum of exponentials.",
    ),
    cases=[
        case(predictions=[[0.0, 3.0, 1.0, 2.0]], targets=[[0.0, 0.0, 1.0, 1.0]], gives=[3.8803793971223906]),
        case(predictions=[[0.0, 3.0]], targets=[[0.0, 0.0]], gives=[0.0]),
    ],
    elsewhere={
        "optax": "optax.losses.ranking_softmax_loss(predictions, targets)",
    },
    pytorch="return F.cross_entropy(predictions, targets)",
)
def ranking_softmax(predictions: Tensor, targets: Tensor, *, weights: Tensor | None = None) -> Items:
    """Return the cross-entropy of softmax(predictions) with the relevances, which are not normalised."""
    w = terms.weights_or_ones(predictions, weights)
    return _list_cross_entropy(w * targets, predictions, w)


def _list_cross_entropy(share: Tensor, predictions: Tensor, weights: Tensor) -> Items:
    """Return the cross-entropy of every list with target weights `share`; masked items are left out of the softmax.

    Shapes: share, predictions and weights (n, L), result (n).
    """
    scores, log_w = terms.centred(predictions, weights > 0), _log(weights)
    log_p = log_softmax(scores + log_w) - log_w.where(weights > 0, 0)
    value = -terms.times(share, log_p).sum(1)
    return Items(value, (weights > 0).any(1).to(value.dtype))


def _log(weights: Tensor) -> Tensor:
    """Return log w, -infinity where an item is masked.

    0 for a list that is masked entirely, so that its sums stay finite.
    """
    return terms.log(weights).where((weights > 0).any(1, keepdim=True), 0)


@loss(
    title=Text("ListMLE", "ListMLE 列表似然损失"),
    task="ranking",
    shapes="n L, n L -> n",
    work=Work(steps="350 n L"),
    elements="n L",
    predictions=REAL,
    targets=GRADES,
    shifts="predictions, targets",
    formula=r"\sum_i \log \sum_{y_k \le y_i} e^{s_k - s_i}",
    source="Xia et al. 2008, doi:10.1145/1390156.1390306; ties: Breslow 1974",
    elicits="order",
    traits={"convex", "smooth"},
    aliases={"listmle": {}, "plackett_luce": {}, "ListMLELoss": {}},
    differences=(
        "allRank and TF-Ranking break ties of the targets by a random shuffle, so that one input has many values.",
        "allRank marks padding by a target of -1; here a mask (n, L) does.",
    ),
    cases=[
        case(predictions=[[0.5, 0.3]], targets=[[1.0, 0.0]], gives=[0.5981388693815919]),
        case(predictions=[[0.0, 0.0, 0.0]], targets=[[2.0, 1.0, 0.0]], gives=[1.791759469228055]),
        case(predictions=[[0.0, 0.0, 0.0]], targets=[[1.0, 1.0, 1.0]], gives=[3.295836866004329]),
    ],
    pytorch="""\
not_better = targets[:, None, :] <= targets[:, :, None]
scores = predictions[:, None, :].expand(not_better.shape)
everyone = scores.masked_fill(~not_better, -torch.inf).logsumexp(2)
return (everyone - predictions).sum(1).mean()""",
)
def list_mle(predictions: Tensor, targets: Tensor, *, weights: Tensor | None = None) -> Items:
    """Return the negative Plackett-Luce log-likelihood of the order of the targets.

    Each of several tied items is compared with all items that are not better, so the order sent does not matter. Scores
    are sorted once and summed from the worst up, so that memory grows with the list and not with its pairs; in float64,
    since the sums may be far smaller than the best score's exponential.
    """
    w = terms.weights_or_ones(predictions, weights)
    worst_first = targets.where(w > 0, torch.inf).sort(1)
    scores = terms.centred(predictions, w > 0).double().gather(1, worst_first.indices)
    w = w.gather(1, worst_first.indices)
    up_to = torch.searchsorted(worst_first.values, worst_first.values, right=True) - 1
    everyone = (scores + _log(w)).logcumsumexp(1).gather(1, up_to)
    value = terms.times(w, everyone - scores).sum(1).to(predictions.dtype)
    return Items(value, (w > 0).any(1).to(value.dtype))
