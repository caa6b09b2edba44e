"""Losses for ordered classes."""

import torch
from torch import Tensor

from losses.contract.domains import CLASS_LOGITS, IDS, LOGITS, NON_NEGATIVE, RANKS
from losses.contract.loss import Items, Value, case
from losses.contract.parameters import FromLogits, IgnoreIndex
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.mathematics.probability_maps import corn_to_probability
from losses.mathematics.saturating import softmax
from losses.text import Text

LEVELS = "coral-pytorch takes the rank as levels of 0 and 1, one a threshold; their sum is the rank."


def _coral_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    name = "binary_cross_entropy_with_logits" if params["from_logits"] else "binary_cross_entropy"
    return f"""\
levels = (torch.arange(predictions.shape[1]) < targets[:, None]).to(predictions.dtype)
return F.{name}(predictions, levels, reduction="none").sum(1).mean()"""


@loss(
    title=Text("CORAL, cumulative thresholds", "CORAL 累积阈值有序损失"),
    task="ordinal",
    shapes="n K, n, K -> n",
    predictions=LOGITS,
    targets=RANKS,
    importance_weights=NON_NEGATIVE,
    formula=r"\sum_k -\lambda_k \left([y > k] \log \sigma(z_k) + [y \le k] \log(1 - \sigma(z_k))\right)",
    source="Cao, Mirjalili & Raschka 2020, arXiv:1901.07884",
    elicits="probability of exceeding each threshold",
    activation="sigmoid, one score and a bias a threshold",
    traits={"convex", "smooth", "proper", "bounded gradient"},
    aliases={"coral_loss": {}, "CoralLoss": {}, "cumulative_link": {}},
    differences=(LEVELS,),
    cases=[
        case(predictions=[[0.0, 0.0]], targets=[1], gives=[1.3862943611198906]),
        case(predictions=[[1000.0, -1000.0], [1000.0, -1000.0]], targets=[1, 0], gives=[0.0, 1000.0]),
        case(predictions=[[0.5]], targets=[1], gives=[0.6931471805599453], params={"from_logits": False}),
    ],
    pytorch=_coral_code,
)
def coral(
    predictions: Tensor,
    targets: Tensor,
    importance_weights: Tensor | None = None,
    *,
    from_logits: FromLogits = True,
) -> Tensor:
    """Return the weighted sum over thresholds of the binary cross-entropy of "the rank exceeds the threshold"."""
    yes, no = terms.log_probabilities(predictions, from_logits=from_logits)
    value = torch.where(_beyond(predictions, targets), -yes, -no)
    return value.sum(1) if importance_weights is None else terms.times(importance_weights, value).sum(1)


def _corn_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    name = "binary_cross_entropy_with_logits" if params["from_logits"] else "binary_cross_entropy"
    return f"""\
ranks = torch.arange(predictions.shape[1])
asked, levels = ranks <= targets[:, None], (ranks < targets[:, None]).to(predictions.dtype)
return F.{name}(predictions[asked], levels[asked])"""


@loss(
    title=Text("CORN, conditional thresholds", "CORN 条件阈值有序损失"),
    task="ordinal",
    shapes="n K, n -> n",
    predictions=LOGITS,
    targets=RANKS,
    formula=r"\sum_{k \le y} -[y > k] \log \sigma(z_k) - [y = k] \log(1 - \sigma(z_k))",
    source="Shi, Cao & Raschka 2021, arXiv:2111.08851",
    elicits="probability of exceeding a threshold, given the one before",
    probability=corn_to_probability,
    activation="sigmoid",
    traits={"convex", "smooth", "proper", "bounded gradient"},
    aliases={"corn_loss": {}, "CornLoss": {}},
    differences=("coral-pytorch asks for the number of classes, which is one more than the columns here.",),
    cases=[
        case(predictions=[[0.0, 0.0], [0.0, 0.0]], targets=[0, 2], gives=[0.6931471805599453, 1.3862943611198906]),
        case(predictions=[[-1000.0, 1000.0]], targets=[0], gives=[0.0]),
    ],
    pytorch=_corn_code,
)
def corn(predictions: Tensor, targets: Tensor, *, from_logits: FromLogits = True) -> Items:
    """Return the binary cross-entropy of "the rank exceeds the threshold" over the thresholds up to the item's rank.

    The weight of an item is the number of those thresholds.
    """
    yes, no = terms.log_probabilities(predictions, from_logits=from_logits)
    beyond = _beyond(predictions, targets)
    asked = torch.arange(predictions.shape[1], device=targets.device) <= targets.unsqueeze(1)
    value = torch.where(beyond, -yes, -no).where(asked, 0)
    return Items(value.sum(1), asked.sum(1).to(value.dtype))


def _emd_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    return f"""\
kept = targets != {params["ignore_index"]}
p = predictions{".softmax(1)" if params["from_logits"] else ""}
label = F.one_hot(targets.where(kept, 0), p.shape[1]).movedim(-1, 1)
return (p - label).cumsum(1).square().sum(1)[kept].mean()"""


@loss(
    title=Text("Squared earth mover's distance", "平方推土机距离(EMD)"),
    task="ordinal",
    shapes="n C *s, n *s -> n *s",
    predictions=CLASS_LOGITS,
    targets=IDS,
    shifts="predictions",
    formula=r"\sum_c \left(\sum_{k \le c} p_k - [y \le c]\right)^2,\ p = \operatorname{softmax}(z)",
    source="Hou, Yu & Samaras 2016, arXiv:1611.05916; Epstein 1969",
    elicits="probability",
    activation="softmax",
    traits={"proper", "smooth", "robust", "bounded gradient"},
    aliases={
        "emd2": {},
        "squared_emd": {},
        "ranked_probability_score": {"from_logits": False},
        "rps": {"from_logits": False},
    },
    differences=("Some divide by the number of classes, and NIMA also takes the root; here it is the sum of squares.",),
    cases=[
        case(
            predictions=[[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]],
            targets=[0, 0],
            gives=[2.0, 1.0],
            params={"from_logits": False},
        ),
        case(predictions=[[0.0, 0.0]], targets=[1], gives=[0.25]),
    ],
    pytorch=_emd_code,
)
def ordinal_emd2(
    predictions: Tensor,
    targets: Tensor,
    *,
    ignore_index: IgnoreIndex = terms.IGNORED,
    from_logits: FromLogits = True,
) -> Items:
    """Return the squared earth mover's distance between the class probabilities and the label.

    Of the cumulative sums from below and from above the smaller is used, since gradients would vanish in one close to
    1.
    """
    kept = targets != ignore_index
    p = terms.without_ignored(predictions, kept)
    p = softmax(p) if from_logits else p
    classes = torch.arange(p.shape[1], device=p.device).reshape(-1, *[1] * (p.ndim - 2))
    reached = classes >= targets.where(kept, 0).unsqueeze(1)
    below = p.cumsum(1)
    above = _sum_beyond(p) if from_logits else 1 - below
    under = below < above
    smaller = torch.where(under, below, above)
    value = torch.where(reached ^ under, smaller, 1 - smaller).square().sum(1)
    return Items(value.where(kept, 0), kept.to(value.dtype))


def _sum_beyond(p: Tensor) -> Tensor:
    """Return the sum of the probabilities of the classes above each one, without cancellation, shape (n, C)."""
    return torch.cat([p[:, 1:].flip(1).cumsum(1).flip(1), 0 * p[:, :1]], 1)  # NaN stays NaN


def _beyond(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return whether the rank exceeds each threshold, as numbers (n, K)."""
    return torch.arange(predictions.shape[1], device=targets.device) < targets.unsqueeze(1)
