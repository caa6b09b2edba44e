"""Connectionist temporal classification: labels of a sequence without an alignment."""

import math
from typing import Annotated, Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from pydantic import Field
from torch import Tensor

from losses.contract.domains import CLASS_LOGITS, FRAMES, LABEL_COUNTS, SYMBOLS
from losses.contract.loss import Value, case
from losses.contract.parameters import FromLogits
from losses.contract.registry import loss
from losses.contract.work import Work
from losses.errors import BadParameter
from losses.mathematics import terms
from losses.text import Text

NEVER = -1e30  # stands for a log-probability of -infinity, of which torch's CTC makes NaN gradients


def _ctc_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    log_p = "predictions.log_softmax(1)" if params["from_logits"] else "predictions.log()"
    reduction = "mean" if params["normalize"] == "target_length" else "none"
    return f"""\
log_p = {log_p}.permute(2, 0, 1)  # (frames, n, classes)
labels = targets != {params["blank"]}
frames = torch.full((len(targets),), len(log_p))
return F.ctc_loss(
    log_p, targets[labels], frames, labels.sum(1), blank={params["blank"]}, reduction="{reduction}",
    zero_infinity={params["zero_infinity"]},
).mean()"""


@loss(
    title=Text("Connectionist temporal classification", "连接时序分类(CTC)"),
    task="sequence",
    shapes="n C T, n S, n, n -> n",
    work=Work(holds="3 n T S", graph="3 n T S", steps="150 n T S"),
    predictions=CLASS_LOGITS,
    targets=SYMBOLS,
    prediction_lengths=FRAMES,
    target_lengths=LABEL_COUNTS,
    constant=("targets", "prediction_lengths", "target_lengths"),
    shifts="predictions",
    formula=r"-\log \sum_{\pi \in B^{-1}(y)} \prod_t p_t(\pi_t),\ p_t = \operatorname{softmax}(z_t)",
    source="Graves et al. 2006, doi:10.1145/1143844.1143891",
    elicits="probability of the label sequence",
    activation="softmax",
    traits={"smooth"},
    aliases={"CTCLoss": {"normalize": "target_length"}, "ctc_loss": {}, "CTC": {}},
    names_of_log_probabilities="CTCLoss",
    conventions={"torch": {"normalize": "target_length"}, "keras": {}, "optax": {}},
    differences=(
        "Classes are axis 1 and frames the last: (n, C, T), where torch has (T, n, C), Keras and optax (n, T, C).",
        "torch's mean divides each sequence by its number of labels: normalize=target_length; its sum does not.",
        "torch takes log-probabilities: those are logits too, and give the same number.",
        (
            "torch's gradient belongs to log-probabilities that come from log_softmax; here it is the true slope, and "
            "not NaN where a probability is 0 or an alignment impossible."
        ),
        (
            "A blank among the targets is filling and is left out, wherever it stands; Keras counts the labels that "
            "are not 0 and takes that many from the left, blanks included."
        ),
        "optax takes the logarithm of 0 to be -1e5, so an impossible alignment costs about that instead of infinity.",
    ),
    cases=[
        case(
            predictions=[[[0.0, 0.0], [0.0, 0.0]]],
            targets=[[1]],
            gives=[0.2876820724517809],  # three of four paths
        ),
        case(
            predictions=[[[0.0] * 3, [0.0] * 3], [[0.0] * 3, [0.0] * 3]],
            targets=[[1, 1], [1, 0]],
            gives=[math.log(8) / 2, math.log(8 / 6)],  # label, blank, label; six of eight paths
            params={"normalize": "target_length"},
        ),
        case(
            predictions=[[[0.0, 0.0], [0.0, 0.0]]],
            targets=[[1, 1]],
            gives=[0.0],
            params={"zero_infinity": True},
        ),
        case(
            predictions=[[[0.5, 0.25], [0.5, 0.75]]],
            targets=[[1, 0]],
            prediction_lengths=[1],
            target_lengths=[1],
            gives=[0.6931471805599453],
            params={"from_logits": False},
        ),
    ],
    elsewhere={
        "keras": "keras.losses.CTC()(targets, keras.ops.moveaxis(predictions, 1, -1))",
        "optax": "optax.losses.ctc_loss(jnp.moveaxis(predictions, 1, -1), jnp.zeros_like(predictions[:, 0]), "
        "targets, targets == {blank}, blank_id={blank}).mean()",
    },
    pytorch=_ctc_code,
    no_kernel="Its recursion over the frames is one call of torch, and how many it takes depends on the probabilities.",
)
def ctc(
    predictions: Tensor,
    targets: Tensor,
    prediction_lengths: Tensor | None = None,
    target_lengths: Tensor | None = None,
    *,
    blank: Annotated[
        int, Field(ge=0, le=2**31, description="The class that stands for no label, and fills up short targets.")
    ] = 0,
    normalize: Annotated[
        Literal["sequence", "target_length"],
        Field(description="A sequence counts once, or its value is divided by its number of labels."),
    ] = "sequence",
    zero_infinity: Annotated[
        bool, Field(description="A sequence with fewer frames than its labels need costs 0 instead of infinity.")
    ] = False,
    from_logits: FromLogits = True,
) -> Tensor:
    """Return -log p of the target labels, summed over all alignments.

    Without lengths, all frames count, and all labels that are not blank. A label that equals its predecessor needs one
    more frame, for the blank between them.
    """
    if blank >= predictions.shape[1]:  # a bound that only the inputs know
        classes = predictions.shape[1]
        wanted = Text(
            f"must be one of the {classes} classes, 0 being the first", f"必须是 {classes} 个类别之一,从 0 数起"
        )
        raise BadParameter("ctc", "blank", wanted)
    log_p = terms.class_log_probabilities(predictions, from_logits=from_logits).clamp(min=NEVER).permute(2, 0, 1)
    frames = targets.new_full((len(targets),), len(log_p)) if prediction_lengths is None else prediction_lengths
    is_label = targets != blank
    if target_lengths is not None:
        is_label &= torch.arange(targets.shape[1], device=targets.device) < target_lengths.unsqueeze(1)
    possible = _frames_needed(targets, is_label) <= frames
    if bool((log_p <= NEVER).any()):
        with torch.no_grad():
            possible &= _forward(log_p, targets, frames, is_label, possible, blank) < -NEVER / 2
    value = _forward(log_p, targets, frames, is_label, possible, blank)
    if not from_logits:  # torch's slope takes the probabilities of a frame to sum to 1 whatever happens to them
        mass = (log_p.exp().sum(2).T * (torch.arange(len(log_p), device=frames.device) < frames[:, None])).sum(1)
        value = value + torch.where(possible, mass.detach() - mass, 0)
    value = value.masked_fill(~possible, 0.0 if zero_infinity else math.inf)
    return value / is_label.sum(1).clamp(min=1) if normalize == "target_length" else value


def _forward(log_p: Tensor, targets: Tensor, frames: Tensor, is_label: Tensor, possible: Tensor, blank: int) -> Tensor:
    """Return torch's CTC loss of every sequence; an impossible one is replaced by an empty one."""
    if not len(targets):  # which torch refuses
        return log_p.sum((0, 2))
    counted = is_label & possible.unsqueeze(1)
    lengths = frames.where(possible, 0)
    value: Tensor = F.ctc_loss(log_p, targets[counted], lengths, counted.sum(1), blank=blank, reduction="none")
    return value


def _frames_needed(targets: Tensor, is_label: Tensor) -> Tensor:
    """Return the least number of frames of every sequence: its labels, and a blank between equal neighbours.

    Shape (n).
    """
    order = (~is_label).to(torch.int8).argsort(dim=1, stable=True)  # labels first, in their order
    labels, present = targets.gather(1, order), is_label.gather(1, order)
    repeats = (labels[:, 1:] == labels[:, :-1]) & present[:, 1:]
    return present.sum(1) + repeats.sum(1)
