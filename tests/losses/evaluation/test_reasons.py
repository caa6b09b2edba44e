"""Where there is no value, the reason is what happened to these inputs."""

import pytest
import torch

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.stream import Stream
from tests.losses.draw import Subject, every_weighted_kind

MASKED = "every item is masked"
WEIGHTLESS = "every weight is 0, and so is what the sum is divided by"
EMPTY = "no mask has a foreground, and with empty=skip one that is empty has weight 0"
OVERFLOWED = "the loss is not finite: numbers overflowed in float32; dtype=float64 has a wider range"


def reason(text: str, mask: list[object] | None = None, **inputs: object) -> str | None:
    """Return why there is no value, nothing being weighted."""
    tensors = {role: torch.tensor(numbers) for role, numbers in inputs.items()}
    return evaluate(parse(text), tensors, mask=None if mask is None else torch.tensor(mask)).reason


@pytest.mark.parametrize(
    ("text", "predictions", "targets", "said"),
    [
        ("ranknet", [[1.0, 0.5]], [[1.0, 1.0]], "no list has two items of different targets"),
        ("approx_ndcg", [[1.0, 0.5]], [[0.0, 0.0]], "no list has an item of a relevance above 0"),
        ("supcon", [[1.0, 0.5], [2.0, 1.0]], [1, 2], "no item has another of its label"),
        ("nt_xent_labels", [[1.0, 0.5], [2.0, 1.0]], [1, 2], "no item has another of its label"),
        ("lovasz", [[[1.0, 0.5]]], [[[0, 0]]], EMPTY),
        ("dice(empty=skip)", [[[1.0, 0.5]]], [[[0.0, 0.0]]], EMPTY),
        ("dice(empty=skip, group=batch)", [[[1.0, 0.5]]], [[[0.0, 0.0]]], EMPTY),
        ("generalized_dice(empty=skip)", [[[1.0, 0.5]]], [[[0.0, 0.0]]], EMPTY),
        ("focal_tversky(empty=skip)", [[[1.0, 0.5]]], [[[0.0, 0.0]]], EMPTY),
    ],
)
def test_where_nothing_is_masked_the_reason_is_the_loss_s_own(
    text: str, predictions: list[object], targets: list[object], said: str
) -> None:
    assert reason(text, predictions=predictions, targets=targets) == said


@every_weighted_kind
@pytest.mark.parametrize("chunk_elements", [7, 1 << 18])
def test_what_is_masked_and_what_weighs_nothing_are_told_apart(subject: Subject, chunk_elements: int) -> None:
    batch = subject.draw()
    nothing = torch.zeros(batch.shape[0])

    masked = batch.evaluate(mask=nothing, chunk_elements=chunk_elements)
    weightless = batch.evaluate(weights=nothing, chunk_elements=chunk_elements)

    assert (masked.value, masked.reason) == (None, MASKED)
    assert (weightless.value, weightless.reason) == (None, WEIGHTLESS)


def test_a_mask_that_leaves_only_ignored_items_is_named_beside_the_id() -> None:
    items: dict[str, object] = {"predictions": [[0.0, 1.0], [1.0, 0.0]], "targets": [-100, 1]}

    assert reason("cross_entropy", [1, 0], **items) == "every item is masked or ignored: its id is the ignore_index"


def test_class_weights_of_zero_are_named() -> None:
    said = reason("cross_entropy", predictions=[[0.0, 1.0]], targets=[0], class_weights=[0.0, 1.0])

    assert said == "the class weight of all that is there is 0, and so is what the sum is divided by"


@pytest.mark.parametrize("group", ["image", "batch"])
def test_a_fully_masked_lovasz_has_no_partners_to_miss(group: str) -> None:
    said = reason(f"lovasz(group={group})", [[0, 0]], predictions=[[[0.1, 0.2]]], targets=[[[0, 1]]])

    assert said == MASKED


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_that_overflow_are_told_of_a_wider_range_where_there_is_one(dtype: torch.dtype) -> None:
    size = 1e20 if dtype == torch.float32 else 1e200
    inputs = {"predictions": torch.tensor([size], dtype=dtype), "targets": torch.zeros(1, dtype=dtype)}

    result = evaluate(parse("mse"), inputs)
    wide = evaluate(parse("mse"), inputs, options=Options(dtype=torch.float64))

    if dtype == torch.float32:
        assert result.reason == OVERFLOWED
        assert wide.value == pytest.approx(1e40, rel=1e-6)
    else:
        assert result.reason == "the loss is not finite: numbers overflowed"


def test_only_where_a_probability_was_zero_is_that_the_reason() -> None:
    certain = reason("bce(from_logits=false)", predictions=[0.0], targets=[1.0])
    doubtful = reason("poisson_nll", predictions=[200.0], targets=[1.0])

    assert certain is not None
    assert "given probability 0" in certain
    assert doubtful == OVERFLOWED


def test_a_stream_tells_what_was_masked_in_all_of_its_windows() -> None:
    stream = Stream(parse("ranknet"), Options(standard_error=False))
    lists = {"predictions": torch.tensor([[1.0, 0.5]]), "targets": torch.tensor([[1.0, 1.0]])}

    stream.add(lists, mask=torch.ones(1))
    stream.add(lists, mask=torch.zeros(1))

    assert stream.finish().reason == "no list has two items of different targets"
