"""torch.nn.functional."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - as everyone writes it

from benchmarks.conformance import draws
from benchmarks.conformance.table import Explained, Function, Row, pair

EPS = 1e-6  # the least variance of gaussian_nll_loss


def _signed(function: Function) -> Function:
    """Return a function of labels of 0 and 1 from one of labels of -1 and 1."""
    return lambda predictions, targets: function(predictions, 2 * targets - 1)


def _listed(targets: Tensor) -> Tensor:
    """Return the ids of the labels that hold, -1 behind the last."""
    order = targets.argsort(dim=1, descending=True, stable=True)
    return order.where(targets.gather(1, order) > 0, -1)


def _ctc(how: str) -> Function:
    def call(predictions: Tensor, targets: Tensor, prediction_lengths: Tensor, target_lengths: Tensor) -> Tensor:
        frames = predictions.permute(2, 0, 1).log_softmax(2)
        return F.ctc_loss(frames, targets, prediction_lengths, target_lengths, reduction=how)

    return call


def _clip(first: Tensor, second: Tensor) -> Tensor:
    similarity = F.normalize(first) @ F.normalize(second).T / 0.5
    wanted = torch.arange(len(first))
    return (F.cross_entropy(similarity, wanted) + F.cross_entropy(similarity.T, wanted)) / 2


def _held_at_eps(ours: Function, predictions: Tensor, variance: Tensor, targets: Tensor) -> Tensor:
    """Return our loss at variances raised to eps, their slope passed on as torch does."""
    raised = torch.full_like(variance, EPS) + (variance - variance.detach())
    return ours(predictions=predictions, variance=raised.where(variance < EPS, variance), targets=targets)


def _batchmean(predictions: Tensor, targets: Tensor) -> Tensor:
    return F.kl_div(predictions.log_softmax(1), targets, reduction="batchmean")


ROWS = [
    *[
        Row(
            ours=ours,
            name=f"{function.__name__}{shown}",
            theirs=lambda predictions, targets, function=function, given=given, how=how: function(
                predictions, targets, reduction=how, **given
            ),
            draws=draws.numbers,
            reduction=how,
        )
        for how in ("mean", "sum", "none")
        for ours, function, shown, given in (
            ("mse(convention=torch)", F.mse_loss, "", {}),
            ("mae(convention=torch)", F.l1_loss, "", {}),
            ("smooth_l1(convention=torch)", F.smooth_l1_loss, "", {}),
            ("smooth_l1(beta=0.3)", F.smooth_l1_loss, "(beta=0.3)", {"beta": 0.3}),
            ("smooth_l1(beta=0)", F.smooth_l1_loss, "(beta=0)", {"beta": 0.0}),
        )
    ],
    Row(
        ours="mse",
        name="mse_loss(weight)",
        theirs=lambda predictions, targets, weights: F.mse_loss(predictions, targets, weight=weights),
        draws=draws.weighted_numbers,
    ),
    *[
        Row(
            ours=ours,
            name=f"binary_cross_entropy_with_logits{shown}",
            theirs=lambda predictions, targets, factor=factor, how=how: F.binary_cross_entropy_with_logits(
                predictions, targets, pos_weight=predictions.new_tensor(factor), reduction=how
            ),
            draws=draws.soft_logits,
            reduction=how,
        )
        for how in ("mean", "sum", "none")
        for ours, shown, factor in (("bce", "", 1.0), ("bce(pos_weight=3)", "(pos_weight=3)", 3.0))
    ],
    Row(
        ours="bce(from_logits=false)",
        name="binary_cross_entropy",
        theirs=pair(F.binary_cross_entropy),
        draws=draws.binary_probabilities,
    ),
    *[
        Row(
            ours=f"sparse_categorical_ce(convention=torch, label_smoothing={smooth})",
            name=f"cross_entropy(ids{', weight' if weighted else ''}{f', label_smoothing={smooth}' if smooth else ''})",
            theirs=lambda predictions, targets, class_weights=None, smooth=smooth, how=how: F.cross_entropy(
                predictions, targets, weight=class_weights, label_smoothing=smooth, reduction=how
            ),
            draws=draws.sparse(ignored=-100, weighted=weighted),
            reduction=how,
        )
        for smooth in (0.0, 0.1)
        for weighted in (False, True)
        for how in ("mean", "sum", "none")
    ],
    Row(
        ours="sparse_categorical_ce(ignore_index=0)",
        name="cross_entropy(ids, ignore_index=0)",
        theirs=lambda predictions, targets: F.cross_entropy(predictions, targets, ignore_index=0),
        draws=draws.sparse(ignored=0, edges=False),
    ),
    *[
        Row(
            ours=f"categorical_ce(convention=torch, label_smoothing={smooth})",
            name=f"cross_entropy(probabilities{f', label_smoothing={smooth}' if smooth else ''})",
            theirs=lambda predictions, targets, smooth=smooth: F.cross_entropy(
                predictions, targets, label_smoothing=smooth, reduction="none"
            ).mean(),
            draws=draws.dense(),
        )
        for smooth in (0.0, 0.1)
    ],
    Row(
        ours="sparse_categorical_ce(from_logits=false)",
        name="nll_loss(log p)",
        theirs=lambda predictions, targets: F.nll_loss(predictions.log(), targets),
        draws=draws.on_simplex(draws.sparse(ignored=-100)),
    ),
    *[
        Row(
            ours=f"triplet(p={p}, margin={margin}, eps={eps})",
            name=f"triplet_margin_loss(p={p}, margin={margin}, eps={eps})",
            theirs=lambda anchor, positive, negative, given={"p": p, "margin": margin, "eps": eps}: (
                F.triplet_margin_loss(anchor, positive, negative, **given)
            ),
            draws=draws.embeddings("anchor", "positive", "negative"),
        )
        for p, margin, eps in ((2, 1, 1e-6), (1, 0.5, 0), (3, 2, 1e-6))
    ],
    Row(
        ours="adversarial_generator",
        name="binary_cross_entropy_with_logits(fake, 1)",
        theirs=lambda fake: F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake)),
        draws=draws.embeddings("fake"),
    ),
    Row(
        ours="adversarial_discriminator",
        name="binary_cross_entropy_with_logits(real, 1) + (fake, 0)",
        theirs=lambda real, fake: (
            F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
            + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
        ),
        draws=draws.embeddings("real", "fake"),
    ),
    *[
        Row(
            ours=f"huber(convention=torch, delta={delta})",
            name=f"huber_loss(delta={delta})",
            theirs=pair(F.huber_loss, delta=delta, reduction=how),
            draws=draws.numbers,
            reduction=how,
        )
        for delta in (1.0, 0.3, 5.0)
        for how in ("mean", "sum", "none")
    ],
    Row(
        ours="smooth_l1(beta=0.3)",
        name="huber_loss(delta=0.3)",
        theirs=pair(F.huber_loss, delta=0.3),
        draws=draws.numbers,
        explained=Explained(reason="huber is delta times smooth_l1", by=lambda ours, **inputs: 0.3 * ours(**inputs)),
    ),
    *[
        Row(
            ours=f"poisson_nll(convention=torch, log_input={str(logs).lower()}, full={str(full).lower()})",
            name=f"poisson_nll_loss(log_input={logs}, full={full})",
            theirs=pair(F.poisson_nll_loss, log_input=logs, full=full),
            draws=draws.log_rates if logs else draws.rates,
        )
        for logs in (True, False)
        for full in (True, False)
    ],
    *[
        Row(
            ours=f"gaussian_nll(convention=torch, full={str(full).lower()})",
            name=f"gaussian_nll_loss(full={full})",
            theirs=lambda predictions, variance, targets, full=full: F.gaussian_nll_loss(
                predictions, targets, variance, full=full
            ),
            draws=draws.gaussians,
        )
        for full in (True, False)
    ],
    Row(
        ours="laplace_nll",
        name="-distributions.Laplace.log_prob",
        theirs=lambda predictions, scale, targets: (
            -torch.distributions.Laplace(predictions, scale).log_prob(targets).mean()
        ),
        draws=draws.scaled,
    ),
    Row(
        ours="gaussian_nll(full=true)",
        name="-distributions.Normal.log_prob",
        theirs=lambda predictions, variance, targets: (
            -torch.distributions.Normal(predictions, variance.sqrt()).log_prob(targets).mean()
        ),
        draws=draws.gaussians,
    ),
    Row(
        ours="kl_div(convention=torch)",
        name="kl_div(log p)",
        theirs=lambda predictions, targets: F.kl_div(predictions.log_softmax(1), targets),
        draws=draws.soft_classes,
    ),
    Row(ours="kl_div", name="kl_div(log p, batchmean)", theirs=_batchmean, draws=draws.two_axes(draws.soft_classes)),
    *[
        Row(
            ours=f"distillation_kl(temperature={t})",
            name=f"T^2 kl_div(log p_T, q_T, batchmean), T={t}",
            theirs=lambda student, teacher, t=t: (
                t**2 * F.kl_div((student / t).log_softmax(1), (teacher / t).softmax(1), reduction="none").sum(1).mean()
            ),
            draws=draws.teachers,
        )
        for t in (4, 1)
    ],
    Row(
        ours="soft_margin(convention=torch)",
        name="soft_margin_loss",
        theirs=_signed(F.soft_margin_loss),
        draws=draws.scores,
        float32="torch takes the exponential of the score, which overflows beyond 88",
    ),
    Row(
        ours="multilabel_soft_margin(convention=torch)",
        name="multilabel_soft_margin_loss",
        theirs=pair(F.multilabel_soft_margin_loss),
        draws=draws.multilabel,
    ),
    Row(
        ours="multilabel_soft_margin(convention=torch)",
        name="multilabel_soft_margin_loss(weight)",
        theirs=lambda predictions, targets, class_weights: F.multilabel_soft_margin_loss(
            predictions, targets, weight=class_weights
        ),
        draws=draws.with_class_weights(draws.multilabel),
    ),
    Row(
        ours="multilabel_margin(convention=torch)",
        name="multilabel_margin_loss",
        theirs=lambda predictions, targets: F.multilabel_margin_loss(predictions, _listed(targets)),
        draws=draws.multilabel,
    ),
    *[
        Row(
            ours=f"multi_margin(convention=torch, p={p}, margin={margin})",
            name=f"multi_margin_loss(p={p}, margin={margin}{', weight' if weighted else ''})",
            theirs=lambda predictions, targets, class_weights=None, p=p, margin=margin: F.multi_margin_loss(
                predictions, targets, p=p, margin=margin, weight=class_weights
            ),
            draws=draws.two_axes(draws.sparse(weighted=weighted)),
        )
        for p, margin in ((1, 1.0), (2, 0.5))
        for weighted in (False, True)
    ],
    *[
        Row(
            ours=f"cosine_embedding(convention=torch, margin={margin})",
            name=f"cosine_embedding_loss(margin={margin})",
            theirs=lambda first, second, targets, margin=margin: F.cosine_embedding_loss(
                first, second, targets, margin=margin
            ),
            draws=draws.pairs,
            unit=1.0,
        )
        for margin in (0.0, 0.3)
    ],
    *[
        Row(
            ours=f"margin_ranking(convention=torch, margin={margin})",
            name=f"margin_ranking_loss(margin={margin})",
            theirs=lambda first, second, targets, margin=margin: F.margin_ranking_loss(
                first, second, targets, margin=margin
            ),
            draws=draws.ordered,
        )
        for margin in (0.0, 0.5)
    ],
    Row(
        ours="triplet(convention=torch, swap=true)",
        name="triplet_margin_loss(swap=True)",
        theirs=lambda anchor, positive, negative: F.triplet_margin_loss(anchor, positive, negative, swap=True),
        draws=draws.embeddings("anchor", "positive", "negative"),
    ),
    Row(
        ours="cosine_similarity(form=distance)",
        name="1 - cosine_similarity",
        theirs=lambda predictions, targets: (1 - F.cosine_similarity(predictions, targets)).mean(),
        draws=draws.embeddings("predictions", "targets"),
        unit=1.0,
    ),
    Row(ours="ctc(convention=torch)", name="ctc_loss", theirs=_ctc("mean"), draws=draws.sequences),
    Row(ours="ctc", name="ctc_loss, sum", theirs=_ctc("sum"), draws=draws.sequences, reduction="sum"),
    Row(
        ours="ranking_softmax",
        name="cross_entropy(lists, probabilities)",
        theirs=pair(F.cross_entropy),
        draws=draws.lists,
    ),
    Row(
        ours="listnet",
        name="cross_entropy(lists, softmax(relevance))",
        theirs=lambda predictions, targets: F.cross_entropy(predictions, targets.softmax(1)),
        draws=draws.lists,
    ),
    Row(
        ours="info_nce(temperature=0.5, normalize=true, symmetric=true)",
        name="(cross_entropy(s / t, i) + cross_entropy(s.T / t, i)) / 2",
        theirs=_clip,
        draws=draws.views,
        unit=2.0,
    ),
    Row(
        ours="logit_adjusted",
        name="cross_entropy(logits + log priors)",
        theirs=lambda predictions, targets, priors: F.cross_entropy(predictions + priors.log(), targets),
        draws=draws.with_priors,
    ),
    Row(
        ours="focal_softmax(gamma=0)",
        name="cross_entropy(ids), gamma 0",
        theirs=pair(F.cross_entropy),
        draws=draws.sparse(ignored=-100),
    ),
    Row(
        ours="focal(gamma=0, alpha=none)",
        name="binary_cross_entropy_with_logits, gamma 0",
        theirs=pair(F.binary_cross_entropy_with_logits),
        draws=draws.soft_logits,
    ),
    Row(
        ours="class_balanced(beta=0.99)",
        name="cross_entropy(ids, weight=(1 - b) / (1 - b^n))",
        theirs=lambda predictions, targets, class_counts: F.cross_entropy(
            predictions, targets, weight=((1 - 0.99) / (1 - 0.99 ** class_counts.double())).to(predictions.dtype)
        ),
        draws=draws.with_counts,
    ),
    Row(
        ours="coral",
        name="binary_cross_entropy_with_logits(levels), summed over thresholds",
        theirs=lambda predictions, targets: (
            F.binary_cross_entropy_with_logits(
                predictions,
                (targets[:, None] > torch.arange(predictions.shape[1])).to(predictions.dtype),
                reduction="none",
            )
            .sum(1)
            .mean()
        ),
        draws=draws.ranks,
    ),
    Row(
        ours="negative_binomial_nll",
        name="-distributions.NegativeBinomial.log_prob",
        theirs=lambda predictions, dispersion, targets: (
            -torch.distributions.NegativeBinomial(1 / dispersion, logits=predictions + dispersion.log())
            .log_prob(targets)
            .mean()
        ),
        draws=draws.dispersed,
        float32="torch takes differences of lgamma",
    ),
    Row(
        ours="gaussian_nll(convention=torch)",
        name="gaussian_nll_loss, variances below eps",
        theirs=lambda predictions, variance, targets: F.gaussian_nll_loss(predictions, targets, variance),
        draws=draws.certain,
        explained=Explained(
            reason="the value is equal; below eps torch has the variance's slope at eps, ours has none",
            by=_held_at_eps,
            equal=True,
        ),
    ),
    Row(
        ours="adversarial_discriminator(form=lsgan)",
        name="(mse_loss(real, 1) + mse_loss(fake, 0)) / 2",
        theirs=lambda real, fake: (
            F.mse_loss(real, torch.ones_like(real)) / 2 + F.mse_loss(fake, torch.zeros_like(fake)) / 2
        ),
        draws=draws.embeddings("real", "fake"),
    ),
    Row(
        ours="adversarial_discriminator(form=wgan)",
        name="mean(fake) - mean(real)",
        theirs=lambda real, fake: fake.mean() - real.mean(),
        draws=draws.embeddings("real", "fake"),
        unit=1.0,
    ),
    Row(
        ours="bce(convention=torch, from_logits=false)",
        name="binary_cross_entropy, at 0 and 1",
        theirs=pair(F.binary_cross_entropy),
        draws=draws.certain_probabilities,
        gradient=False,
    ),
]
