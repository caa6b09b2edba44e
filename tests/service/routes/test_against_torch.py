"""Each of the article's losses, sent as files over HTTP, equals torch in float64 to 1e-12 and in float32 to 1e-6."""

import json
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor

from tests.conftest import Client
from tests.service.files import Files, npy

pytestmark = pytest.mark.anyio
N, C = 2_000, 7
RNG = torch.Generator().manual_seed(5)
Inputs = dict[str, Tensor]


def randn(*shape: int) -> Tensor:
    return 3 * torch.randn(*shape, generator=RNG, dtype=torch.float64)


IDS = torch.randint(C, (N,), generator=RNG)
LABELS = (randn(N) > 0).double()
MASKS = (randn(8, 1, 16, 16) > 2).double()
NUMBERS = {"predictions": randn(N), "targets": randn(N)}
BINARY = {"predictions": randn(N), "targets": LABELS}
ONE_HOT = {"predictions": randn(N, C), "targets": F.one_hot(IDS, C).double()}
CLASSES = {"predictions": randn(N, C), "targets": IDS}
TRIPLETS = {"anchor": randn(N, C), "positive": randn(N, C), "negative": randn(N, C)}
SCORES = {"real": randn(N), "fake": randn(N // 2)}
REGIONS = {"predictions": randn(8, 1, 16, 16), "targets": MASKS}


def focal(predictions: Tensor, targets: Tensor) -> Tensor:
    ce = F.binary_cross_entropy_with_logits(predictions, targets, reduction="none")
    p = predictions.sigmoid()
    p_t = p * targets + (1 - p) * (1 - targets)
    return ((0.25 * targets + 0.75 * (1 - targets)) * (1 - p_t) ** 2 * ce).mean()


def focal_softmax(predictions: Tensor, targets: Tensor) -> Tensor:
    ce = F.cross_entropy(predictions, targets, reduction="none")
    return ((1 - torch.exp(-ce)) ** 2 * ce).mean()


def dice(predictions: Tensor, targets: Tensor) -> Tensor:
    p = predictions.sigmoid()
    overlap, size = (p * targets).sum((2, 3)), (p + targets).sum((2, 3))
    return (1 - (2 * overlap + 1e-5) / (size + 1e-5)).mean()


def generator(fake: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


def discriminator(real: Tensor, fake: Tensor) -> Tensor:
    right = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    return right + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))


ROWS: list[tuple[str, Inputs, Callable[..., Tensor]]] = [
    ("mse", NUMBERS, F.mse_loss),
    ("mae", NUMBERS, F.l1_loss),
    ("smooth_l1(beta=0.7)", NUMBERS, lambda **x: F.smooth_l1_loss(x["predictions"], x["targets"], beta=0.7)),
    ("bce", BINARY, F.binary_cross_entropy_with_logits),
    ("categorical_ce", ONE_HOT, F.cross_entropy),
    ("sparse_categorical_ce", CLASSES, F.cross_entropy),
    ("focal", BINARY, focal),
    ("focal_softmax", CLASSES, focal_softmax),
    ("triplet", TRIPLETS, F.triplet_margin_loss),
    ("adversarial_generator", {"fake": SCORES["fake"]}, generator),
    ("adversarial_discriminator", SCORES, discriminator),
    ("adversarial_generator(form=minimax)", {"fake": SCORES["fake"]}, lambda fake: F.logsigmoid(-fake).mean()),
    ("dice", REGIONS, dice),
]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("loss", "inputs", "theirs"), ROWS, ids=[row[0] for row in ROWS])
async def test_the_value_is_that_of_torch(
    client: Client, loss: str, inputs: Inputs, theirs: Callable[..., Tensor], dtype: torch.dtype
) -> None:
    given = {role: x.to(dtype) if x.is_floating_point() else x for role, x in inputs.items()}
    files: Files = {"request": (None, json.dumps({"loss": loss}))}
    files |= {role: npy(x.numpy()) for role, x in given.items()}

    async with client() as http:
        result = (await http.post("/v1/evaluate", files=files)).json()["results"][0]

    wide = {role: x.double() if x.is_floating_point() else x for role, x in given.items()}
    args = list(wide.values())
    wanted = float(theirs(**wide) if loss.startswith("smooth") else theirs(*args))
    assert result["value"] == pytest.approx(wanted, rel=1e-12 if dtype == torch.float64 else 1e-6)
