"""Margins, imbalance, noise, divergences, ranks and sequences: torch's numbers and gradients, and known identities."""

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor

from losses.contract.expression import parse
from losses.errors import BadParameter
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from tests.losses.draw import Subject

Inputs = dict[str, Tensor]
Reference = Callable[[Inputs], Tensor]
ITEMS = 40


def drawn(text: str, *, optional: bool = False, spatial: tuple[int, ...] = (2, 3)) -> Inputs:
    ((_, term),) = parse(text).terms
    return Subject(term, optional=optional, spatial=spatial).draw(seed=61, items=ITEMS).inputs


def ours(text: str, inputs: Inputs) -> Evaluation:
    return evaluate(parse(text), inputs, options=Options(gradient="full", standard_error=False))


def columns(x: Tensor) -> Tensor:
    """Return (n, C, *s) as (n * s, C), as torch's margins want it."""
    return x.movedim(1, -1).flatten(0, -2)


def levels(x: Inputs) -> Tensor:
    return (torch.arange(x["predictions"].shape[1]) < x["targets"][:, None]).double()


def listed(labels: Tensor) -> Tensor:
    """Return labels of 0 and 1 as torch lists them: ids, then -1."""
    ids = labels.new_full(labels.shape, -1).long()
    for row, present in zip(ids, labels > 0, strict=True):
        row[: int(present.sum())] = present.nonzero()[:, 0]
    return ids


def distilled(x: Inputs) -> Tensor:
    soft, known = ((x[role] / 3).log_softmax(1) for role in ("student", "teacher"))
    return 9 * F.kl_div(soft, known, log_target=True, reduction="sum") / (soft.numel() / soft.shape[1])


def spelt(reduction: str, *, blank: int = 0) -> Reference:
    def reference(x: Inputs) -> Tensor:
        log_p = x["predictions"].log_softmax(1).permute(2, 0, 1)
        there = torch.arange(x["targets"].shape[1]) < x["target_lengths"][:, None]
        there &= x["targets"] != blank
        return F.ctc_loss(
            log_p, x["targets"][there], x["prediction_lengths"], there.sum(1), blank=blank, reduction=reduction
        )

    return reference


REFERENCES: dict[str, Reference] = {
    "soft_margin": lambda x: F.soft_margin_loss(x["predictions"], 2 * x["targets"] - 1),
    "multilabel_soft_margin": lambda x: F.multilabel_soft_margin_loss(
        columns(x["predictions"]), columns(x["targets"]), x["class_weights"]
    ),
    "multi_margin": lambda x: F.multi_margin_loss(
        columns(x["predictions"]), x["targets"].flatten(), weight=x["class_weights"]
    ),
    "multi_margin(p=2, margin=0.5)": lambda x: F.multi_margin_loss(
        columns(x["predictions"]), x["targets"].flatten(), p=2, margin=0.5, weight=x["class_weights"]
    ),
    "bce(convention=torch, from_logits=false)": lambda x: F.binary_cross_entropy(x["predictions"], x["targets"]),
    "kl_div(convention=torch)": lambda x: F.kl_div(x["predictions"].log_softmax(1), x["targets"]),
    "kl_div": lambda x: F.kl_div(
        columns(x["predictions"]).log_softmax(1), columns(x["targets"]), reduction="batchmean"
    ),
    "distillation_kl(temperature=3)": distilled,
    "class_balanced(beta=0.9)": lambda x: F.cross_entropy(
        x["predictions"], x["targets"], weight=0.1 / (1 - 0.9 ** x["class_counts"])
    ),
    "coral": lambda x: (
        F.binary_cross_entropy_with_logits(
            x["predictions"], levels(x), x["importance_weights"].expand_as(x["predictions"]), reduction="sum"
        )
        / ITEMS
    ),
    "ctc(convention=torch)": spelt("mean"),
    "ctc(blank=2)": lambda x: spelt("none", blank=2)(x).mean(),
}


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
@pytest.mark.parametrize("text", REFERENCES)
def test_the_number_and_the_gradient_are_torchs(text: str) -> None:
    inputs = drawn(text, optional=True)

    evaluation = ours(text, inputs)

    ((_, term),) = parse(text).terms
    leaves = {role: inputs[role].clone().requires_grad_() for role in term.loss.differentiable}
    expected = REFERENCES[text]({**inputs, **leaves})
    slopes = dict(zip(leaves, torch.autograd.grad(expected, list(leaves.values())), strict=True))
    assert evaluation.value == pytest.approx(expected.item(), rel=1e-12)
    torch.testing.assert_close(evaluation.gradients, slopes, rtol=1e-11, atol=1e-14)


def test_multilabel_margin_is_torchs_whatever_the_labels() -> None:
    rng = torch.Generator().manual_seed(62)
    scores = 2 * torch.randn(ITEMS, 7, generator=rng, dtype=torch.float64) + 1e3
    labels = (torch.rand(ITEMS, 7, generator=rng) < 0.4).double()

    evaluation = ours("multilabel_margin", {"predictions": scores, "targets": labels})

    leaf = scores.clone().requires_grad_()
    expected = F.multilabel_margin_loss(leaf, listed(labels))
    (slope,) = torch.autograd.grad(expected, leaf)
    assert evaluation.value == pytest.approx(expected.item(), rel=1e-12)
    torch.testing.assert_close(evaluation.gradients, {"predictions": slope}, rtol=1e-11, atol=1e-14)


IDENTITIES = {
    "asymmetric(gamma_pos=0, gamma_neg=0, clip=0)": "bce",
    "asymmetric(gamma_pos=2, gamma_neg=2, clip=0)": "focal(alpha=none)",
    "symmetric_ce(alpha=1, beta=0)": "sparse_categorical_ce",
    "logit_adjusted(tau=0)": "sparse_categorical_ce",
    "poly1(epsilon=0)": "categorical_ce",
    "poly1(convention=optax)": "poly1(epsilon=2)",
    "class_balanced(beta=0)": "sparse_categorical_ce",
    "focal_softmax(gamma=0, alpha=0.5)": "0.5*sparse_categorical_ce",
    "bce(label_smoothing=0)": "bce(convention=torch)",
}


@pytest.mark.parametrize(("special", "general"), IDENTITIES.items())
def test_one_loss_is_a_case_of_another(special: str, general: str) -> None:
    inputs = drawn(special)
    if "asymmetric" in special:
        inputs["targets"] = inputs["targets"].round()  # on labels between 0 and 1 focal mixes the probabilities

    assert ours(special, inputs).value == pytest.approx(ours(general, inputs).value, rel=1e-12)


@pytest.mark.parametrize("text", ["soft_margin", "hinge"])
def test_labels_of_0_and_1_stand_for_signs(text: str) -> None:
    scores = torch.tensor([0.3, -2.0, 0.7], dtype=torch.float64)
    labels = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    margin = (2 * labels - 1) * scores
    expected = torch.log1p((-margin).exp()) if text == "soft_margin" else (1 - margin).clamp(min=0)

    assert ours(text, {"predictions": scores, "targets": labels}).value == pytest.approx(float(expected.mean()))


def test_of_a_class_twice_as_rare_the_margin_is_the_wider() -> None:
    scores, counts = torch.zeros(2, 2, dtype=torch.float64), torch.tensor([100.0, 50.0], dtype=torch.float64)

    evaluation = evaluate(
        parse("ldam(scale=1)"),
        {"predictions": scores, "targets": torch.tensor([0, 1]), "class_counts": counts},
        options=Options(reduction="none"),
    )

    wide = torch.tensor([0.5 * 0.5**0.25, 0.5], dtype=torch.float64)
    assert evaluation.values is not None
    torch.testing.assert_close(evaluation.values, torch.log1p(wide.exp()), rtol=1e-12, atol=0)


def spellings(labels: list[int], frames: int, classes: int) -> list[tuple[int, ...]]:
    """Return every path that reads as the labels once repeats are merged and blanks of 0 left out."""
    paths = []
    for path in product(range(classes), repeat=frames):
        merged = [symbol for place, symbol in enumerate(path) if place == 0 or path[place - 1] != symbol]
        if [symbol for symbol in merged if symbol] == labels:
            paths.append(path)
    return paths


@pytest.mark.parametrize("labels", [[1], [1, 2], [1, 1], [2, 1, 2], []])
def test_ctc_counts_every_path(labels: list[int]) -> None:
    rng = torch.Generator().manual_seed(63)
    scores = torch.randn(1, 3, 4, generator=rng, dtype=torch.float64)
    scores[0, 2, 1] = -math.inf
    leaf = scores.clone().requires_grad_()
    p = leaf.softmax(1)[0]
    paths = spellings(labels, 4, 3)
    total = torch.stack([torch.stack([p[symbol, t] for t, symbol in enumerate(path)]).prod() for path in paths]).sum()

    evaluation = ours("ctc", {"predictions": scores, "targets": torch.tensor([labels + [0] * (4 - len(labels))])})

    (slope,) = torch.autograd.grad(-total.log(), leaf)
    assert evaluation.value == pytest.approx(-total.log().item(), rel=1e-12)
    torch.testing.assert_close(evaluation.gradients, {"predictions": slope}, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("masked", [False, True])
def test_an_impossible_alignment_is_said_or_costs_nothing(masked: bool) -> None:  # noqa: FBT001 - a parameter of the test
    scores = torch.zeros(2, 2, 2, dtype=torch.float64)
    labels = torch.tensor([[1, 0], [1, 0]] if masked else [[1, 0], [1, 1]])
    if masked:
        scores[1, 1] = -math.inf  # a label that no frame can be
    inputs = {"predictions": scores, "targets": labels}

    infinite, spared = ours("ctc", inputs), ours("ctc(zero_infinity=true)", inputs)

    assert infinite.value is None
    assert spared.value == pytest.approx(math.log(4 / 3) / 2)
    assert spared.gradients is not None
    assert spared.gradients["predictions"].isfinite().all()
    assert not spared.gradients["predictions"][1].any()


def test_a_blank_that_is_no_class_is_refused() -> None:
    inputs = {"predictions": torch.zeros(1, 2, 3), "targets": torch.tensor([[1]])}

    with pytest.raises(BadParameter, match="blank"):
        ours("ctc(blank=2)", inputs)


def test_of_no_sequences_there_is_no_value() -> None:
    inputs = {"predictions": torch.zeros(0, 2, 3), "targets": torch.zeros(0, 1, dtype=torch.int64)}

    assert ours("ctc", inputs).reason == "there are no items"


def test_normalising_by_positives_divides_by_them_alone() -> None:
    inputs = drawn("focal")

    evaluation = ours("focal(normalize=positives)", inputs)

    total = evaluate(parse("focal"), inputs, options=Options(reduction="sum")).value or 0.0
    assert evaluation.value == pytest.approx(total / float(inputs["targets"].sum()), rel=1e-12)
