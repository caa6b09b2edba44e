"""Adversarial losses of generator and discriminator, on scores without an activation."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import REAL
from losses.contract.loss import ArticleNote, Items, Sums, Value, case
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.text import Text

Form = Annotated[
    Literal["non_saturating", "minimax", "lsgan", "wgan", "hinge"],
    Field(description="Which game the two networks play."),
]
Factor = Annotated[
    float, Field(gt=0, description="What lsgan's squares are multiplied by: one half in the paper, 1 in MONAI.")
]
SOURCE = (
    "Goodfellow et al. 2014, arXiv:1406.2661; lsgan: Mao et al. 2017, arXiv:1611.04076; "
    "wgan: Arjovsky et al. 2017, arXiv:1701.07875; hinge: Lim & Ye 2017, arXiv:1705.02894"
)
MONAI = (
    "MONAI's PatchAdversarialLoss puts a leaky ReLU on the scores of least_squares unless told no_activation_leastsq.",
    "MONAI's hinge puts a tanh on the scores and gives the generator the discriminator's term for real ones, not -f.",
)


def _article_note(en: str, zh: str) -> ArticleNote:
    """Return what the article says of adversarial losses, with the scenarios of this one."""
    return ArticleNote(
        section="3.2",
        characteristics=Text(en=en, zh=zh),
        scenarios=Text(
            en="Image generation (GAN), style transfer (CycleGAN), super-resolution.",
            zh="图像生成(GAN)、风格迁移(CycleGAN)、超分辨率重建等生成任务。",
        ),
    )


def _generator_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    codes = {
        "non_saturating": "-F.logsigmoid(fake).mean()",
        "minimax": "F.logsigmoid(-fake).mean()",
        "lsgan": f"{params['factor']} * ((fake - {params['target']}) ** 2).mean()",
    }
    return f"return {codes.get(str(params['form']), '-fake.mean()')}"


@loss(
    title=Text("Adversarial loss of the generator", "生成器的对抗损失"),
    task="generation",
    shapes="*f -> *f",
    fake=REAL,
    formula=r"-\log \sigma(f)\ \text{(non-saturating)},\quad \log(1 - \sigma(f))\ \text{(minimax)},\quad "
    r"\lambda (f - c)^2\ \text{(lsgan)},\quad -f\ \text{(wgan, hinge)}",
    source=SOURCE,
    elicits="distribution",
    traits={"adversarial"},
    aliases={
        "generator": {},
        "gan_generator": {},
        "modified_generator_loss": {},
        "minimax_generator_loss": {"form": "minimax"},
        "MinimaxGeneratorLoss": {},
        "lsgan_generator": {"form": "lsgan"},
        "least_squares_generator_loss": {"form": "lsgan"},
        "LeastSquaresGeneratorLoss": {"form": "lsgan"},
        "wgan_generator": {"form": "wgan"},
        "wasserstein_generator_loss": {"form": "wgan"},
        "WassersteinGeneratorLoss": {"form": "wgan"},
        "hinge_generator": {"form": "hinge"},
        "wasserstein_hinge_generator_loss": {"form": "hinge"},
    },
    conventions={"monai": {"form": "lsgan", "factor": 1.0}},
    differences=(
        (
            "TF-GAN's minimax generator adds the constant -softplus(-1), which changes no gradient; torchgan's "
            "MinimaxGeneratorLoss is non-saturating unless told otherwise."
        ),
        *MONAI,
    ),
    cases=[
        case(fake=[0.0], gives=[0.6931471805599453]),
        case(fake=[0.0, 1000.0], gives=[-0.6931471805599453, -1000.0], params={"form": "minimax"}),
        case(fake=[3.0, 1.0], gives=[2.0, 0.0], params={"form": "lsgan"}),
        case(fake=[3.0, -1.0], gives=[-3.0, 1.0], params={"form": "wgan"}),
    ],
    pytorch=_generator_code,
    article=_article_note(
        "Deceives the discriminator: generated data should pass for real.",
        "生成器损失:欺骗判别器(让生成数据被误认为真实数据)。",
    ),
)
def adversarial_generator(
    fake: Tensor,
    *,
    form: Form = "non_saturating",
    target: Annotated[float, Field(description="The score that lsgan's generator wants for its outputs, c.")] = 1.0,
    factor: Factor = 0.5,
) -> Tensor:
    """Return the generator's loss of each score; the minimax form saturates where the discriminator is confident."""
    match form:
        case "non_saturating":
            return terms.softplus(-fake)
        case "minimax":
            return -terms.softplus(fake)
        case "lsgan":
            return factor * (fake - target).square()
        case _:
            return -fake


def _discriminator_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    smoothing, factor, margin = params["label_smoothing"], params["factor"], params["margin"]
    smoothed = f" + {smoothing} * real.mean()" if smoothing else ""
    entropy = f"-F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean(){smoothed}"
    squares = f"((real - {params['real_target']}) ** 2).mean() + ((fake - {params['fake_target']}) ** 2).mean()"
    codes = {
        "lsgan": f"{factor} * ({squares})",
        "wgan": "fake.mean() - real.mean()",
        "hinge": f"F.relu({margin} - real).mean() + F.relu({margin} + fake).mean()",
    }
    return f"return {codes.get(str(params['form']), entropy)}"


@loss(
    title=Text("Adversarial loss of the discriminator", "判别器的对抗损失"),
    task="generation",
    shapes="*r, *f -> ",
    kind="ratio",
    real=REAL,
    fake=REAL,
    formula=r"\overline{-(1 - s) \log \sigma(r) - s \log(1 - \sigma(r))} + \overline{-\log(1 - \sigma(f))},\quad "
    r"\lambda \overline{(r - b)^2} + \lambda \overline{(f - a)^2}\ \text{(lsgan)},\quad "
    r"\overline{f} - \overline{r}\ \text{(wgan)},\quad "
    r"\overline{\max(0, m - r)} + \overline{\max(0, m + f)}\ \text{(hinge)}",
    source=SOURCE,
    elicits="density ratio",
    traits={"adversarial", "convex"},
    aliases={
        "discriminator": {},
        "gan_discriminator": {},
        "modified_discriminator_loss": {},
        "minimax_discriminator_loss": {"form": "minimax"},
        "MinimaxDiscriminatorLoss": {"form": "minimax"},
        "lsgan_discriminator": {"form": "lsgan"},
        "least_squares_discriminator_loss": {"form": "lsgan"},
        "LeastSquaresDiscriminatorLoss": {"form": "lsgan"},
        "wgan_discriminator": {"form": "wgan"},
        "wgan_critic": {"form": "wgan"},
        "wasserstein_discriminator_loss": {"form": "wgan"},
        "WassersteinDiscriminatorLoss": {"form": "wgan"},
        "hinge_discriminator": {"form": "hinge"},
        "wasserstein_hinge_discriminator_loss": {"form": "hinge"},
    },
    conventions={"monai": {"form": "lsgan", "factor": 1.0}},
    differences=(
        (
            "torchgan wants 1 - s for what is real, as here; TF-GAN 1 - s / 2, and smooths by 0.25 unless told, which "
            "is label_smoothing=0.125 here."
        ),
        "MONAI gives the parts of the real and of the generated scores apart, and most of its users add half of each.",
        "The gradient penalties of WGAN-GP and R1 are gradient_penalty: no scores can say them.",
        *MONAI,
    ),
    cases=[
        case(real=[0.0], fake=[0.0, 0.0], gives=1.3862943611198906),
        case(real=[0.0, 1000.0], fake=[-1000.0], gives=0.34657359027997264 + 50, params={"label_smoothing": 0.1}),
        case(real=[3.0], fake=[2.0, 0.0], gives=3.0, params={"form": "lsgan"}),
        case(real=[3.0], fake=[2.0, 0.0], gives=-2.0, params={"form": "wgan"}),
        case(real=[3.0, 0.5], fake=[2.0, -1.0], gives=1.75, params={"form": "hinge"}),
    ],
    pytorch=_discriminator_code,
    article=_article_note(
        "Tells real data from generated data, by cross-entropy.", "判别器损失:区分真实数据和生成数据(如交叉熵损失)。"
    ),
)
def adversarial_discriminator(
    real: Tensor,
    fake: Tensor,
    *,
    form: Form = "non_saturating",
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="What the label of real data falls short of 1, in minimax.")
    ] = 0.0,
    real_target: Annotated[float, Field(description="The score that lsgan wants for real data, b.")] = 1.0,
    fake_target: Annotated[float, Field(description="The score that lsgan wants for generated data, a.")] = 0.0,
    factor: Factor = 0.5,
    margin: Annotated[float, Field(gt=0, description="The score beyond which hinge is content.")] = 1.0,
) -> Sums:
    """Return the discriminator's loss: its mean over real items plus its mean over generated ones.

    The minimax and the non-saturating form have the same discriminator loss.
    """

    def finish(totals: dict[str, Tensor]) -> Items:
        """Return the sum of the two means as one item."""
        means = torch.stack([totals["r"][0] / totals["r"][1], totals["f"][0] / totals["f"][1]])
        return Items(means.sum(), torch.ones_like(means[0]))

    match form:
        case "lsgan":
            parts = factor * (real - real_target).square(), factor * (fake - fake_target).square()
        case "wgan":
            parts = -real, fake
        case "hinge":
            parts = (margin - real).clamp(min=0), (margin + fake).clamp(min=0)
        case _:
            parts = terms.softplus(-real) + label_smoothing * real, terms.softplus(fake)
    return Sums({"r": terms.sum_and_count(parts[0]), "f": terms.sum_and_count(parts[1])}, finish)


@loss(
    title=Text("Gradient penalty of a critic", "判别器的梯度惩罚"),
    task="generation",
    shapes="n D -> n",
    gradients=REAL,
    constant=(),
    formula=r"(\|\nabla_{\hat x} f(\hat x)\|_2 - c)^2",
    source="Gulrajani et al. 2017, arXiv:1704.00028",
    elicits="slope of the critic",
    traits={"adversarial"},
    aliases={"wgan_gp": {}, "GradientPenalty": {}, "wasserstein_gradient_penalty": {}},
    differences=(
        (
            "What comes in is the gradient of the critic at points between real and generated items, as rows, "
            "made with create_graph=True; 10 times this is added to the loss of the discriminator with form=wgan."
        ),
        "R1 (Mescheder et al. 2018, arXiv:1801.04406) is the squared norm at real items: target=0.",
    ),
    cases=[
        case(gradients=[[3.0, 4.0], [0.6, 0.8]], gives=[16.0, 0.0]),
        case(gradients=[[3.0, 4.0]], gives=[25.0], params={"target": 0.0}),
    ],
    pytorch="return ((gradients.norm(dim=1) - {target}) ** 2).mean()",
)
def gradient_penalty(
    gradients: Tensor,
    *,
    target: Annotated[float, Field(ge=0, description="The slope that is wanted, c.")] = 1.0,
) -> Tensor:
    """Return the squared distance of each gradient's norm from `target`.

    The loss itself has gradient 0 at a norm of 0.
    """
    squared = gradients.square().sum(1)
    length = squared.where(squared > 0, 1).sqrt().where(squared > 0, 0)
    return (length - target).square()
