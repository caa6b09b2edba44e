"""Cross-entropies that bound the loss of an item, for labels that may be wrong."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from losses.contract.domains import CLASS_LOGITS, IDS, ONE_HOT
from losses.contract.loss import Items, Value, case
from losses.contract.parameters import FromLogits, IgnoreIndex, PastTheEnds
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.mathematics.probability_maps import generalized_ce_to_probability
from losses.mathematics.saturating import expm1
from losses.text import Text


def _probability_of_label(params: dict[str, Value]) -> str:
    """Return the snippet's lines that compute p, the probability of each label that is not ignored."""
    start = "predictions.softmax(1)" if params["from_logits"] else "predictions"
    return f"""\
kept = targets != {params["ignore_index"]}
p = {start}.gather(1, targets.where(kept, 0)[:, None])[:, 0][kept]"""


def _generalized_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    return f"{_probability_of_label(params)}\nreturn ((1 - p ** {params['q']}) / {params['q']}).mean()"


@loss(
    title=Text("Generalized cross-entropy", "广义交叉熵"),
    task="multiclass",
    shapes="n C *s, n *s -> n *s",
    predictions=CLASS_LOGITS,
    targets=IDS,
    shifts="predictions",
    formula=r"\frac{1 - p_y^q}{q},\ p = \operatorname{softmax}(z)",
    source="Zhang & Sabuncu 2018, arXiv:1805.07836",
    elicits="probability, sharpened",
    activation="softmax",
    probability=generalized_ce_to_probability,
    traits={"robust", "smooth", "bounded gradient"},
    aliases={
        "gce": {},
        "categorical_generalized_cross_entropy": {"q": 0.5, "from_logits": False},
        "CategoricalGeneralizedCrossEntropy": {"q": 0.5, "from_logits": False},
    },
    conventions={"keras": {"q": 0.5, "from_logits": False}},
    differences=("The paper recommends q = 0.7, which is the default here; Keras takes 0.5.",),
    cases=[
        case(predictions=[[0.25, 0.75]], targets=[0], gives=[1.0], params={"q": 0.5, "from_logits": False}),
        case(predictions=[[0.25, 0.75]], targets=[0], gives=[0.75], params={"q": 1.0, "from_logits": False}),
        case(predictions=[[1000.0, 0.0]], targets=[1], gives=[1 / 0.7]),
    ],
    elsewhere={
        "keras": "keras.losses.CategoricalGeneralizedCrossEntropy(q={q})(targets, predictions)",
    },
    pytorch=_generalized_code,
)
def generalized_ce(
    predictions: Tensor,
    targets: Tensor,
    *,
    q: Annotated[
        float,
        Field(gt=0, le=1, description="1: mean absolute error, robust; towards 0: cross-entropy, quick."),
        PastTheEnds(Text("A q of 0 is sparse_categorical_ce.", "q 为 0 即 sparse_categorical_ce。")),
    ] = 0.7,
    ignore_index: IgnoreIndex = terms.IGNORED,
    from_logits: FromLogits = True,
) -> Items:
    """Return the generalized cross-entropy (1 - p^q) / q.

    It is at most 1 / q, which bounds the effect of a wrong label.

    It is computed with expm1, since 1 - p^q cancels for small q.
    """
    log_p, kept, ids = _log_p(predictions, targets, ignore_index, from_logits=from_logits)
    value = -expm1(q * terms.of_label(log_p, ids)) / q
    return Items(value.where(kept, 0), kept.to(value.dtype))


def _symmetric_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    reverse = f"{-float(params['log_zero'] or 0)} * (1 - p)"
    return (
        f"{_probability_of_label(params)}\nreturn ({params['alpha']} * -p.log() + {params['beta']} * {reverse}).mean()"
    )


@loss(
    title=Text("Symmetric cross-entropy", "对称交叉熵"),
    task="multiclass",
    shapes="n C *s, n *s -> n *s",
    predictions=CLASS_LOGITS,
    targets=IDS,
    shifts="predictions",
    formula=r"-\alpha \log p_y - \beta A (1 - p_y),\ p = \operatorname{softmax}(z),\ A = \log 0",
    source="Wang et al. 2019, arXiv:1908.06112",
    elicits="probability, sharpened",
    activation="softmax",
    traits={"robust", "smooth", "bounded gradient"},
    aliases={"sce": {}, "SCELoss": {}, "symmetric_cross_entropy": {}},
    differences=(
        (
            "The authors' code replaces the zeros of one-hot labels by 1e-4, that is log_zero = -9.2103, not the -4 of "
            "their paper."
        ),
    ),
    cases=[
        case(
            predictions=[[0.25, 0.75]],
            targets=[1],
            gives=[0.1 * 0.2876820724517809 + 1.0],
            params={"from_logits": False},
        ),
        case(
            predictions=[[0.0, 1000.0]],
            targets=[0],
            gives=[106.0],
            params={"beta": 1.5, "alpha": 0.1},
        ),
    ],
    pytorch=_symmetric_code,
)
def symmetric_ce(
    predictions: Tensor,
    targets: Tensor,
    *,
    alpha: Annotated[float, Field(ge=0, description="What cross-entropy counts: it learns quickly.")] = 0.1,
    beta: Annotated[float, Field(ge=0, description="What reverse cross-entropy counts: it is robust.")] = 1.0,
    log_zero: Annotated[float, Field(lt=0, description="What the logarithm of a label of 0 is taken to be.")] = -4.0,
    ignore_index: IgnoreIndex = terms.IGNORED,
    from_logits: FromLogits = True,
) -> Items:
    """Return alpha times cross-entropy plus beta times reverse cross-entropy, which is bounded."""
    log_p, kept, ids = _log_p(predictions, targets, ignore_index, from_logits=from_logits)
    rest = terms.log_of_the_rest(log_p, ids).exp()
    value = beta * -log_zero * rest
    if alpha:  # safe from 0 times infinity
        value = value - alpha * terms.of_label(log_p, ids)
    return Items(value.where(kept, 0), kept.to(value.dtype))


def _poly1_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    start = (
        "log_p = F.log_softmax(predictions, 1)\np = log_p.exp()"
        if params["from_logits"]
        else "p, log_p = predictions, predictions.log()"
    )
    return f"""\
{start}
return (-(targets * log_p).sum(1) + {params["epsilon"]} * (targets * (1 - p)).sum(1)).mean()"""


@loss(
    title=Text("Poly-1 cross-entropy", "Poly-1 交叉熵"),
    task="multiclass",
    shapes="n C *s, n C *s -> n *s",
    predictions=CLASS_LOGITS,
    targets=ONE_HOT,
    shifts="predictions",
    formula=r"-\sum_c y_c \log p_c + \epsilon \sum_c y_c (1 - p_c),\ p = \operatorname{softmax}(z)",
    source="Leng et al. 2022, arXiv:2204.12511",
    elicits="probability, distorted",
    activation="softmax",
    traits={"smooth", "bounded gradient"},
    aliases={"poly_loss": {}, "PolyLoss": {}, "poly_loss_cross_entropy": {"epsilon": 2.0}},
    conventions={"optax": {"epsilon": 2.0}},
    differences=("The paper's code takes epsilon = 1, as here; optax takes 2, the paper's value for ImageNet.",),
    cases=[
        case(predictions=[[0.0, 0.0]], targets=[[1.0, 0.0]], gives=[1.1931471805599453]),
        case(predictions=[[0.0, 0.0]], targets=[[1.0, 0.0]], gives=[0.6931471805599453], params={"epsilon": 0.0}),
        case(predictions=[[1.0, 0.0]], targets=[[1.0, 0.0]], gives=[0.0], params={"from_logits": False}),
    ],
    elsewhere={
        "optax": "optax.losses.poly_loss_cross_entropy(predictions, targets, epsilon={epsilon}).mean()",
    },
    pytorch=_poly1_code,
)
def poly1(
    predictions: Tensor,
    targets: Tensor,
    *,
    epsilon: Annotated[
        float, Field(ge=-1, description="What is added to the first term in powers of 1 - p; 0 is cross-entropy.")
    ] = 1.0,
    from_logits: FromLogits = True,
) -> Tensor:
    """Return cross-entropy plus epsilon (1 - p), which changes the weight of the first term of its series."""
    log_p = terms.class_log_probabilities(predictions, from_logits=from_logits)
    p = log_p.exp() if from_logits else predictions
    return (epsilon * targets * (1 - p) - terms.times(targets, log_p)).sum(1)


def _log_p(predictions: Tensor, targets: Tensor, ignored: int, *, from_logits: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return three tensors: the log-probabilities (n, C, *s), the mask of kept items, and their class ids."""
    kept = targets != ignored
    log_p = terms.class_log_probabilities(terms.without_ignored(predictions, kept), from_logits=from_logits)
    return log_p, kept, targets.where(kept, 0)
