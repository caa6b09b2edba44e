"""Ranking losses built on discounted cumulative gain (NDCG)."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import REAL, RELEVANCES
from losses.contract.loss import Items, Value, case
from losses.contract.registry import loss
from losses.contract.work import Work
from losses.errors import BadOption
from losses.mathematics import terms
from losses.mathematics.saturating import sigmoid
from losses.text import Text

Gain = Annotated[Literal["exponential", "linear"], Field(description="What a relevance of y is worth: 2^y - 1, or y.")]


MASK = "Padding is a mask (n, L) here and a target of -1 in allRank; an item cannot count as a part or as several."


def _present_items(predictions: Tensor, weights: Tensor | None) -> Tensor:
    """Return a mask of the items that each list has; weights of items must be 0 or 1.

    Shapes: predictions and weights (n, L), result (n, L).

    Raises: BadOption for other weights, since an item has exactly one rank in its list.
    """
    if weights is None:
        return torch.ones_like(predictions, dtype=torch.bool)
    w = weights.to(predictions.dtype)
    if bool(((w != 0) & (w != 1)).any()):
        raise BadOption(
            "weights",
            Text(
                "An item has one place in its list; weigh whole lists (n), or send a mask (n, L).",
                "每一项在列表中只有一个位置;请对整个列表 (n) 加权,或发送掩码 (n, L)。",
            ),
        )
    return w > 0


def _discount(gains: Tensor) -> Tensor:
    """Return the discount log2(1 + rank) of the ranks 1 to L, shape (L)."""
    return torch.arange(2, gains.shape[1] + 2, dtype=gains.dtype, device=gains.device).log2()


def _gains(targets: Tensor, kept: Tensor, gain: str, k: int | None) -> Tensor:
    """Return the gain of every item divided by the ideal DCG of its list; 0 where masked, or where nothing is relevant.

    Gains are computed relative to the largest of the list, since powers of 2 could overflow.

    Shapes: targets, kept and result (n, L).
    """
    relevance = targets.where(kept, 0)
    largest = relevance.amax(1, keepdim=True)
    if gain == "exponential":
        gains = torch.exp2(relevance - largest) * -torch.expm1(-relevance * math.log(2))
    else:
        gains = relevance / largest.where(largest > 0, 1)
    best = (gains.sort(1, descending=True).values / _discount(gains))[:, :k].sum(1, keepdim=True)
    return gains / best.where(best > 0, 1)


def _gains_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    k = "" if params.get("k") is None else f"[:, :{params['k']}]"
    return f"""\
gains = {"2**targets - 1" if params["gain"] == "exponential" else "targets"}
discount = torch.arange(2, gains.shape[1] + 2, dtype=gains.dtype).log2()
best = (gains.sort(1, descending=True).values / discount){k}.sum(1, keepdim=True)
"""


@loss(
    title=Text("Approximate NDCG", "近似 NDCG 损失"),
    task="ranking",
    shapes="n L, n L -> n",
    work=Work(holds="4 n L L", steps="15 n L L"),
    elements="n L",
    nothing_counts="no list has an item of a relevance above 0",
    predictions=REAL,
    targets=RELEVANCES,
    shifts="predictions",
    formula=r"-\frac{1}{\mathrm{DCG}^*} \sum_i \frac{2^{y_i} - 1}{\log_2(1 + r_i)},\ "
    r"r_i = 1 + \sum_{j \ne i} \sigma(\alpha (s_j - s_i))",
    source="Qin et al. 2010, doi:10.1007/s10791-009-9124-x; Bruch et al. 2019, doi:10.1145/3331184.3331347",
    elicits="order",
    traits={"smooth", "bounded gradient"},
    aliases={"approxndcg": {}, "approxNDCGLoss": {}, "approx_ndcg_loss": {}, "ApproxNDCGLoss": {"alpha": 10.0}},
    differences=(
        "TF-Ranking divides scores by a temperature of 0.1, which is alpha=10.",
        "A list without relevant items has no NDCG and does not count.",
        MASK,
    ),
    cases=[
        case(predictions=[[0.5, 0.3, 0.5]], targets=[[0.5, 0.3, 0.5]], gives=[-0.8499219807680658]),
        case(predictions=[[3.0]], targets=[[2.0]], gives=[-1.0]),
        case(
            predictions=[[1000.0, 0.0], [0.0, 1000.0]],
            targets=[[1.0, 0.0], [1.0, 0.0]],
            gives=[-1.0, -0.6309297535714575],
            params={"gain": "linear"},
        ),
    ],
    pytorch=lambda params: (
        f"""\
{_gains_code(params)}behind = predictions[:, None, :] - predictions[:, :, None]
rank = 0.5 + torch.sigmoid({params["alpha"]} * behind).sum(2)
some = best[:, 0] > 0
return -((gains / (1 + rank).log2()).sum(1)[some] / best[some, 0]).mean()"""
    ),
)
def approx_ndcg(
    predictions: Tensor,
    targets: Tensor,
    *,
    alpha: Annotated[float, Field(gt=0, description="How sharply one score counts as ahead of another.")] = 1.0,
    gain: Gain = "exponential",
    weights: Tensor | None = None,
) -> Items:
    """Return minus an approximation of NDCG in which sums of sigmoids replace ranks; -1 is a perfect order.

    Raises: BadOption for weights (n, L) other than 0 and 1.
    """
    kept = _present_items(predictions, weights)
    gains = _gains(targets, kept, gain, None)
    behind = sigmoid(alpha * (predictions[:, None, :] - predictions[:, :, None]))
    others = kept[:, None, :] & ~terms.diagonal(kept.T)  # no item is behind itself, by a slope that hides all others
    rank = 1 + (others * behind).sum(2)
    value = -(gains / (1 + rank).log2()).sum(1)
    return Items(value, (gains > 0).any(1).to(value.dtype))


def _lambda_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    scheme, k = str(params["scheme"]), params["k"]
    top = "" if k is None else f"\npairs[:, {k}:] = pairs[:, :, {k}:] = False"
    logarithm = f" / {math.log(2)}" if params["log"] == "binary" else ""
    steps = "place = torch.arange(len(discount), dtype=discount.dtype)\napart = (place[:, None] - place).abs()\n"
    rho = "(1 / (1 + apart).log2() - 1 / (2 + apart).log2()).masked_fill(apart == 0, 0)"
    gap = "(1 / discount[:, None] - 1 / discount).abs()"
    between = "(gains[:, :, None] - gains[:, None, :]).abs()"
    weight = {
        "ndcg1": "(gains / discount)[:, :, None]",
        "ndcg2": f"{rho} * {between}",
        "lambdarank": f"{gap} * {between}",
        "ndcg2pp": f"({params['mu']} * {rho} + {gap}) * {between}",
    }[scheme]
    better = "torch.ones_like(ahead, dtype=torch.bool)" if scheme == "ndcg1" else "y[:, :, None] > y[:, None, :]"
    return f"""\
{_gains_code(params)}order = predictions.argsort(stable=True, dim=1, descending=True)
s, y, gains = (each.gather(1, order) for each in (predictions, targets, gains / best.where(best > 0, 1)))
ahead = s[:, :, None] - s[:, None, :]
pairs = {better}{top}
{steps if "ndcg2" in scheme else ""}weight = {weight}
cost = -weight * F.logsigmoid({params["sigma"]} * ahead)
return (cost * pairs).sum((1, 2)).mean(){logarithm}"""


@loss(
    title=Text("LambdaLoss for NDCG", "面向 NDCG 的 LambdaLoss"),
    task="ranking",
    shapes="n L, n L -> n",
    work=Work(holds="7 n L L", steps="100 n L L"),
    elements="n L",
    predictions=REAL,
    targets=RELEVANCES,
    shifts="predictions",
    formula=r"-\sum_{y_i > y_j} \delta_{ij} |G_i - G_j| \log_2 \sigma(\sigma_0 (s_i - s_j)),\ "
    r"\delta_{ij} = \left| \tfrac{1}{D_{|i-j|}} - \tfrac{1}{D_{|i-j|+1}} \right|",
    source="Wang et al. 2018, doi:10.1145/3269206.3271784; lambdarank: Burges 2010, MSR-TR-2010-82",
    elicits="order",
    traits={"bounded gradient"},
    aliases={
        "lambda_ndcg2": {},
        "lambdaLoss": {},
        "ndcgLoss1": {"scheme": "ndcg1"},
        "ndcgLoss2": {},
        "ndcgLoss2PP": {"scheme": "ndcg2pp"},
        "lambda_ndcg1": {"scheme": "ndcg1"},
        "lambda_ndcg2pp": {"scheme": "ndcg2pp"},
        "lambdarank": {"scheme": "lambdarank"},
        "lambdaRank": {"scheme": "lambdarank"},
    },
    differences=(
        "As in allRank, ndcg1 also counts pairs of equal relevance and each item with itself.",
        "allRank bounds each probability from below by 1e-10, where the slope then ends; here it does not.",
        "allRank sums over all lists, which is reduction=sum; its mean is over pairs.",
        MASK,
    ),
    cases=[
        case(
            predictions=[[0.5, 0.3, 0.5]],
            targets=[[0.5, 0.3, 0.5]],
            gives=[1.1244146413258178],
            params={"scheme": "ndcg2pp"},
        ),
        case(
            predictions=[[0.5, 0.3, 0.5]],
            targets=[[0.5, 0.3, 0.5]],
            gives=[2.9272112015722693],
            params={"scheme": "ndcg1"},
        ),
        case(predictions=[[0.0, 0.0]], targets=[[1.0, 0.0]], gives=[0.3690702464285425]),
        case(predictions=[[0.0, 0.0]], targets=[[1.0, 1.0]], gives=[0.0], params={"scheme": "lambdarank", "k": 1}),
    ],
    pytorch=_lambda_code,
)
def lambda_loss(
    predictions: Tensor,
    targets: Tensor,
    *,
    scheme: Annotated[
        Literal["ndcg2", "ndcg2pp", "ndcg1", "lambdarank"],
        Field(description="The bound on NDCG that weighs the pairs; ndcg2pp is mu times ndcg2 plus lambdarank."),
    ] = "ndcg2",
    sigma: Annotated[float, Field(gt=0, description="How steeply a difference of scores becomes a probability.")] = 1.0,
    mu: Annotated[float, Field(ge=0, description="What ndcg2 counts in ndcg2pp.")] = 10.0,
    k: Annotated[
        int | None, Field(ge=1, le=100_000, description="Only pairs among this many places, by score, count.")
    ] = None,
    log: Annotated[Literal["binary", "natural"], Field(description="The base of the logarithm, 2 or e.")] = "binary",
    gain: Gain = "exponential",
    weights: Tensor | None = None,
) -> Items:
    """Return the pairwise logistic loss of each list, with pairs weighted by how much a swap changes NDCG.

    Ranks follow the scores, ties in the order sent; no gradient flows through the weights of pairs.

    Raises: BadOption for weights (n, L) other than 0 and 1.
    """
    kept = _present_items(predictions, weights)
    order = predictions.detach().where(kept, -math.inf).argsort(stable=True, dim=1, descending=True)
    ranked = (predictions, targets, kept, _gains(targets, kept, gain, k))
    scores, relevance, kept, gains = (each.gather(1, order) for each in ranked)
    pairs = kept[:, :, None] & kept[:, None, :]
    if scheme != "ndcg1":
        pairs = pairs & (relevance[:, :, None] > relevance[:, None, :])
    if k is not None:
        top = torch.arange(gains.shape[1], device=gains.device) < k
        pairs = pairs & top[:, None] & top
    ahead = scores[:, :, None] - scores[:, None, :]
    cost = terms.times(pairs * _pair_weights(gains, scheme, mu), terms.softplus(-sigma * ahead)).sum((1, 2))
    return Items(cost / math.log(2) if log == "binary" else cost, kept.any(1).to(cost.dtype))


def _pair_weights(gains: Tensor, scheme: str, mu: float) -> Tensor:
    """Return the weight of every pair of ranks under a weighing scheme, shape (n, L, L); items are sorted by score."""
    discount = _discount(gains)
    if scheme == "ndcg1":
        return (gains / discount).unsqueeze(2)
    rank = torch.arange(1, gains.shape[1] + 1, dtype=gains.dtype, device=gains.device)
    distance = (rank[:, None] - rank).abs().clamp(min=1)  # no item is better than itself
    rho = 1 / (1 + distance).log2() - 1 / (2 + distance).log2()
    gap = (1 / discount[:, None] - 1 / discount).abs()
    between = (gains[:, :, None] - gains[:, None, :]).abs()
    return {"ndcg2": rho, "lambdarank": gap, "ndcg2pp": mu * rho + gap}[scheme] * between
