"""Cross-entropy over a sample of the classes, for where there are too many to compute all."""

import math

from torch import Tensor

from losses.contract.domains import IDS, POSITIVE, REAL
from losses.contract.loss import case
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.text import Text


@loss(
    title=Text("Sampled softmax", "采样 softmax"),
    task="multiclass",
    shapes="n C, n, C -> n",
    predictions=REAL,
    targets=IDS,
    expected_counts=POSITIVE,
    constant=("targets", "expected_counts"),
    shifts="predictions",
    formula=r"-\log \operatorname{softmax}(z - \log q)_y,\ q \text{ how often each class is expected in the sample}",
    source="Jean et al. 2015, arXiv:1412.2007; Bengio & Senecal 2008, doi:10.1109/TNN.2007.912312",
    elicits="probability over all classes",
    activation="softmax",
    traits={"convex", "smooth", "bounded gradient"},
    aliases={"sampled_softmax_loss": {}, "SampledSoftmaxLoss": {}},
    differences=(
        (
            "TensorFlow draws the classes itself and holds their weights; here predictions are the logits of those "
            "drawn, the true ones among them, and targets their columns."
        ),
        "With all classes drawn alike it is sparse_categorical_ce.",
    ),
    cases=[
        case(predictions=[[0.0, 0.0]], targets=[0], expected_counts=[0.25, 1.0], gives=[math.log(1.25)]),
        case(predictions=[[0.0, 0.0]], targets=[1], expected_counts=[0.5, 0.5], gives=[math.log(2)]),
    ],
    pytorch="return F.cross_entropy(predictions - expected_counts.log(), targets)",
)
def sampled_softmax(predictions: Tensor, targets: Tensor, expected_counts: Tensor) -> Tensor:
    """Return cross-entropy of logits minus the logarithm of each class's expected count in the sample.

    Without this correction, classes that are sampled often would be learnt as unlikely.
    """
    logits = terms.centred(predictions) - expected_counts.log()
    return -terms.of_label(terms.class_log_probabilities(logits, from_logits=True), targets)
