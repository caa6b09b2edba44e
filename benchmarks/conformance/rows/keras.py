"""keras.losses, on torch, where keras.ops.mean goes through float32 whatever the float type: those are `narrow`."""

import keras
import torch
from torch import Tensor

from benchmarks.conformance import draws
from benchmarks.conformance.table import Explained, Function, Ours, Row

K = keras.losses
EPSILON = 1e-7  # of Keras
CLIPS = "Keras clips probabilities to [1e-7, 1 - 1e-7], ours does not"


def _of(function: Function, **given: object) -> Function:
    return lambda predictions, targets: function(targets, predictions, **given).mean()


def _last(function: Function, **given: object) -> Function:
    """Return a call of a function that has classes last."""

    def call(predictions: Tensor, targets: Tensor) -> Tensor:
        moved = targets.movedim(1, -1) if targets.ndim == predictions.ndim else targets
        return function(moved, predictions.movedim(1, -1), **given).mean()

    return call


def _clipped(ours: Ours, predictions: Tensor, **rest: Tensor) -> Tensor:
    return ours(predictions=predictions.clip(EPSILON, 1 - EPSILON), **rest)


def _normalised(ours: Ours, predictions: Tensor, **rest: Tensor) -> Tensor:
    return ours(predictions=predictions / predictions.sum(1, keepdim=True), **rest)


def _one_more(ours: Ours, predictions: Tensor, targets: Tensor) -> Tensor:
    """Return ours with one more class, whose score is 0."""
    nothing = torch.zeros_like(predictions[:, :1])
    return ours(predictions=torch.cat([predictions, nothing], 1), targets=torch.cat([targets, nothing], 1))


NORMALISED = Explained(
    reason="Keras divides probabilities by their sum, which is 1 but has a slope",
    by=_normalised,
)


ROWS = [
    *[
        Row(ours=ours, name=name, theirs=_of(function), draws=inputs, narrow=True)
        for ours, name, function, inputs in (
            ("mse(convention=keras)", "MeanSquaredError", K.mean_squared_error, draws.numbers),
            ("mae(convention=keras)", "MeanAbsoluteError", K.mean_absolute_error, draws.numbers),
            ("mape(convention=keras)", "MeanAbsolutePercentageError", K.mean_absolute_percentage_error, draws.numbers),
            ("huber(convention=keras)", "Huber", K.huber, draws.numbers),
            ("log_cosh(convention=keras)", "LogCosh", K.log_cosh, draws.ordinary),
            ("poisson_nll(convention=keras)", "Poisson", K.poisson, draws.rates),
            ("hinge(convention=keras)", "Hinge", K.hinge, draws.scores),
            ("squared_hinge(convention=keras)", "SquaredHinge", K.squared_hinge, draws.scores),
            ("bce(from_logits=false)", "BinaryCrossentropy", K.binary_crossentropy, draws.binary_probabilities),
            (
                "focal(from_logits=false, alpha=none)",
                "BinaryFocalCrossentropy",
                K.binary_focal_crossentropy,
                draws.hard(draws.binary_probabilities),
            ),
        )
    ],
    Row(
        ours="log_cosh(convention=keras)",
        name="LogCosh, errors of 1e-8 to 6e4",
        theirs=_of(K.log_cosh),
        narrow=True,
        draws=draws.numbers,
        float32="Keras subtracts log 2 from a softplus, whose digits a small error does not survive",
    ),
    Row(
        ours="msle(convention=keras)",
        name="MeanSquaredLogarithmicError",
        theirs=_of(K.mean_squared_logarithmic_error),
        narrow=True,
        draws=draws.positives,
    ),
    Row(
        ours="huber(convention=keras, delta=0.3)",
        name="Huber(delta=0.3)",
        theirs=_of(K.huber, delta=0.3),
        narrow=True,
        draws=draws.numbers,
    ),
    Row(
        ours="cosine_similarity(convention=keras)",
        name="CosineSimilarity",
        theirs=_of(K.cosine_similarity),
        narrow=True,
        draws=draws.embeddings("predictions", "targets"),
        unit=1.0,
    ),
    Row(
        ours="bce",
        name="BinaryCrossentropy(from_logits=True)",
        theirs=_of(K.binary_crossentropy, from_logits=True),
        narrow=True,
        draws=draws.soft_logits,
    ),
    Row(
        ours="bce(from_logits=false)",
        name="BinaryCrossentropy, at 0 and 1",
        theirs=_of(K.binary_crossentropy),
        narrow=True,
        draws=draws.certain_probabilities,
        gradient=False,
        explained=Explained(reason=CLIPS, by=_clipped),
    ),
    Row(
        ours="bce",
        name="BinaryCrossentropy(from_logits=True, label_smoothing=0.1)",
        theirs=_of(K.binary_crossentropy, from_logits=True, label_smoothing=0.1),
        narrow=True,
        draws=draws.soft_logits,
        explained=Explained(
            reason="Keras draws labels towards a half; ours has no such parameter for bce: smooth the labels",
            by=lambda ours, predictions, targets: ours(predictions=predictions, targets=0.9 * targets + 0.05),
        ),
    ),
    Row(
        ours="focal(alpha=none)",
        name="BinaryFocalCrossentropy(from_logits=True)",
        theirs=_of(K.binary_focal_crossentropy, from_logits=True),
        narrow=True,
        draws=draws.hard(draws.mild_logits),
        float32="Keras takes 1 - p of a rounded p",
    ),
    Row(
        ours="focal(alpha=0.25, gamma=1.5)",
        name="BinaryFocalCrossentropy(apply_class_balancing=True, gamma=1.5)",
        theirs=_of(K.binary_focal_crossentropy, from_logits=True, apply_class_balancing=True, gamma=1.5),
        narrow=True,
        draws=draws.hard(draws.mild_logits),
        float32="Keras takes 1 - p of a rounded p",
    ),
    *[
        Row(
            ours=f"categorical_ce(label_smoothing={smooth})" if smooth else "categorical_ce",
            name=f"CategoricalCrossentropy(from_logits=True{f', label_smoothing={smooth}' if smooth else ''})",
            theirs=_last(K.categorical_crossentropy, from_logits=True, label_smoothing=smooth),
            draws=draws.dense(),
        )
        for smooth in (0.0, 0.1)
    ],
    Row(
        ours="categorical_ce(from_logits=false)",
        name="CategoricalCrossentropy",
        theirs=_last(K.categorical_crossentropy),
        draws=draws.on_simplex(draws.dense()),
        explained=NORMALISED,
    ),
    Row(
        ours="sparse_categorical_ce",
        name="SparseCategoricalCrossentropy(from_logits=True)",
        theirs=_last(K.sparse_categorical_crossentropy, from_logits=True),
        draws=draws.sparse(),
    ),
    Row(
        ours="sparse_categorical_ce(from_logits=false)",
        name="SparseCategoricalCrossentropy",
        theirs=_last(K.sparse_categorical_crossentropy),
        draws=draws.on_simplex(draws.sparse(edges=False)),
        explained=NORMALISED,
    ),
    Row(
        ours="sparse_categorical_ce(ignore_index=0)",
        name="SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)",
        theirs=lambda predictions, targets: K.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)(
            targets, predictions
        ),
        draws=draws.two_axes(draws.sparse(ignored=0, edges=False)),
    ),
    Row(
        ours="generalized_ce(convention=keras)",
        name="CategoricalGeneralizedCrossEntropy(q=0.5)",
        theirs=_last(K.categorical_generalized_cross_entropy, q=0.5),
        draws=draws.two_axes(draws.on_simplex(draws.sparse(edges=False))),
    ),
    Row(
        ours="categorical_hinge",
        name="CategoricalHinge, some other score above 0",
        theirs=_last(K.categorical_hinge),
        draws=draws.raised(draws.dense(soft=False)),
    ),
    Row(
        ours="categorical_hinge",
        name="CategoricalHinge",
        theirs=_last(K.categorical_hinge),
        draws=draws.dense(soft=False),
        explained=Explained(
            reason="Keras takes the largest (1 - y) z, in which the label's own class counts as a 0: one more class",
            by=_one_more,
        ),
    ),
    Row(
        ours="kl_div(convention=keras)",
        name="KLDivergence",
        theirs=_last(K.kl_divergence),
        draws=draws.on_simplex(draws.positive_targets),
    ),
    Row(
        ours="focal_softmax",
        name="CategoricalFocalCrossentropy(alpha=0.25)",
        theirs=_last(
            lambda targets, predictions, **given: K.categorical_focal_crossentropy(
                torch.nn.functional.one_hot(targets, predictions.shape[-1]), predictions, **given
            ),
            from_logits=True,
        ),
        draws=draws.mild(draws.sparse(edges=False)),
        explained=Explained(
            reason="Keras multiplies every class by alpha", by=lambda ours, **inputs: 0.25 * ours(**inputs)
        ),
        float32="Keras takes 1 - p of a rounded p",
    ),
    Row(
        ours="mse",
        name="MeanSquaredError(sample_weight)",
        theirs=lambda predictions, targets, weights: K.MeanSquaredError()(targets, predictions, sample_weight=weights),
        narrow=True,
        draws=draws.weighted(draws.flat(draws.numbers)),
        reduction="mean_over_count",
    ),
    Row(
        ours="mse",
        name="MeanSquaredError(sample_weight), some of them 0",
        theirs=lambda predictions, targets, weights: K.MeanSquaredError()(targets, predictions, sample_weight=weights),
        narrow=True,
        draws=draws.weighted(draws.flat(draws.numbers), zeros=True),
        reduction="mean_over_count",
    ),
    Row(
        ours="mse",
        name='MeanSquaredError(reduction="mean_with_sample_weight")',
        theirs=lambda predictions, targets, weights: K.MeanSquaredError(reduction="mean_with_sample_weight")(
            targets, predictions, sample_weight=weights
        ),
        narrow=True,
        draws=draws.weighted(draws.flat(draws.numbers), zeros=True),
    ),
    *[
        Row(
            ours="dice(convention=keras)",
            name=f"Dice, {classes} channels",
            theirs=lambda predictions, targets: K.dice(targets, predictions),
            draws=draws.as_probabilities(draws.masks(classes)),
            unit=1.0,
        )
        for classes in (1, 4)
    ],
    Row(
        ours="dice(convention=keras)",
        name="Dice, an empty mask among them",
        theirs=lambda predictions, targets: K.dice(targets, predictions),
        draws=draws.as_probabilities(draws.masks(4, empty=True)),
        unit=1.0,
    ),
    Row(
        ours="tversky(convention=keras)",
        name="Tversky",
        theirs=lambda predictions, targets: K.tversky(targets, predictions),
        draws=draws.as_probabilities(draws.masks(4)),
        unit=1.0,
    ),
    Row(
        ours="tversky(convention=keras, alpha=0.8, beta=0.2)",
        name="Tversky(alpha=0.2, beta=0.8)",
        theirs=lambda predictions, targets: K.tversky(targets, predictions, alpha=0.2, beta=0.8),
        draws=draws.as_probabilities(draws.masks(4)),
        unit=1.0,
    ),
    Row(
        ours="ctc(convention=keras)",
        name="CTC",
        theirs=lambda predictions, targets, **_: K.ctc(targets, predictions.movedim(1, 2)).mean(),
        draws=draws.sequences,
    ),
    Row(
        ours="bce(convention=keras)",
        name="BinaryCrossentropy, at 0 and 1, by preset",
        float32="Keras's 1 - 1e-7 rounds to 1 - 1.19e-7",
        theirs=_of(K.binary_crossentropy),
        draws=draws.certain_probabilities,
        gradient=False,
        narrow=True,
    ),
    Row(
        ours="bce(convention=keras)",
        name="BinaryCrossentropy, by preset",
        theirs=_of(K.binary_crossentropy),
        draws=draws.binary_probabilities,
        narrow=True,
    ),
    Row(
        ours="categorical_ce(convention=keras)",
        name="CategoricalCrossentropy, by preset",
        theirs=_last(K.categorical_crossentropy),
        draws=draws.on_simplex(draws.dense()),
        explained=NORMALISED,
    ),
    Row(
        ours="sparse_categorical_ce(convention=keras)",
        name="SparseCategoricalCrossentropy, by preset",
        theirs=_last(K.sparse_categorical_crossentropy),
        draws=draws.on_simplex(draws.sparse(edges=False)),
        explained=NORMALISED,
    ),
    Row(
        ours="focal(convention=keras)",
        name="BinaryFocalCrossentropy, by preset",
        theirs=_of(K.binary_focal_crossentropy),
        draws=draws.hard(draws.binary_probabilities),
        narrow=True,
    ),
    Row(
        ours="focal_softmax(convention=keras)",
        name="CategoricalFocalCrossentropy, by preset",
        theirs=_last(
            lambda targets, predictions: K.categorical_focal_crossentropy(
                torch.nn.functional.one_hot(targets, predictions.shape[-1]), predictions
            )
        ),
        draws=draws.on_simplex(draws.mild(draws.sparse(edges=False))),
        explained=NORMALISED,
    ),
]
