"""Similarity, ranking and adversarial losses: torch's numbers where torch has the loss, and what is known beside."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor

from losses.contract.expression import parse
from losses.errors import BadOption, DomainViolation
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation

Inputs = dict[str, Tensor]
LISTS, LONG = 6, 7


def drawn() -> Inputs:
    """Return embeddings of three roles, signs and scores."""
    rng = torch.Generator().manual_seed(61)
    rows = torch.randn(3, 9, 4, generator=rng, dtype=torch.float64)
    flat = torch.randn(3, 9, generator=rng, dtype=torch.float64)
    return {"a": rows[0], "b": rows[1], "c": rows[2], "s": flat[0], "t": flat[1], "signs": flat[2].sign()}


def triplets(x: Inputs) -> Inputs:
    return {"anchor": x["a"], "positive": x["b"], "negative": x["c"]}


def triplet(**parameters: float | bool) -> tuple[str, Callable[[Inputs], Inputs], Callable[[Inputs], Tensor]]:
    text = ", ".join(f"{name}={str(value).lower()}" for name, value in parameters.items())
    return f"triplet({text})", triplets, lambda x: F.triplet_margin_loss(*triplets(x).values(), **parameters)  # type: ignore[arg-type] # as named


def cosine(margin: float) -> tuple[str, Callable[[Inputs], Inputs], Callable[[Inputs], Tensor]]:
    def torchs(x: Inputs) -> Tensor:
        return F.cosine_embedding_loss(x["a"], x["b"], x["signs"], margin=margin)

    return (
        f"cosine_embedding(margin={margin})",
        lambda x: {"first": x["a"], "second": x["b"], "targets": x["signs"]},
        torchs,
    )


def pairs(margin: float) -> tuple[str, Callable[[Inputs], Inputs], Callable[[Inputs], Tensor]]:
    return (
        f"margin_ranking(margin={margin})",
        lambda x: {"first": x["s"], "second": x["t"], "targets": x["signs"]},
        lambda x: F.margin_ranking_loss(x["s"], x["t"], x["signs"], margin=margin),
    )


THE_SAME = [
    triplet(margin=1.0),
    triplet(margin=0.3, p=1.0),
    triplet(margin=1.0, swap=True),
    triplet(margin=2.0, p=3.0, swap=True, eps=1e-3),
    cosine(0.0),
    cosine(-0.4),
    pairs(0.0),
    pairs(0.7),
]


@pytest.mark.parametrize(("text", "ours", "torchs"), THE_SAME, ids=[text for text, *_ in THE_SAME])
def test_the_value_and_the_gradient_are_those_of_torch(
    text: str, ours: Callable[[Inputs], Inputs], torchs: Callable[[Inputs], Tensor]
) -> None:
    x = drawn()
    roles = {id(x[name]): name for name in x}
    inputs = ours(x)

    evaluation = evaluate(parse(text), inputs, options=Options(gradient="full"))

    leaves = {name: tensor.clone().requires_grad_() for name, tensor in x.items()}
    expected = torchs(leaves)
    torch.autograd.backward(expected)
    assert evaluation.value == pytest.approx(float(expected.detach()), rel=1e-12, abs=1e-12)
    for role, gradient in (evaluation.gradients or {}).items():
        torch.testing.assert_close(gradient, leaves[roles[id(inputs[role])]].grad, rtol=1e-11, atol=1e-12)


def ask(text: str, **inputs: object) -> Evaluation:
    tensors = {role: torch.as_tensor(numbers) for role, numbers in inputs.items()}
    return evaluate(parse(text), tensors, options=Options(gradient="full"))


@pytest.mark.parametrize("text", ["nt_xent_labels", "supcon"])
def test_an_item_alone_has_no_value_and_a_pair_has_one(text: str) -> None:
    assert ask(text, predictions=[[1.0, 2.0]], targets=[0]).value is None
    assert ask(text, predictions=[[1.0, 2.0], [3.0, 4.0]], targets=[0, 1]).value is None
    assert ask(text, predictions=[[1.0, 2.0], [3.0, 4.0]], targets=[0, 0]).value == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("text", ["nt_xent", "info_nce"])
def test_two_views_of_one_item_cost_nothing(text: str) -> None:
    assert ask(text, first=[[1.0, 2.0]], second=[[-3.0, 4.0]]).value == pytest.approx(0, abs=1e-7)


def test_views_are_items_of_one_label() -> None:
    x = drawn()
    labels = torch.arange(9).repeat(2)

    views = ask("nt_xent(temperature=0.2)", first=x["a"], second=x["b"])
    labelled = ask("nt_xent_labels(temperature=0.2)", predictions=torch.cat([x["a"], x["b"]]), targets=labels)
    supervised = ask("supcon(temperature=0.2)", predictions=torch.cat([x["a"], x["b"]]), targets=labels)

    assert views.value == pytest.approx(labelled.value, rel=1e-12)
    assert views.value == pytest.approx(supervised.value, rel=1e-12)


@pytest.mark.parametrize("text", ["nt_xent", "info_nce", "barlow_twins", "n_pairs(normalize=true)"])
def test_embeddings_of_any_size_leave_finite_numbers(text: str) -> None:
    x = drawn()
    for size in (0.0, 1e-200, 1e150):
        roles = {"first": size * x["a"], "second": x["b"]}
        inputs = {**roles, "targets": torch.arange(9)} if text.startswith("n_pairs") else roles
        evaluation = ask(text, **inputs)

        assert evaluation.value is not None
        assert math.isfinite(evaluation.value)
        assert all(bool(gradient.isfinite().all()) for gradient in (evaluation.gradients or {}).values())


def lists() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(62)
    scores = torch.randn(LISTS, LONG, generator=rng, dtype=torch.float64)
    return scores, torch.randint(3, (LISTS, LONG), generator=rng).double()


@pytest.mark.parametrize("text", ["ranknet", "listnet", "ranking_softmax", "list_mle", "approx_ndcg", "lambda_loss"])
def test_the_order_in_which_a_list_is_sent_means_nothing(text: str) -> None:
    scores, grades = lists()
    order = torch.randperm(LONG, generator=torch.Generator().manual_seed(63))

    sent = ask(text, predictions=scores, targets=grades)
    shuffled = ask(text, predictions=scores[:, order], targets=grades[:, order])

    assert sent.value == pytest.approx(shuffled.value, rel=1e-12)


@pytest.mark.parametrize("text", ["ranknet", "listnet", "ranking_softmax", "list_mle", "approx_ndcg", "lambda_loss"])
def test_a_list_that_is_all_padding_counts_as_absent(text: str) -> None:
    scores, grades = lists()
    mask = torch.rand(LISTS, LONG, generator=torch.Generator().manual_seed(64)) > 0.3
    mask[2] = False
    others = torch.arange(LISTS) != 2

    padded = evaluate(
        parse(text), {"predictions": scores, "targets": grades}, mask=mask, options=Options(gradient="full")
    )
    absent = evaluate(parse(text), {"predictions": scores[others], "targets": grades[others]}, mask=mask[others])

    assert padded.value == pytest.approx(absent.value, rel=1e-12)
    assert not (padded.gradients or {})["predictions"][2].any()


@pytest.mark.parametrize("text", ["approx_ndcg", "lambda_loss"])
def test_an_item_has_one_place_in_its_list(text: str) -> None:
    scores, grades = lists()

    with pytest.raises(BadOption, match="one place"):
        evaluate(parse(text), {"predictions": scores, "targets": grades}, weights=torch.full((LISTS, LONG), 2.0))


@pytest.mark.parametrize("text", ["approx_ndcg", "lambda_loss"])
def test_a_gain_beyond_the_range_of_floats_is_still_a_share(text: str) -> None:
    evaluation = ask(text, predictions=[[1.0, 0.0, 3.0]], targets=[[5000.0, 4999.0, 0.0]])

    assert evaluation.value is not None
    assert math.isfinite(evaluation.value)


@pytest.mark.parametrize("text", ["cosine_embedding", "margin_ranking"])
def test_a_label_of_zero_is_refused_and_told_the_way_out(text: str) -> None:
    rows = torch.ones(2, 3) if text == "cosine_embedding" else torch.ones(2)

    with pytest.raises(DomainViolation, match=r"2 \* y - 1"):
        ask(text, first=rows, second=rows, targets=[0.0, 1.0])
