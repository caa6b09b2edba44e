"""optax.losses, on jax."""

import jax
import jax.numpy as jnp
from optax import losses
from torch import Tensor

from benchmarks.conformance import draws
from benchmarks.conformance.table import Explained, Function, Ours, Row, pair


def _mean(function: Function, **given: object) -> Function:
    return lambda predictions, targets: function(predictions, targets, **given).mean()


def _last(array: jax.Array) -> jax.Array:
    """Return masks (n, C, height, width) with the channels last."""
    return jnp.moveaxis(array, 1, -1)


def _signed_norm(ours: Ours, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Return what our triplet would be if its norm of degree 1 were the sum of differences."""
    del ours
    return ((anchor - positive).sum(1) - (anchor - negative).sum(1) + 1).clamp(min=0).mean()


def _ctc(
    predictions: jax.Array, targets: jax.Array, prediction_lengths: jax.Array, target_lengths: jax.Array
) -> Function:
    frames = jnp.moveaxis(predictions, 1, 2)
    longest = jnp.arange(targets.shape[1])
    padding = (longest >= target_lengths[:, None]).astype(frames.dtype)
    silence = jnp.zeros(frames.shape[:2], frames.dtype)
    del prediction_lengths  # all as long as the array
    return losses.ctc_loss(frames, silence, targets, padding).mean()


CLASSES = draws.two_axes(draws.sparse(edges=False))

ROWS = [
    Row(ours="mse(convention=optax)", name="squared_error", theirs=_mean(losses.squared_error), draws=draws.numbers),
    Row(
        ours="mse",
        name="l2_loss",
        theirs=_mean(losses.l2_loss),
        draws=draws.numbers,
        explained=Explained(reason="half of the squared error", by=lambda ours, **inputs: ours(**inputs) / 2),
    ),
    *[
        Row(
            ours=f"huber(convention=optax, delta={delta})",
            name=f"huber_loss(delta={delta})",
            theirs=_mean(losses.huber_loss, delta=delta),
            draws=draws.numbers,
        )
        for delta in (1.0, 0.3)
    ],
    Row(ours="log_cosh(convention=optax)", name="log_cosh", theirs=_mean(losses.log_cosh), draws=draws.numbers),
    Row(
        ours="cosine_similarity(convention=optax)",
        name="cosine_distance",
        theirs=_mean(losses.cosine_distance),
        draws=draws.embeddings("predictions", "targets"),
        unit=1.0,
    ),
    Row(
        ours="bce(convention=optax)",
        name="sigmoid_binary_cross_entropy",
        theirs=_mean(losses.sigmoid_binary_cross_entropy),
        draws=draws.soft_logits,
    ),
    *[
        Row(
            ours=f"focal(convention=optax, gamma={gamma}, alpha={'none' if alpha is None else alpha})",
            name=f"sigmoid_focal_loss(gamma={gamma}, alpha={alpha})",
            theirs=_mean(losses.sigmoid_focal_loss, gamma=gamma, alpha=alpha),
            draws=draws.logits,
        )
        for gamma, alpha in ((2.0, None), (2.0, 0.25), (0.5, 0.6), (5.0, 0.25))
    ],
    Row(
        ours="categorical_ce(convention=optax)",
        name="softmax_cross_entropy",
        float32="optax loses digits that its safe variant keeps",
        theirs=_mean(losses.softmax_cross_entropy),
        draws=draws.two_axes(draws.dense()),
    ),
    Row(
        ours="categorical_ce(convention=optax)",
        name="safe_softmax_cross_entropy",
        theirs=_mean(losses.safe_softmax_cross_entropy),
        draws=draws.two_axes(draws.dense()),
    ),
    Row(
        ours="categorical_ce(label_smoothing=0.1)",
        name="softmax_cross_entropy(smooth_labels(0.1))",
        theirs=lambda predictions, targets: losses.softmax_cross_entropy(
            predictions, losses.smooth_labels(targets, 0.1)
        ).mean(),
        draws=draws.two_axes(draws.dense()),
    ),
    Row(
        ours="sparse_categorical_ce(convention=optax)",
        name="softmax_cross_entropy_with_integer_labels",
        theirs=lambda predictions, targets: losses.softmax_cross_entropy_with_integer_labels(
            predictions, targets, axis=1
        ).mean(),
        draws=draws.sparse(),
    ),
    Row(
        ours="poly1(convention=optax)",
        name="poly_loss_cross_entropy",
        theirs=_mean(losses.poly_loss_cross_entropy),
        draws=draws.two_axes(draws.dense(soft=True)),
    ),
    Row(
        ours="hinge(convention=optax)",
        name="hinge_loss",
        theirs=lambda predictions, targets: losses.hinge_loss(predictions, 2 * targets - 1).mean(),
        draws=draws.scores,
    ),
    Row(
        ours="categorical_hinge(convention=optax)",
        name="multiclass_hinge_loss",
        theirs=lambda predictions, targets: losses.multiclass_hinge_loss(predictions, targets.argmax(1)).mean(),
        draws=draws.two_axes(draws.dense(soft=False)),
    ),
    Row(
        ours="kl_div(convention=optax)",
        name="kl_divergence(log p)",
        theirs=lambda predictions, targets: losses.kl_divergence(
            jax.nn.log_softmax(predictions, 1), targets, axis=1
        ).mean(),
        draws=draws.soft_classes,
    ),
    Row(
        ours="generalized_kl(convention=optax)",
        name="generalized_kl_divergence",
        theirs=_mean(losses.generalized_kl_divergence),
        draws=draws.two_axes(draws.soft_classes),
    ),
    Row(
        ours="ranking_softmax(convention=optax)",
        name="ranking_softmax_loss",
        theirs=pair(losses.ranking_softmax_loss),
        draws=draws.lists,
    ),
    Row(ours="ctc(convention=optax)", name="ctc_loss", theirs=_ctc, draws=draws.sequences),
    *[
        Row(
            ours="nt_xent_labels(convention=optax)",
            name=f"ntxent, {count} items a label",
            theirs=pair(losses.ntxent),
            draws=draws.labelled(count),
            unit=14.0,
        )
        for count in (2, 3)
    ],
    *[
        Row(
            ours=f"triplet(p={p}, margin=0.7, eps=0)",
            name=f"triplet_margin_loss(norm_degree={p}, margin=0.7, eps=0)",
            theirs=lambda anchor, positive, negative, p=p: losses.triplet_margin_loss(
                anchor, positive, negative, norm_degree=p, margin=0.7, eps=0.0
            ).mean(),
            draws=draws.embeddings("anchor", "positive", "negative"),
            unit=3.0,
        )
        for p in (2, 4)
    ],
    Row(
        ours="triplet(convention=torch)",
        name="triplet_margin_loss, eps 1e-6",
        theirs=lambda anchor, positive, negative: losses.triplet_margin_loss(anchor, positive, negative).mean(),
        draws=draws.embeddings("anchor", "positive", "negative"),
        explained=Explained(reason="optax adds eps under the root, torch and ours to every coordinate", most=1e-5),
    ),
    Row(
        ours="triplet(p=1, eps=0)",
        name="triplet_margin_loss(norm_degree=1)",
        theirs=lambda anchor, positive, negative: losses.triplet_margin_loss(
            anchor, positive, negative, norm_degree=1, eps=0.0
        ).mean(),
        draws=draws.embeddings("anchor", "positive", "negative"),
        explained=Explained(
            reason="optax 0.2.8 takes signed powers: its norm of degree 1 is the sum of differences", by=_signed_norm
        ),
    ),
    *[
        Row(
            ours="dice(convention=optax)",
            name=f"dice_loss, {classes} channels",
            theirs=lambda predictions, targets: losses.dice_loss(_last(predictions), _last(targets)).mean(),
            draws=draws.masks(classes, empty=True),
            unit=1.0,
        )
        for classes in (1, 4)
    ],
    Row(
        ours="dice(convention=optax, include_background=false)",
        name="dice_loss(ignore_background=True)",
        theirs=lambda predictions, targets: losses.dice_loss(
            _last(predictions), _last(targets), ignore_background=True
        ).mean(),
        draws=draws.masks(4),
        unit=1.0,
    ),
    Row(
        ours="dice(convention=optax)",
        name="dice_loss(class_weights)",
        theirs=lambda predictions, targets, class_weights: losses.dice_loss(
            _last(predictions), _last(targets), class_weights=class_weights
        ).mean(),
        draws=draws.with_class_weights(draws.masks(4)),
        reduction="mean_over_count",
        unit=1.0,
    ),
    Row(
        ours="tversky(convention=optax, alpha=0.3, beta=0.7)",
        name="dice_loss(alpha=0.3, beta=0.7)",
        theirs=lambda predictions, targets: losses.dice_loss(
            _last(predictions), _last(targets), alpha=0.3, beta=0.7
        ).mean(),
        draws=draws.masks(4),
        unit=1.0,
    ),
]
