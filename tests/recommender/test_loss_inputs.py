"""Arrays that follow from the targets."""

import pytest
import torch

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.text import Text
from recommender.loss_inputs import loss_inputs

IDS = torch.tensor([0, 0, 0, 1, 2, 2])
ROWS = torch.eye(3, dtype=torch.float64)[IDS]
LOGITS = torch.randn(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
COUNTED = ["class_balanced", "logit_adjusted", "ldam"]


def value(text: str, targets: torch.Tensor, predictions: torch.Tensor = LOGITS) -> float | None:
    value = loss_inputs(parse(text), {"predictions": predictions, "targets": targets})
    assert not isinstance(value, Text)
    return evaluate(parse(text), value).value


@pytest.mark.parametrize("text", COUNTED)
@pytest.mark.parametrize("targets", [IDS, IDS.double(), ROWS], ids=["ids", "ids as floats", "rows"])
def test_classes_are_counted(text: str, targets: torch.Tensor) -> None:
    counts = torch.tensor([3.0, 1.0, 2.0], dtype=torch.float64)
    role = "priors" if text == "logit_adjusted" else "class_counts"

    given = evaluate(parse(text), {"predictions": LOGITS, "targets": IDS, role: counts}).value

    assert value(text, targets) == given


def test_counts_that_were_sent_are_kept() -> None:
    counts = torch.tensor([10.0, 10.0, 10.0])

    given = loss_inputs(parse("class_balanced"), {"predictions": LOGITS, "targets": IDS, "class_counts": counts})

    assert not isinstance(given, Text)
    assert given["class_counts"] is counts


def test_ignored_ids_are_not_counted() -> None:
    targets = torch.tensor([0, 0, 0, 1, 2, -100])

    given = loss_inputs(parse("class_balanced"), {"predictions": LOGITS, "targets": targets})

    assert not isinstance(given, Text)
    assert given["class_counts"].tolist() == [3, 1, 1]


@pytest.mark.parametrize("text", ["categorical_ce", "categorical_ce + 0.5*categorical_ce(label_smoothing=0.1)"])
def test_ids_become_rows_where_a_loss_wants_rows(text: str) -> None:
    assert value(text, IDS) == pytest.approx(value(text, ROWS), rel=1e-12)


def test_rows_become_ids_where_a_loss_wants_ids() -> None:
    assert value("focal_softmax", ROWS) == value("focal_softmax", IDS)


def test_ids_of_pixels_become_masks() -> None:
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    ids = logits.argmax(1)
    masks = torch.eye(3, dtype=torch.float64)[ids].movedim(-1, 1)

    assert value("dice + categorical_ce", ids, logits) == pytest.approx(
        value("dice + categorical_ce", masks, logits), rel=1e-12
    )


@pytest.mark.parametrize("targets", [ROWS * 0.9 + 0.1 / 3, IDS + 1, IDS - 1, IDS + 0.5])
def test_labels_of_another_kind_stay_as_they_are(targets: torch.Tensor) -> None:
    for text in ("focal_softmax", "categorical_ce"):
        given = loss_inputs(parse(text), {"predictions": LOGITS, "targets": targets})
        assert not isinstance(given, Text)
        assert given["targets"] is targets


@pytest.mark.parametrize(
    ("text", "given", "missing"),
    [("mse", ("targets",), "predictions"), ("triplet", ("targets", "anchor"), "positive, negative")],
)
def test_what_is_missing_is_said(text: str, given: tuple[str, ...], missing: str) -> None:
    refusal = loss_inputs(parse(text), dict.fromkeys(given, LOGITS))

    assert isinstance(refusal, Text)
    assert f"It needs {missing}, " in refusal.en
    assert missing in refusal.zh


def test_classes_that_the_targets_do_not_name_cannot_be_counted() -> None:
    given = loss_inputs(parse("class_balanced"), {"predictions": LOGITS, "targets": IDS + 7})

    assert isinstance(given, Text)
    assert "class_counts" in given.en


def test_only_what_the_loss_takes_is_passed_on() -> None:
    given = loss_inputs(parse("mse"), {"predictions": LOGITS, "targets": ROWS, "anchor": LOGITS})

    assert not isinstance(given, Text)
    assert set(given) == {"predictions", "targets"}
