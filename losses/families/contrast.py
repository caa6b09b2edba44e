"""Contrastive losses that compare every embedding of a batch with all others."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import GROUPS, REAL
from losses.contract.loss import Items, Value, case
from losses.contract.registry import loss
from losses.contract.work import Work
from losses.mathematics import terms
from losses.mathematics.saturating import log_softmax
from losses.text import Text

Temperature = Annotated[float, Field(gt=0, description="What similarities are divided by; small looks at hard ones.")]
Normalize = Annotated[
    bool, Field(description="Embeddings are brought to length 1 first, so that products are cosines.")
]


def _unit(params: dict[str, Value], name: str) -> str:
    """Return the snippet's expression of the embeddings `name`, scaled to length 1 where normalize is set."""
    return f"F.normalize({name}, eps=0)" if params["normalize"] else name


def _first_lines(params: dict[str, Value]) -> str:
    """Return the snippet's first lines: embeddings, pairs with equal labels, and scaled similarities."""
    scale = "" if params.get("temperature") is None else f" / {params['temperature']}"
    return f"""\
z = {_unit(params, "predictions")}
same = targets[:, None] == targets
positive = same & ~torch.eye(len(z), dtype=torch.bool)
s = z @ z.T{scale}
"""


@loss(
    title=Text("NT-Xent of two views", "双视图 NT-Xent 损失"),
    task="similarity",
    shapes="n D, n D -> ",
    work=Work(holds="13 n n", steps="75 n n + 0.4 n n D"),
    elements="n",
    kind="batch",
    first=REAL,
    second=REAL,
    formula=r"-\log \frac{e^{s(z_i, z_i') / \tau}}{\sum_{k \ne i} e^{s(z_i, z_k) / \tau}}",
    source="Chen et al. 2020, arXiv:2002.05709; Sohn 2016",
    elicits="similarity",
    traits={"smooth", "bounded gradient"},
    aliases={"simclr": {}, "ntxent_two_views": {}, "monai.ContrastiveLoss": {}},
    conventions={"monai": {"temperature": 0.5}},
    differences=(
        "MONAI calls it ContrastiveLoss and takes exponentials of what may be large: a low temperature overflows.",
        "With labels, optax and pytorch-metric-learning leave the other positives out of the sum: nt_xent_labels.",
    ),
    cases=[
        case(first=[[1.0, 0.0]], second=[[0.0, 1.0]], gives=0.0),
        case(first=[[1.0, 1.0], [1.0, 1.0]], second=[[1.0, 1.0], [1.0, 1.0]], gives=math.log(3)),
        case(
            first=[[2.0, 0.0], [0.0, 3.0]],
            second=[[1.0, 0.0], [0.0, 1.0]],
            gives=math.log1p(2 * math.exp(-2)),
            params={"temperature": 0.5},
        ),
    ],
    pytorch=lambda params: (
        f"""\
z = {_unit(params, "torch.cat([first, second])")}
s = (z @ z.T / {params["temperature"]}).masked_fill(torch.eye(len(z), dtype=torch.bool), -torch.inf)
return F.cross_entropy(s, torch.arange(len(z)).roll(len(first)))"""
    ),
)
def nt_xent(first: Tensor, second: Tensor, *, temperature: Temperature = 0.1, normalize: Normalize = True) -> Tensor:
    """Return the NT-Xent loss of a batch: each view should be most similar to the other view of its item.

    Row i of both inputs are two views of one item, and each of the two is an anchor; a single item costs 0.
    """
    both = torch.cat([first, second])
    products = terms.similarities(both, both, normalize=normalize).masked_fill(terms.diagonal(both), -math.inf)
    log_p = log_softmax(terms.centred(products) / temperature)
    return -torch.cat([log_p.diagonal(len(first)), log_p.diagonal(-len(first))])


@loss(
    title=Text("NT-Xent with labels", "带标签的 NT-Xent 损失"),
    task="similarity",
    shapes="n D, n -> ",
    work=Work(holds="7 n n", steps="55 n n + 0.1 n n D"),
    elements="n",
    kind="batch",
    nothing_counts="no item has another of its label",
    predictions=REAL,
    targets=GROUPS,
    formula=r"-\log \frac{e^{s_{ip} / \tau}}{e^{s_{ip} / \tau} + \sum_{y_k \ne y_i} e^{s_{ik} / \tau}}",
    source="Chen et al. 2020, arXiv:2002.05709; Sohn 2016",
    elicits="similarity",
    activation="none: predictions are embeddings",
    traits={"smooth", "bounded gradient"},
    aliases={"ntxent": {}, "NTXentLoss": {}},
    conventions={"optax": {}},
    differences=(
        (
            "Equal to nt_xent where every label has two items; with more, the other positives stay out of the sum "
            "(pytorch-metric-learning issues 6, 608 and 699), and in it for supcon."
        ),
        "Averaged over all pairs of one label, so a frequent label counts more often, as in optax.",
    ),
    cases=[
        case(predictions=[[1.0, 0.0], [0.0, 1.0]], targets=[0, 0], gives=0.0),
        case(
            predictions=[[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]],
            targets=[0, 0, 1],
            gives=math.log1p(math.exp(-2)),
            params={"temperature": 0.5},
        ),
    ],
    elsewhere={
        "optax": "optax.losses.ntxent(predictions, targets, temperature={temperature})",
    },
    pytorch=lambda params: (
        f"""\
{_first_lines(params)}others = s.masked_fill(same, -torch.inf).logsumexp(1, keepdim=True)
return F.softplus(others - s)[positive].mean()"""
    ),
)
def nt_xent_labels(
    predictions: Tensor, targets: Tensor, *, temperature: Temperature = 0.07, normalize: Normalize = True
) -> Items:
    """Return the NT-Xent loss of a labelled batch: each positive pair is compared with the items of other labels.

    Every pair with equal labels is a term; an item whose label is unique serves as a negative only.
    """
    positive, negative = terms.same_and_different(targets)
    products = terms.similarities(predictions, predictions, normalize=normalize)
    logits = terms.centred(products, negative) / temperature
    others = terms.log_sum(logits.masked_fill(~negative, -math.inf))
    value = terms.softplus(others.unsqueeze(1) - logits).where(positive, 0)
    return Items(value.sum(1), positive.sum(1).to(value.dtype))


@loss(
    title=Text("Supervised contrastive loss", "有监督对比损失"),
    task="similarity",
    shapes="n D, n -> ",
    work=Work(holds="5 n n", steps="40 n n + 0.1 n n D"),
    elements="n",
    kind="batch",
    nothing_counts="no item has another of its label",
    predictions=REAL,
    targets=GROUPS,
    formula=r"\frac{-1}{|P(i)|} \sum_{p \in P(i)} \log \frac{e^{s_{ip} / \tau}}{\sum_{k \ne i} e^{s_{ik} / \tau}}",
    source="Khosla et al. 2020, arXiv:2004.11362",
    elicits="similarity",
    activation="none: predictions are embeddings",
    traits={"smooth", "bounded gradient"},
    aliases={"SupConLoss": {}, "supervised_contrastive": {}},
    differences=(
        (
            "The authors' code multiplies by temperature / base_temperature, both 0.07 and so 1 unless one of them is "
            "changed."
        ),
        (
            "An item alone in its label is no anchor and is left out of the mean, as in pytorch-metric-learning; the "
            "authors' code divides 0 by 0 there."
        ),
    ),
    cases=[
        case(predictions=[[1.0, 0.0], [0.0, 1.0]], targets=[4, 4], gives=0.0),
        case(
            predictions=[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 2.0]],
            targets=[0, 0, 0, 1],
            gives=math.log(2 + math.exp(-2)),
            params={"temperature": 0.5},
        ),
    ],
    pytorch=lambda params: (
        f"""\
{_first_lines(params)}s.fill_diagonal_(-torch.inf)
log_p = s.log_softmax(1).masked_fill(~positive, 0).sum(1) / positive.sum(1)
return -log_p[positive.any(1)].mean()"""
    ),
)
def supcon(
    predictions: Tensor, targets: Tensor, *, temperature: Temperature = 0.1, normalize: Normalize = True
) -> Items:
    """Return the supervised contrastive loss of a batch: items of one label should be most similar to one another."""
    positive, _ = terms.same_and_different(targets)
    products = terms.similarities(predictions, predictions, normalize=normalize)
    if len(products) > 1:
        products = products.masked_fill(terms.diagonal(products), -math.inf)
    log_p = log_softmax(terms.centred(products) / temperature)
    count = positive.sum(1)
    value = -log_p.where(positive, 0).sum(1) / count.clamp(min=1)
    return Items(value, (count > 0).to(value.dtype))


@loss(
    title=Text("Multi-similarity loss", "多重相似度损失"),
    task="similarity",
    shapes="n D, n -> ",
    work=Work(holds="5 n n", steps="55 n n + 0.1 n n D"),
    elements="n",
    kind="batch",
    predictions=REAL,
    targets=GROUPS,
    formula=r"\tfrac{1}{\alpha} \log(1 + \sum_{p} e^{-\alpha (s_{ip} - \lambda)}) "
    r"+ \tfrac{1}{\beta} \log(1 + \sum_{k} e^{\beta (s_{ik} - \lambda)})",
    source="Wang et al. 2019, arXiv:1904.06627",
    elicits="similarity",
    activation="none: predictions are embeddings",
    traits={"smooth", "bounded gradient"},
    aliases={"MultiSimilarityLoss": {}},
    differences=(
        "The paper mines pairs first; here, as in pytorch-metric-learning without its miner, every pair counts.",
    ),
    cases=[
        case(predictions=[[1.0, 0.0]], targets=[3], gives=0.0),
        case(
            predictions=[[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]],
            targets=[0, 0, 1],
            gives=math.log1p(math.exp(-1)) / 3 + (2 * math.log1p(math.exp(-25)) + math.log1p(2 * math.exp(-25))) / 150,
        ),
    ],
    pytorch=lambda params: (
        f"""\
{_first_lines(params)}pull = (-{params["alpha"]} * (s - {params["base"]})).masked_fill(~positive, -torch.inf)
push = ({params["beta"]} * (s - {params["base"]})).masked_fill(same, -torch.inf)
pull, push = (F.pad(each, (1, 0)).logsumexp(1) for each in (pull, push))
return (pull / {params["alpha"]} + push / {params["beta"]}).mean()"""
    ),
)
def multi_similarity(
    predictions: Tensor,
    targets: Tensor,
    *,
    alpha: Annotated[float, Field(gt=0, description="How sharply unlike items of one label are looked at.")] = 2.0,
    beta: Annotated[float, Field(gt=0, description="How sharply like items of different labels are looked at.")] = 50.0,
    base: Annotated[float, Field(description="The similarity from which pairs are pulled up and pushed down.")] = 0.5,
    normalize: Normalize = True,
) -> Tensor:
    """Return the multi-similarity loss: log-sum-exp gives hard pairs a larger weight; an item without pairs costs 0."""
    positive, negative = terms.same_and_different(targets)
    above = terms.similarities(predictions, predictions, normalize=normalize) - base
    pull = terms.softplus(terms.log_sum((-alpha * above).masked_fill(~positive, -math.inf)))
    push = terms.softplus(terms.log_sum((beta * above).masked_fill(~negative, -math.inf)))
    return pull / alpha + push / beta


@loss(
    title=Text("Circle loss", "圆损失(Circle Loss)"),
    task="similarity",
    shapes="n D, n -> ",
    work=Work(holds="9 n n", steps="60 n n + 0.1 n n D"),
    elements="n",
    kind="batch",
    nothing_counts="no item has another of its label and one of another label",
    predictions=REAL,
    targets=GROUPS,
    formula=r"\log(1 + \sum_k e^{\gamma [s_{ik} + m]_+ (s_{ik} - m)} "
    r"\sum_p e^{-\gamma [1 + m - s_{ip}]_+ (s_{ip} - 1 + m)})",
    source="Sun et al. 2020, arXiv:2002.10857",
    elicits="similarity",
    activation="none: predictions are embeddings",
    traits={"smooth", "margin"},
    aliases={"CircleLoss": {}, "circle_loss": {}, "Circle": {}},
    differences=(
        "Keras and pytorch-metric-learning hold the weights of pairs fixed in the gradient; here they have one.",
        "The paper's figures have a gamma of 256 and a margin of 0.25; both libraries default to 80 and 0.4, as here.",
    ),
    cases=[
        case(
            predictions=[[1.0, 0.0], [2.0, 0.0], [0.0, 2.0]],
            targets=[0, 0, 1],
            gives=math.log1p(math.exp(-0.25 * 0.25 - 0.25 * 0.25)),
            params={"gamma": 1.0, "margin": 0.25},
        ),
    ],
    pytorch=lambda params: (
        f"""\
{_first_lines(params)}m, gamma = {params["margin"]}, {params["gamma"]}
pull = (-gamma * (1 + m - s).clamp(min=0) * (s - 1 + m)).masked_fill(~positive, -torch.inf).logsumexp(1)
push = (gamma * (s + m).clamp(min=0) * (s - m)).masked_fill(same, -torch.inf).logsumexp(1)
both = positive.any(1) & ~same.all(1)
return F.softplus((pull + push)[both], threshold=1e3).mean()"""
    ),
)
def circle(
    predictions: Tensor,
    targets: Tensor,
    *,
    gamma: Annotated[float, Field(gt=0, le=1e4, description="How sharply hard pairs are looked at.")] = 80.0,
    margin: Annotated[float, Field(gt=0, lt=1, description="How far from their ends similarities may stay.")] = 0.4,
    normalize: Normalize = True,
) -> Items:
    """Return the circle loss of a batch: each pair is weighted by the distance of its similarity from the optimum.

    An item is an anchor only if the batch has another item of its label and one of a different label.
    """
    positive, negative = terms.same_and_different(targets)
    s = terms.similarities(predictions, predictions, normalize=normalize)
    pull = -gamma * (1 + margin - s).clamp(min=0) * (s - 1 + margin)
    push = gamma * (s + margin).clamp(min=0) * (s - margin)
    anchors = positive.any(1) & negative.any(1)
    pulled = terms.log_sum(pull.masked_fill(~positive, -math.inf))
    pushed = terms.log_sum(push.masked_fill(~negative, -math.inf))
    value = terms.softplus((pulled + pushed).where(anchors, 0)).where(anchors, 0)
    return Items(value, anchors.to(value.dtype))
