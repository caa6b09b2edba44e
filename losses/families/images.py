"""Losses that compare an image with a target image."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import REAL
from losses.contract.loss import Value, case
from losses.contract.registry import loss
from losses.contract.work import Work
from losses.text import Text


def _window(length: int, window: int, sigma: float, like: Tensor) -> Tensor:
    """Return the weights of a Gaussian window, shape (window), cut to the length of the image."""
    size = min(length, window)
    at = torch.arange(size, dtype=like.dtype, device=like.device) - (size - 1) / 2
    weights = torch.exp(-at.square() / (2 * sigma**2))
    return weights / weights.sum()


def _ssim_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    return f"""\
def window(length):
    at = torch.arange(min(length, {params["window"]})).to(predictions)
    weights = torch.exp(-((at - at.mean()) ** 2) / (2 * {params["sigma"]}**2))
    return weights / weights.sum()

def local(x):
    for axis in range(2, predictions.ndim):
        weights = window(predictions.shape[axis])
        x = x.unfold(axis, len(weights), 1) @ weights
    return x

a, b = local(predictions), local(targets)
va, vb, ab = (local(u * v) - x * y for u, v, x, y in (
    (predictions, predictions, a, a), (targets, targets, b, b), (predictions, targets, a, b)))
c1, c2 = ({params["k1"]} * {params["data_range"]}) ** 2, ({params["k2"]} * {params["data_range"]}) ** 2
return 1 - ((2 * a * b + c1) / (a**2 + b**2 + c1) * (2 * ab + c2) / (va + vb + c2)).mean()"""


@loss(
    title=Text("Structural similarity loss", "结构相似性(SSIM)损失"),
    task="generation",
    shapes="n C *s, n C *s -> n",
    work=Work(holds="16 n C *s", calls="10 count(s) window", steps="60 n C *s window"),
    predictions=REAL,
    targets=REAL,
    formula=r"1 - \operatorname{mean} \frac{(2 \mu_x \mu_y + c_1)(2 \sigma_{xy} + c_2)}"
    r"{(\mu_x^2 + \mu_y^2 + c_1)(\sigma_x^2 + \sigma_y^2 + c_2)}",
    source="Wang et al. 2004, doi:10.1109/TIP.2003.819861",
    elicits="structure of pictures",
    traits={"smooth"},
    aliases={"SSIMLoss": {}, "ssim_loss": {}, "structural_similarity": {}},
    conventions={"monai": {}},
    differences=(
        "MONAI's and kornia's windows have a data_range of 1 too: pictures from 0 to 255 need 255.",
        "kornia halves it: (1 - SSIM) / 2. kornia and torchmetrics pad; here, as in MONAI, windows lie inside.",
        "A window that is longer than the picture is cut to it; MONAI refuses it.",
    ),
    cases=[
        case(predictions=[[[0.5, 0.5]]], targets=[[[0.5, 0.5]]], gives=[0.0]),
        case(
            predictions=[[[1.0, 0.0]]],
            targets=[[[0.0, 1.0]]],
            gives=[1 - (0.5 + 1e-4) / (0.5 + 1e-4) * (-0.5 + 9e-4) / (0.5 + 9e-4)],
        ),
    ],
    pytorch=_ssim_code,
    no_kernel="Its window is cut to the picture, so that a kernel would serve one size of pictures alone.",
)
def ssim(
    predictions: Tensor,
    targets: Tensor,
    *,
    data_range: Annotated[
        float, Field(ge=1e-6, le=1e6, description="The largest value of a pixel less the smallest.")
    ] = 1.0,
    window: Annotated[int, Field(ge=1, le=101, description="The side of the window, in pixels.")] = 11,
    sigma: Annotated[float, Field(ge=0.1, le=1000, description="The spread of the window's weights, in pixels.")] = 1.5,
    k1: Annotated[
        float, Field(ge=1e-6, le=1, description="How bright dark areas count as, in shares of data_range.")
    ] = 0.01,
    k2: Annotated[
        float, Field(ge=1e-6, le=1, description="How textured flat areas count as, in shares of data_range.")
    ] = 0.03,
) -> Tensor:
    """Return 1 minus the structural similarity of each image, averaged over the windows inside it.

    Both factors are computed as their distance from 1, in float64, since they cancel where the images are alike.
    """

    def local(values: Tensor) -> Tensor:
        """Return the weighted mean of every window."""
        for axis in range(2, predictions.ndim):
            weights = _window(predictions.shape[axis], window, sigma, predictions)
            values = values.unfold(axis, len(weights), 1) @ weights
        return values

    dtype = predictions.dtype
    predictions, targets = predictions.to(torch.float64), targets.to(torch.float64)
    a, b = local(predictions), local(targets)
    error = predictions - targets
    bright, textured = (k1 * data_range) ** 2, (k2 * data_range) ** 2
    off = (a - b).square() / (a.square() + b.square() + bright)
    spread = local(predictions.square()) - a.square() + local(targets.square()) - b.square()
    unlike = (local(error.square()) - (a - b).square()) / (spread + textured)
    return (off + unlike - off * unlike).flatten(1).mean(1).to(dtype)
