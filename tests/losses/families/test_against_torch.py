"""The same numbers as torch where torch has the loss, and as its closed form where it has not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.totals import Reduction
from tests.losses.draw import Subject

Inputs = dict[str, Tensor]
IGNORED = -100


@dataclass(frozen=True)
class Peer:
    """A loss as we write it, what it should equal, and how its inputs are drawn."""

    text: str
    reference: Callable[[Inputs], Tensor]
    optional: bool = False
    spatial: tuple[int, ...] = (2, 3)
    classes: int = 3
    reduction: Reduction = "mean"

    def __str__(self) -> str:
        weights = " with class_weights" if self.optional else ""
        return f"{self.text}{weights}, {self.classes} classes, {list(self.spatial)}, {self.reduction}"

    def draw(self) -> Inputs:
        ((_, term),) = parse(self.text).terms
        return Subject(term, self.optional, self.classes, self.spatial).draw(seed=21, items=50).inputs


def smooth_l1(beta: float) -> Peer:
    return Peer(f"smooth_l1(beta={beta})", lambda x: F.smooth_l1_loss(x["predictions"], x["targets"], beta=beta))


def soft(smoothing: float) -> Peer:
    return Peer(
        f"categorical_ce(label_smoothing={smoothing})",
        lambda x: F.cross_entropy(x["predictions"], x["targets"], label_smoothing=smoothing),
    )


def ids(
    smoothing: float = 0.0, ignored: int = IGNORED, *, weighted: bool = False, spatial: tuple[int, ...] = (2, 3)
) -> Peer:
    def reference(x: Inputs) -> Tensor:
        return F.cross_entropy(
            x["predictions"],
            x["targets"],
            x.get("class_weights"),
            ignore_index=ignored,
            label_smoothing=smoothing,
        )

    text = f"sparse_categorical_ce(label_smoothing={smoothing}, ignore_index={ignored})"
    return Peer(text, reference, optional=weighted, spatial=spatial)


def focal(alpha: float | None, gamma: float) -> Peer:
    """Return sigmoid focal loss as torchvision writes it."""

    def reference(x: Inputs) -> Tensor:
        z, y = x["predictions"], x["targets"]
        p, ce = z.sigmoid(), F.binary_cross_entropy_with_logits(z, y, reduction="none")
        p_t = p * y + (1 - p) * (1 - y)
        alpha_t = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
        return (alpha_t * (1 - p_t) ** gamma * ce).mean()

    return Peer(f"focal(alpha={'none' if alpha is None else alpha}, gamma={gamma})", reference)


def focal_softmax(gamma: float, *, weighted: bool = False) -> Peer:
    def reference(x: Inputs) -> Tensor:
        kept = x["targets"] != IGNORED
        ids = x["targets"].clamp(min=0)
        p = x["predictions"].softmax(1).gather(1, ids[:, None])[:, 0]
        weight = x["class_weights"][ids] if weighted else 1
        return (-weight * (1 - p) ** gamma * p.log())[kept].mean()

    return Peer(f"focal_softmax(gamma={gamma})", reference, optional=weighted)


def triplet(margin: float, p: float, eps: float = 1e-6) -> Peer:
    def reference(x: Inputs) -> Tensor:
        return F.triplet_margin_loss(x["anchor"], x["positive"], x["negative"], margin, p, eps)

    return Peer(f"triplet(margin={margin}, p={p}, eps={eps})", reference)


def dice(group: str, smooth: float, classes: int, *, weighted: bool = False) -> Peer:
    """Return dice loss in numpy, image by image and class by class."""

    def reference(x: Inputs) -> Tensor:
        z, y = (x[role].numpy().reshape(len(x[role]), classes, -1) for role in ("predictions", "targets"))
        p = 1 / (1 + np.exp(-z)) if classes == 1 else np.exp(z) / np.exp(z).sum(1, keepdims=True)
        over = (0, 2) if group == "batch" else (2,)
        value = 1 - (2 * (p * y).sum(over) + smooth) / (p.sum(over) + y.sum(over) + smooth)
        weight = np.broadcast_to(x["class_weights"].numpy() if weighted else np.ones(classes), value.shape)
        return torch.tensor((value * weight).sum() / weight.sum())

    return Peer(f"dice(group={group}, smooth={smooth})", reference, optional=weighted, classes=classes)


def generator(form: str, reference: Callable[[Tensor], Tensor]) -> Peer:
    return Peer(f"adversarial_generator(form={form})", lambda x: reference(x["fake"]))


def discriminator(form: str) -> Peer:
    def reference(x: Inputs) -> Tensor:
        return -x["real"].sigmoid().log().mean() - (1 - x["fake"].sigmoid()).log().mean()

    return Peer(f"adversarial_discriminator(form={form})", reference)


PEERS = [
    Peer("mse", lambda x: F.mse_loss(x["predictions"], x["targets"])),
    Peer("mse", lambda x: F.mse_loss(x["predictions"], x["targets"], reduction="sum"), reduction="sum"),
    Peer("mae", lambda x: F.l1_loss(x["predictions"], x["targets"])),
    *map(smooth_l1, (1.0, 0.0, 0.25, 3.5)),
    Peer("bce", lambda x: F.binary_cross_entropy_with_logits(x["predictions"], x["targets"])),
    Peer(
        "bce(pos_weight=2.7)",
        lambda x: F.binary_cross_entropy_with_logits(
            x["predictions"], x["targets"], pos_weight=torch.tensor(2.7, dtype=torch.float64)
        ),
    ),
    Peer("bce(from_logits=false)", lambda x: F.binary_cross_entropy(x["predictions"], x["targets"])),
    soft(0.0),
    soft(0.15),
    Peer(
        "categorical_ce",  # torch divides by the count where labels are soft
        lambda x: F.cross_entropy(x["predictions"], x["targets"], x["class_weights"]),
        optional=True,
        reduction="mean_over_count",
    ),
    ids(),
    ids(spatial=()),
    ids(0.1),
    ids(ignored=1),
    ids(weighted=True),
    ids(0.2, weighted=True),
    ids(0.2, ignored=2, weighted=True, spatial=()),
    Peer("sparse_categorical_ce(from_logits=false)", lambda x: F.nll_loss(x["predictions"].log(), x["targets"])),
    *(focal(alpha, gamma) for alpha, gamma in ((0.25, 2.0), (None, 2.0), (0.9, 0.5), (0.0, 1.0))),
    *map(focal_softmax, (2.0, 0.5)),
    focal_softmax(2.0, weighted=True),
    *(triplet(margin, p) for margin, p in ((1.0, 2.0), (0.2, 2.0), (1.0, 1.0), (5.0, 3.5))),
    triplet(1.0, 2.0, eps=1e-3),
    generator("non_saturating", lambda fake: -fake.sigmoid().log().mean()),
    generator("minimax", lambda fake: (1 - fake.sigmoid()).log().mean()),
    discriminator("non_saturating"),
    discriminator("minimax"),
    *(
        dice(group, smooth, classes)
        for group in ("image", "batch")
        for smooth in (0.0, 1e-5, 1.0)
        for classes in (1, 3)
    ),
    dice("image", 1e-5, 3, weighted=True),
    dice("batch", 1e-5, 3, weighted=True),
]
IN_TORCH = [peer for peer in PEERS if not peer.text.startswith("dice")]
every_peer = pytest.mark.parametrize("peer", PEERS, ids=str)


@every_peer
def test_in_float64_the_numbers_are_the_same(peer: Peer) -> None:
    inputs = peer.draw()

    evaluation = evaluate(parse(peer.text), inputs, options=Options(reduction=peer.reduction))

    assert evaluation.value == pytest.approx(float(peer.reference(inputs)), rel=1e-12)


@every_peer
def test_in_float32_the_numbers_agree_to_its_precision(peer: Peer) -> None:
    single = {role: tensor.float() if tensor.is_floating_point() else tensor for role, tensor in peer.draw().items()}
    double = {role: tensor.double() if tensor.is_floating_point() else tensor for role, tensor in single.items()}

    evaluation = evaluate(parse(peer.text), single, options=Options(reduction=peer.reduction))

    assert evaluation.dtype == torch.float32
    assert evaluation.value == pytest.approx(float(peer.reference(double)), rel=1e-6)


@pytest.mark.parametrize("peer", IN_TORCH, ids=str)
def test_the_gradients_are_the_same(peer: Peer) -> None:
    inputs = peer.draw()
    options = Options(reduction=peer.reduction, gradient="full")
    ((_, term),) = parse(peer.text).terms

    gradients = evaluate(parse(peer.text), inputs, options=options).gradients

    leaves = {role: inputs[role].requires_grad_() for role in term.loss.differentiable}
    expected = dict(zip(leaves, torch.autograd.grad(peer.reference(inputs), list(leaves.values())), strict=True))
    torch.testing.assert_close(gradients, expected, rtol=1e-10, atol=1e-13)
