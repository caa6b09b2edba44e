"""One number added to all scores, or to both sides of an error, changes nothing, however large it is."""

from itertools import combinations

import pytest
import torch

from losses.contract.expression import parse
from losses.contract.loss import Loss
from losses.contract.registry import catalogue
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from tests.losses.draw import Batch, Subject, every_loss

OFFSETS = [1e5, -1e6, 1e7]
PRODUCTS = {"n_pairs", "n_pairs_multilabel"}  # of embeddings: a shift of those is rounded away in their products
SHIFTING = [
    pytest.param(loss, roles, id=f"{loss.id}-{'-'.join(roles)}")
    for loss in catalogue().values()
    for roles in loss.shifts
]


def shifted(batch: Batch, roles: tuple[str, ...], offset: float) -> Batch:
    """Return the batch with one number added to all entries of some inputs."""
    return batch.map(lambda role, tensor: tensor + offset if role in roles else tensor)


@pytest.mark.parametrize(("loss", "roles"), SHIFTING)
@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_shift_changes_neither_the_value_nor_the_gradient(
    loss: Loss, roles: tuple[str, ...], offset: float, dtype: torch.dtype
) -> None:
    every = {role for group in loss.shifts for role in group}
    drawn = Subject(loss.bind()).draw(seed=1, items=6)
    whole = drawn.map(lambda role, tensor: (2 * tensor).round() if role in every else tensor).to(dtype)

    plain = whole.evaluate(gradient="full")
    moved = shifted(whole, roles, offset).evaluate(gradient="full")

    precision = 1e-5 if dtype == torch.float32 else 1e-8
    assert moved.value == pytest.approx(plain.value, rel=precision, abs=precision / 100)
    torch.testing.assert_close(moved.gradients, plain.gradients, rtol=precision, atol=precision / 100)


@every_loss
def test_a_loss_names_the_shifts_that_change_nothing(loss: Loss) -> None:
    batch = Subject(loss.bind()).draw(seed=3, items=7)
    value = batch.evaluate(standard_error=False).value
    domains = {role: loss.bind().domain(role) for role in loss.required}
    roles = [role for role, domain in domains.items() if domain.free or domain.corners or domain.minus_infinity]

    groups: list[tuple[str, ...]] = []
    for group in [group for size in range(1, len(roles) + 1) for group in combinations(roles, size)]:
        moved = shifted(batch, group, 3.25).evaluate(standard_error=False).value
        if moved == pytest.approx(value, rel=1e-11, abs=1e-11) and not any(set(less) < set(group) for less in groups):
            groups.append(group)

    assert groups == list(loss.shifts) or loss.id in PRODUCTS


@pytest.mark.parametrize(
    ("text", "value", "slopes"),
    [
        ("list_mle", 0.7208676519626, [-0.33476, -0.02421, 0.35897]),
        ("ranking_softmax", 2.22282, None),
        ("listnet", 0.83240, None),
    ],
)
@pytest.mark.parametrize("offset", [0.0, 1e5, 1e6, 1e7])
def test_lists_far_from_zero_have_the_value_of_lists_near_it(
    text: str, value: float, slopes: list[float] | None, offset: float
) -> None:
    inputs = {"predictions": torch.tensor([[0.0, -1.0, -2.0]]) + offset, "targets": torch.tensor([[2.0, 1.0, 0.0]])}

    result = evaluate(parse(text), inputs, options=Options(gradient="full"))

    assert result.value == pytest.approx(value, rel=1e-5)
    assert result.gradients
    assert slopes is None or result.gradients["predictions"][0].tolist() == pytest.approx(slopes, abs=5e-6)


@pytest.mark.parametrize("text", ["nt_xent", "supcon", "nt_xent_labels"])
def test_large_similarities_keep_their_differences(text: str) -> None:
    rows = torch.tensor([[300.0, 1.0, 0.0], [300.0, 0.0, 1.0]])
    labels = torch.tensor([0, 1, 0, 1])
    pairs = {"predictions": torch.cat([rows, rows]), "targets": labels}
    inputs = {"first": rows, "second": rows} if text == "nt_xent" else pairs

    result = evaluate(parse(f"{text}(normalize=false, temperature=1)"), inputs)

    assert result.value == pytest.approx(0.5514447, rel=1e-6)


def test_scores_of_one_list_may_lie_far_apart() -> None:
    inputs = {"predictions": torch.tensor([[0.0, -1e7, -1e7 + 1]]), "targets": torch.tensor([[2.0, 1.0, 0.0]])}

    low = evaluate(parse("list_mle"), inputs).value

    assert low == pytest.approx(
        evaluate(parse("list_mle"), inputs, options=Options(dtype=torch.float64)).value, rel=1e-6
    )
    assert low == pytest.approx(1.3132616875182228, rel=1e-6)
