"""monai.losses."""

from monai import losses
from monai.data.box_utils import box_iou
from monai.losses.cldice import soft_skel
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - as everyone writes it

from benchmarks.conformance import draws
from benchmarks.conformance.table import Explained, Function, Ours, Row, pair

TENTH = 0.10000000149011612  # MONAI keeps a temperature of 0.1 in float32


def _views(loss: Function) -> Function:
    """Return a loss of two views by name."""

    def call(first: Tensor, second: Tensor) -> Tensor:
        return loss(first, second)

    return call


def _all_classes(ours: Ours, predictions: Tensor, targets: Tensor) -> Tensor:
    """Return clDice with one precision and one sensitivity an image, whatever its classes, from the same skeletons."""
    del ours
    predicted, true = soft_skel(predictions, 3), soft_skel(targets, 3)
    over = tuple(range(1, predictions.ndim))
    precision = ((predicted * targets).sum(over) + 1) / (predicted.sum(over) + 1)
    sensitivity = ((true * predictions).sum(over) + 1) / (true.sum(over) + 1)
    return (1 - 2 * precision * sensitivity / (precision + sensitivity)).mean()


def _one_hot(loss: Function) -> Function:
    """Return a call with one-hot targets from ids."""

    def call(predictions: Tensor, targets: Tensor, **_: Tensor) -> Tensor:
        return loss(predictions, F.one_hot(targets, predictions.shape[1]).movedim(-1, 1).to(predictions.dtype))

    return call


def _over_classes(ours: Ours, predictions: Tensor, **rest: Tensor) -> Tensor:
    return ours(predictions=predictions, **rest) / predictions.shape[1]


ROWS = [
    *[
        Row(
            ours=f"{ours}(convention=monai{extra})",
            name=f"{name}, {classes} channels",
            theirs=pair(kind(**({"sigmoid": True} if classes == 1 else {"softmax": True}), **given)),
            draws=draws.masks(classes, empty=True),
            unit=1.0,
            float32="MONAI takes p^2 - p y + p y, whose digits the slope at an empty mask does not survive",
        )
        for classes in (1, 4)
        for ours, extra, name, kind, given in (
            ("dice", "", "DiceLoss", losses.DiceLoss, {}),
            ("dice", ", group=batch", "DiceLoss(batch=True)", losses.DiceLoss, {"batch": True}),
            ("dice", ", overlap=squares", "DiceLoss(squared_pred=True)", losses.DiceLoss, {"squared_pred": True}),
            (
                "dice",
                ", include_background=false",
                "DiceLoss(include_background=False)",
                losses.DiceLoss,
                {"include_background": False},
            ),
            ("jaccard", "", "DiceLoss(jaccard=True)", losses.DiceLoss, {"jaccard": True}),
            (
                "tversky",
                ", alpha=0.3, beta=0.7",
                "TverskyLoss(alpha=0.3, beta=0.7)",
                losses.TverskyLoss,
                {"alpha": 0.3, "beta": 0.7},
            ),
        )
    ],
    Row(
        ours="dice(convention=monai, overlap=minimum)",
        name="DiceLoss(soft_label=True), soft masks",
        theirs=pair(losses.DiceLoss(sigmoid=True, soft_label=True)),
        draws=draws.masks(1, soft=True),
        unit=1.0,
    ),
    Row(
        ours="dice(convention=monai, activation=sigmoid)",
        name="DiceLoss(sigmoid=True), 4 channels",
        theirs=pair(losses.DiceLoss(sigmoid=True)),
        draws=draws.masks(4),
        unit=1.0,
    ),
    Row(
        ours="dice(convention=monai, from_logits=false)",
        name="DiceLoss(), probabilities",
        theirs=pair(losses.DiceLoss()),
        draws=draws.as_probabilities(draws.masks(4)),
        unit=1.0,
    ),
    Row(
        ours="dice(convention=monai)",
        name="DiceLoss(weight)",
        theirs=lambda predictions, targets, class_weights: losses.DiceLoss(softmax=True, weight=class_weights)(
            predictions, targets
        ),
        draws=draws.with_class_weights(draws.masks(4)),
        reduction="mean_over_count",
        unit=1.0,
    ),
    *[
        Row(
            ours=f"generalized_dice(convention=monai, weighting={weighting}{', group=batch' if batch else ''})",
            name=f"GeneralizedDiceLoss(w_type={weighting}{', batch=True' if batch else ''})",
            theirs=pair(losses.GeneralizedDiceLoss(softmax=True, w_type=weighting, batch=batch)),
            draws=draws.masks(4),
            unit=1.0,
            narrow=weighting != "uniform",
        )
        for weighting in ("square", "simple", "uniform")
        for batch in (False, True)
    ],
    Row(
        ours="dice(convention=monai) + categorical_ce",
        name="DiceCELoss(softmax=True)",
        theirs=pair(losses.DiceCELoss(softmax=True)),
        draws=draws.masks(4),
        unit=1.0,
    ),
    Row(
        ours="dice(convention=monai) + bce",
        name="DiceCELoss(sigmoid=True), 1 channel",
        theirs=pair(losses.DiceCELoss(sigmoid=True)),
        draws=draws.masks(1),
        unit=1.0,
    ),
    Row(
        ours="dice(convention=monai, activation=sigmoid) + 0.5*focal(alpha=none)",
        name="DiceFocalLoss(sigmoid=True, lambda_focal=0.5)",
        theirs=pair(losses.DiceFocalLoss(sigmoid=True, lambda_focal=0.5)),
        draws=draws.masks(4),
        unit=1.0,
        narrow=True,
    ),
    *[
        Row(
            ours=f"focal(convention=monai, gamma={gamma}, alpha={'none' if alpha is None else alpha})",
            name=f"FocalLoss(gamma={gamma}, alpha={alpha})",
            theirs=pair(losses.FocalLoss(gamma=gamma, alpha=alpha)),
            draws=draws.masks(3),
        )
        for gamma, alpha in ((2.0, None), (2.0, 0.25), (0.5, 0.7))
    ],
    Row(
        ours="focal_softmax",
        name="FocalLoss(use_softmax=True)",
        theirs=_one_hot(losses.FocalLoss(use_softmax=True)),
        draws=draws.pixel_ids(4),
        explained=Explained(reason="MONAI divides by pixels times classes, C times too many", by=_over_classes),
    ),
    Row(
        ours="focal_softmax",
        name="FocalLoss(use_softmax=True, alpha=0.3)",
        theirs=_one_hot(losses.FocalLoss(use_softmax=True, alpha=0.3)),
        draws=draws.with_alpha(draws.pixel_ids(4), 0.3),
        explained=Explained(
            reason="MONAI divides by pixels times classes; alpha is our class weights (1 - alpha, alpha, ...)",
            by=_over_classes,
        ),
    ),
    Row(
        ours="giou(convention=monai)",
        name="BoxGIoULoss",
        theirs=pair(losses.BoxGIoULoss()),
        draws=draws.boxes,
        unit=1.0,
        narrow=True,
    ),
    Row(
        ours="iou(eps=1.1920928955078125e-07)",
        name="1 - data.box_utils.box_iou, its diagonal",
        theirs=lambda predictions, targets: (1 - box_iou(predictions, targets).diagonal()).mean(),
        draws=draws.boxes,
        unit=1.0,
        narrow=True,
    ),
    Row(
        ours="nt_xent(convention=monai)",
        name="ContrastiveLoss",
        theirs=_views(losses.ContrastiveLoss()),
        draws=draws.views,
        unit=2.0,
    ),
    Row(
        ours=f"nt_xent(temperature={TENTH})",
        name="ContrastiveLoss(temperature=0.1)",
        theirs=_views(losses.ContrastiveLoss(temperature=0.1)),
        draws=draws.embeddings("first", "second"),
        unit=10.0,
    ),
    Row(
        ours="barlow_twins(convention=monai)",
        name="BarlowTwinsLoss",
        theirs=_views(losses.BarlowTwinsLoss()),
        draws=draws.many_views,
        unit=1.0,
        explained=Explained(
            reason="MONAI adds 1e-6 to the standard deviation, the preset 1e-12 to the variance", most=1e-4
        ),
    ),
    *[
        Row(
            ours="adversarial_generator(convention=monai)",
            name="PatchAdversarialLoss(no_activation_leastsq=True), generator",
            theirs=lambda fake: losses.PatchAdversarialLoss(no_activation_leastsq=True)(
                fake, target_is_real=True, for_discriminator=False
            ),
            draws=draws.embeddings("fake"),
        ),
        Row(
            ours="adversarial_discriminator(convention=monai)",
            name="PatchAdversarialLoss(no_activation_leastsq=True), real + fake",
            theirs=lambda real, fake: sum(
                losses.PatchAdversarialLoss(no_activation_leastsq=True)(
                    scores, target_is_real=wanted, for_discriminator=True
                )
                for scores, wanted in ((real, True), (fake, False))
            ),
            draws=draws.embeddings("real", "fake"),
        ),
        Row(
            ours="adversarial_discriminator",
            name='PatchAdversarialLoss(criterion="bce"), real + fake',
            theirs=lambda real, fake: sum(
                losses.PatchAdversarialLoss(criterion="bce")(scores, target_is_real=wanted, for_discriminator=True)
                for scores, wanted in ((real, True), (fake, False))
            ),
            draws=draws.embeddings("real", "fake"),
        ),
        Row(
            ours="adversarial_discriminator(form=hinge)",
            name='PatchAdversarialLoss(criterion="hinge"), real + fake',
            theirs=lambda real, fake: sum(
                losses.PatchAdversarialLoss(criterion="hinge")(scores, target_is_real=wanted, for_discriminator=True)
                for scores, wanted in ((real, True), (fake, False))
            ),
            draws=draws.embeddings("real", "fake"),
            explained=Explained(
                reason="MONAI puts a tanh on the scores first",
                by=lambda ours, real, fake: ours(real=real.tanh(), fake=fake.tanh()),
            ),
        ),
        Row(
            ours="adversarial_generator(form=lsgan, factor=1)",
            name="PatchAdversarialLoss(), generator",
            theirs=lambda fake: losses.PatchAdversarialLoss()(fake, target_is_real=True, for_discriminator=False),
            draws=draws.embeddings("fake"),
            explained=Explained(
                reason="MONAI puts a leaky ReLU of slope 0.05 on the scores first",
                by=lambda ours, fake: ours(fake=F.leaky_relu(fake, 0.05)),
            ),
        ),
    ],
    *[
        Row(
            ours=f"generalized_dice(convention=monai{extra})",
            name=f"GeneralizedDiceLoss({name}), an absent class",
            theirs=pair(losses.GeneralizedDiceLoss(softmax=True, batch=bool(name))),
            draws=draws.masks(4, empty=True),
            unit=1.0,
            narrow=True,
        )
        for extra, name in (("", ""), (", group=batch", "batch=True"))
    ],
    Row(
        ours="focal(gamma=2, alpha=none)",
        name="FocalLoss(ignore_index=-100, to_onehot_y=True), nothing ignored",
        theirs=lambda predictions, targets: losses.FocalLoss(ignore_index=-100, to_onehot_y=True)(
            predictions, targets.argmax(1, keepdim=True)
        ),
        draws=draws.masks(3),
        explained=Explained(
            reason="MONAI divides by pixels instead of pixels times classes as soon as it has an ignore_index",
            by=lambda ours, predictions, targets: predictions.shape[1] * ours(predictions=predictions, targets=targets),
        ),
    ),
    Row(
        ours="hausdorff_dt(convention=monai)",
        name="HausdorffDTLoss(softmax=True)",
        theirs=pair(losses.HausdorffDTLoss(softmax=True)),
        draws=draws.masks(3),
        narrow=True,
    ),
    Row(
        ours="hausdorff_dt(convention=monai)",
        name="HausdorffDTLoss(sigmoid=True), 1 channel",
        theirs=pair(losses.HausdorffDTLoss(sigmoid=True, include_background=True)),
        draws=draws.masks(1),
        narrow=True,
    ),
    Row(
        ours="cldice(from_logits=false)",
        name="SoftclDiceLoss(smooth=1e-30), 1 channel",
        theirs=pair(losses.SoftclDiceLoss(smooth=1e-30)),
        draws=draws.as_probabilities(draws.masks(1)),
        unit=1.0,
    ),
    Row(
        ours="cldice(from_logits=false)",
        name="SoftclDiceLoss, 1 channel",
        theirs=pair(losses.SoftclDiceLoss()),
        draws=draws.as_probabilities(draws.masks(1)),
        unit=1.0,
        explained=Explained(reason="MONAI adds 1e-4 to the sum of precision and sensitivity", most=1e-3),
    ),
    Row(
        ours="cldice(from_logits=false)",
        name="SoftclDiceLoss(smooth=1e-30), 3 channels",
        theirs=pair(losses.SoftclDiceLoss(smooth=1e-30)),
        draws=draws.as_softmax(draws.masks(3)),
        unit=1.0,
        explained=Explained(
            reason="MONAI sums over all classes of an image, ours has a quotient a class", by=_all_classes
        ),
    ),
    Row(
        ours="focal_softmax(convention=monai)",
        name="FocalLoss(use_softmax=True), by preset",
        theirs=_one_hot(losses.FocalLoss(use_softmax=True)),
        draws=draws.pixel_ids(4),
    ),
    Row(
        ours="focal_softmax(convention=monai)",
        name="FocalLoss(use_softmax=True, alpha=0.3), by preset and class weights",
        theirs=_one_hot(losses.FocalLoss(use_softmax=True, alpha=0.3)),
        draws=draws.with_alpha(draws.pixel_ids(4), 0.3),
    ),
    Row(
        ours="cldice(convention=monai)",
        name="SoftclDiceLoss(smooth=1e-30), 1 channel, by preset",
        theirs=pair(losses.SoftclDiceLoss(smooth=1e-30)),
        draws=draws.as_probabilities(draws.masks(1)),
        unit=1.0,
    ),
]
