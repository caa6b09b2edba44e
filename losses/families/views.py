"""Losses on two embeddings of every item of a batch."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import GROUPS, LABELS, REAL
from losses.contract.loss import Items, Value, case
from losses.contract.registry import loss
from losses.contract.work import Work
from losses.mathematics import terms
from losses.mathematics.saturating import log_softmax
from losses.text import Text

Normalize = Annotated[
    bool, Field(description="Embeddings are brought to length 1 first, so that products are cosines.")
]


def _similarities(params: dict[str, Value]) -> str:
    """Return the snippet's expression of the dot products of all pairs."""
    if params["normalize"]:
        return "F.normalize(first, eps=0) @ F.normalize(second, eps=0).T"
    return "first @ second.T"


def _cross_entropy_to_shares(first: Tensor, second: Tensor, share: Tensor, *, normalize: bool) -> Items:
    """Return the cross-entropy of every row of similarities with targets in proportion to `share`.

    Rows without a positive do not count.

    Shapes: first and second (n, D), share (n, n), result (n).
    """
    log_p = terms.class_log_probabilities(terms.similarities(first, second, normalize=normalize), from_logits=True)
    total = share.sum(1)
    value = -(share * log_p).sum(1) / total.where(total > 0, 1)
    return Items(value, (total > 0).to(value.dtype))


@loss(
    title=Text("N-pairs loss", "N 对损失"),
    task="similarity",
    shapes="n D, n D, n -> ",
    work=Work(holds="4 n n", steps="15 n n + 0.1 n n D"),
    elements="n",
    kind="batch",
    first=REAL,
    second=REAL,
    targets=GROUPS,
    formula=r"-\frac{1}{|P(i)|} \sum_{y_p = y_i} \log \frac{e^{a_i \cdot b_p}}{\sum_k e^{a_i \cdot b_k}}",
    source="Sohn 2016, Improved deep metric learning with multi-class N-pair loss objective, NIPS",
    elicits="similarity",
    traits={"smooth"},
    aliases={"npairs": {}, "npairs_loss": {}, "NpairsLoss": {}, "NPairsLoss": {"normalize": True}},
    differences=(
        "TensorFlow Addons takes the matrix of similarities, which is first with the identity as second.",
        "The penalty on the squared length of the embeddings in the paper is left out; mse against zeros says it.",
    ),
    cases=[
        case(first=[[3.0, 1.0]], second=[[2.0, 0.0]], targets=[7], gives=0.0),
        case(
            first=[[2.0, 0.0], [0.0, 2.0]],
            second=[[1.0, 0.0], [0.0, 1.0]],
            targets=[0, 1],
            gives=math.log1p(math.exp(-2)),
        ),
    ],
    pytorch=lambda params: (
        f"""\
share = (targets[:, None] == targets).to(first.dtype)
s = {_similarities(params)}
return F.cross_entropy(s, share / share.sum(1, keepdim=True))"""
    ),
)
def n_pairs(first: Tensor, second: Tensor, targets: Tensor, *, normalize: Normalize = False) -> Items:
    """Return the N-pairs loss: cross-entropy of the similarities of each row of `first` with the rows of `second`.

    The positives of a row are the rows of `second` with the same label.
    """
    share = (targets[:, None] == targets).to(first.dtype)
    return _cross_entropy_to_shares(first, second, share, normalize=normalize)


@loss(
    title=Text("N-pairs loss with several labels an item", "每项多标签的 N 对损失"),
    task="similarity",
    shapes="n D, n D, n K -> ",
    work=Work(holds="4 n n", steps="15 n n + 0.1 n n D + 0.1 n n K"),
    elements="n",
    kind="batch",
    first=REAL,
    second=REAL,
    targets=LABELS,
    formula=r"-\sum_p w_{ip} \log \frac{e^{a_i \cdot b_p}}{\sum_k e^{a_i \cdot b_k}},\ "
    r"w_{ip} = \frac{y_i \cdot y_p}{\sum_k y_i \cdot y_k}",
    source="Sohn 2016; several labels as in TensorFlow Addons",
    elicits="similarity",
    traits={"smooth"},
    aliases={"npairs_multilabel": {}, "npairs_multilabel_loss": {}, "NpairsMultilabelLoss": {}},
    differences=("An item without labels is no anchor; TensorFlow Addons divides 0 by 0 there.",),
    cases=[
        case(
            first=[[2.0, 0.0], [0.0, 2.0]],
            second=[[1.0, 0.0], [0.0, 1.0]],
            targets=[[1.0, 0.0], [1.0, 1.0]],
            gives=math.log1p(math.exp(-2)) + 5 / 6,
        ),
        case(first=[[1.0]], second=[[1.0]], targets=[[1.0]], gives=0.0),
    ],
    pytorch=lambda params: (
        f"""\
share = targets @ targets.T
s = {_similarities(params)}
some = share.sum(1) > 0
return F.cross_entropy(s[some], share[some] / share[some].sum(1, keepdim=True))"""
    ),
)
def n_pairs_multilabel(first: Tensor, second: Tensor, targets: Tensor, *, normalize: Normalize = False) -> Items:
    """Return the N-pairs loss with positives in proportion to the number of labels in common."""
    return _cross_entropy_to_shares(first, second, targets @ targets.T, normalize=normalize)


def _info_nce_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    rows = "F.cross_entropy(s, torch.arange(len(s)))"
    both = f"({rows} + {rows.replace('(s,', '(s.T,')}) / 2" if params["symmetric"] else rows
    return f"s = {_similarities(params)} / {params['temperature']}\nreturn {both}"


@loss(
    title=Text("InfoNCE of two towers", "双塔 InfoNCE 损失"),
    task="similarity",
    shapes="n D, n D -> ",
    work=Work(holds="6 n n", graph="3 n n", steps="15 n n + 0.1 n n D"),
    elements="n",
    kind="batch",
    first=REAL,
    second=REAL,
    formula=r"-\tfrac{1}{2} \log \frac{e^{s_{ii} / \tau}}{\sum_k e^{s_{ik} / \tau}} "
    r"- \tfrac{1}{2} \log \frac{e^{s_{ii} / \tau}}{\sum_k e^{s_{ki} / \tau}}",
    source="van den Oord et al. 2018, arXiv:1807.03748; both directions: Radford et al. 2021, arXiv:2103.00020",
    elicits="pointwise mutual information",
    traits={"smooth", "bounded gradient"},
    aliases={
        "clip": {},
        "CLIPLoss": {},
        "MultipleNegativesRankingLoss": {"symmetric": False, "temperature": 0.05},
    },
    differences=(
        "nt_xent also compares every view with the others of its own tower.",
        "CLIP learns its temperature; the sum here is for one that is given.",
    ),
    cases=[
        case(first=[[1.0, 0.0]], second=[[0.0, 1.0]], gives=0.0),
        case(
            first=[[2.0, 0.0], [0.0, 2.0]],
            second=[[1.0, 0.0], [1.0, 0.0]],
            gives=math.log(2) / 2 + math.log1p(math.exp(-2)) / 2 + 1 / 2,
            params={"temperature": 0.5},
        ),
        case(
            first=[[2.0, 0.0], [0.0, 2.0]],
            second=[[1.0, 0.0], [1.0, 0.0]],
            gives=math.log(2),
            params={"symmetric": False},
        ),
    ],
    pytorch=_info_nce_code,
)
def info_nce(
    first: Tensor,
    second: Tensor,
    *,
    temperature: Annotated[
        float, Field(gt=0, description="What similarities are divided by; small looks at hard ones.")
    ] = 0.07,
    symmetric: Annotated[bool, Field(description="Ask both ways; false: only which second belongs to a first.")] = True,
    normalize: Normalize = True,
) -> Tensor:
    """Return the InfoNCE loss: each embedding in `first` should be most similar to its partner in `second`.

    With `symmetric`, the same holds the other way round.
    """
    products = terms.similarities(first, second, normalize=normalize)
    ways = [products, products.T] if symmetric else [products]
    log_p = [log_softmax(terms.centred(way) / temperature).diagonal() for way in ways]
    return -torch.stack(log_p).mean(0)


@loss(
    title=Text("Barlow Twins", "Barlow Twins 去冗余损失"),
    task="similarity",
    shapes="n D, n D -> ",
    work=Work(holds="4 D D", graph="4 D D", steps="25 D D + 0.1 n D D"),
    elements="n",
    kind="batch",
    first=REAL,
    second=REAL,
    shifts="first, second",
    formula=r"\sum_i (1 - C_{ii})^2 + \lambda \sum_{i \ne j} C_{ij}^2,\ "
    r"C = \tfrac{1}{n} \hat Z_1^\top \hat Z_2",
    source="Zbontar et al. 2021, arXiv:2103.03230",
    elicits="decorrelated features",
    traits={"smooth"},
    aliases={"BarlowTwinsLoss": {}},
    conventions={"monai": {"correction": 1, "eps": 1e-12}},
    differences=(
        "MONAI takes the variance over n - 1 and the mean over n, so that even equal views cost something.",
        "MONAI adds 1e-6 to the standard deviation where the preset adds 1e-12 to the variance.",
        "A single item has no correlation and no value.",
    ),
    cases=[
        case(
            first=[[1.0, 5.0], [-1.0, 5.0]],
            second=[[2.0, 7.0], [-2.0, 8.0]],
            gives=1.0 + 0.005 * 1.0,
            params={"eps": 0.0},
        ),
        case(first=[[1.0], [-1.0]], second=[[3.0], [2.0]], gives=0.25, params={"eps": 0.0, "correction": 1}),
    ],
    pytorch=lambda params: (
        f"""\
def standard(z):
    return (z - z.mean(0)) / (z.var(0, correction={params["correction"]}) + {params["eps"]}).sqrt()

c = standard(first).T @ standard(second) / len(first)
off = (c**2).sum() - (c.diagonal() ** 2).sum()
return ((1 - c.diagonal()) ** 2).sum() + {params["weight"]} * off"""
    ),
)
def barlow_twins(
    first: Tensor,
    second: Tensor,
    *,
    weight: Annotated[float, Field(ge=0, description="What correlations between different features count.")] = 0.005,
    eps: Annotated[float, Field(ge=0, description="Added to the variance of every feature.")] = 1e-5,
    correction: Annotated[
        Literal[0, 1], Field(description="The variance is divided by n minus this; 0 is batch normalisation.")
    ] = 0,
) -> Items:
    """Return the Barlow Twins loss: the squared distance of the features' cross-correlation from the identity matrix.

    A feature that is constant over the batch has correlation 0.
    """
    correlation = _standard(first, eps, correction).T @ _standard(second, eps, correction) / max(len(first), 1)
    same = terms.diagonal(correlation)
    value = torch.where(same, (1 - correlation).square(), weight * correlation.square()).sum()
    has_pairs = value.new_tensor(len(first) > 1)
    return Items(value * has_pairs, has_pairs)


def _standard(x: Tensor, eps: float, correction: int) -> Tensor:
    """Return the features standardised over the batch: minus their mean, divided by their standard deviation.

    The first row is subtracted and the largest entry factored out before, so that means far from 0 lose no digits and
    squares stay within the range of the dtype.
    """
    if not len(x):
        return x
    shifted = x - x[:1].detach()
    largest = shifted.detach().abs().amax(0)
    scale = largest.where(largest > 0, 1)
    centred = shifted / scale - (shifted / scale).mean(0)
    variance = centred.square().sum(0) / max(len(x) - correction, 1) + eps / scale / scale
    return centred / variance.where(variance > 0, 1).sqrt()
