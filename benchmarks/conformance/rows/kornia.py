"""kornia.losses."""

from kornia import losses
from torch import Tensor

from benchmarks.conformance import draws
from benchmarks.conformance.table import Function, Row, pair


def _from_one_hot(function: Function, **given: object) -> Function:
    return lambda predictions, targets: function(predictions, targets.argmax(1), **given)


def _heatmaps(function: Function) -> Function:
    """Return a call that has the distribution over the positions of one channel."""

    def call(predictions: Tensor, targets: Tensor) -> Tensor:
        n, classes = predictions.shape
        shape = (n, 1, 1, classes)
        return function(predictions.softmax(1).reshape(shape), targets.reshape(shape))

    return call


ROWS = [
    *[
        Row(
            ours=f"barron_general(alpha={alpha})",
            name=name,
            theirs=pair(function, reduction="mean"),
            draws=draws.ordinary,
        )
        for alpha, name, function in (
            (1, "charbonnier_loss", losses.charbonnier_loss),
            (0, "cauchy_loss", losses.cauchy_loss),
            (-2, "geman_mcclure_loss", losses.geman_mcclure_loss),
            ("minus_infinity", "welsch_loss", losses.welsch_loss),
        )
    ],
    *[
        Row(
            ours=f"focal(gamma={gamma}, alpha={'none' if alpha is None else alpha})",
            name=f"binary_focal_loss_with_logits(gamma={gamma}, alpha={alpha})",
            theirs=pair(losses.binary_focal_loss_with_logits, gamma=gamma, alpha=alpha, reduction="mean"),
            draws=draws.masks(3),
        )
        for gamma, alpha in ((2.0, 0.25), (2.0, None), (0.5, 0.6))
    ],
    Row(
        ours="focal_softmax(normalize=element)",
        name="focal_loss(alpha=None, mean)",
        theirs=pair(losses.focal_loss, alpha=None, reduction="mean"),
        draws=draws.pixel_ids(4),
    ),
    Row(
        ours="focal_softmax(gamma=1.5)",
        name="focal_loss(alpha=0.3, gamma=1.5, sum)",
        theirs=lambda predictions, targets, class_weights: losses.focal_loss(
            predictions, targets, alpha=float(class_weights[1]), gamma=1.5, reduction="sum"
        ),
        draws=draws.with_alpha(draws.pixel_ids(4), 0.3),
        reduction="sum",
    ),
    Row(
        ours="focal_softmax",
        name="focal_loss(alpha=None, sum), some ignored",
        theirs=pair(losses.focal_loss, alpha=None, reduction="sum"),
        draws=draws.pixel_ids(4, ignored=-100),
        reduction="sum",
    ),
    Row(
        ours="dice(smooth=0, epsilon=1e-8)",
        name='dice_loss(average="macro")',
        theirs=_from_one_hot(losses.dice_loss, average="macro"),
        draws=draws.masks(4),
        unit=1.0,
    ),
    Row(
        ours="dice(group=all, smooth=0, epsilon=1e-8)",
        name='dice_loss(average="micro")',
        theirs=_from_one_hot(losses.dice_loss, average="micro"),  # by image, which for a softmax is as large as any
        draws=draws.masks(4),
        unit=1.0,
    ),
    *[
        Row(
            ours=f"tversky(smooth=0, epsilon=1e-8, alpha={alpha}, beta={beta})",
            name=f"tversky_loss(alpha={alpha}, beta={beta})",
            theirs=_from_one_hot(losses.tversky_loss, alpha=alpha, beta=beta),
            draws=draws.masks(4),
            unit=1.0,
        )
        for alpha, beta in ((0.5, 0.5), (0.3, 0.7), (0.7, 0.3))
    ],
    Row(
        ours="kl_div",
        name="kl_div_loss_2d, classes as positions",
        theirs=_heatmaps(losses.kl_div_loss_2d),
        draws=draws.two_axes(draws.soft_classes),
    ),
    Row(
        ours="js_div",
        name="js_div_loss_2d, classes as positions",
        theirs=_heatmaps(losses.js_div_loss_2d),
        draws=draws.two_axes(draws.soft_classes),
    ),
    Row(
        ours="lovasz_softmax(group=image, empty=score)",
        name="lovasz_softmax_loss",
        theirs=_from_one_hot(losses.lovasz_softmax_loss),
        draws=draws.masks(4),
        unit=1.0,
    ),
    Row(
        ours="lovasz_hinge(group=image)",
        name="lovasz_hinge_loss",
        theirs=lambda predictions, targets: losses.lovasz_hinge_loss(predictions, targets[:, 0]),
        draws=draws.masks(1),
    ),
]
