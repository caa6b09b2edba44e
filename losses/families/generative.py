"""Two networks against each other, judged by scores without an activation."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses import terms
from losses.domains import REAL
from losses.registry import loss
from losses.spec import Items, Said, Sums, Text, case

Form = Annotated[Literal["non_saturating", "minimax"], Field(description="Which game the two networks play.")]


def _said(en: str, zh: str) -> Said:
    return Said(
        section="3.2",
        characteristics=Text(en=en, zh=zh),
        scenarios=Text(
            en="Image generation (GAN), style transfer (CycleGAN), super-resolution.",
            zh="图像生成(GAN)、风格迁移(CycleGAN)、超分辨率重建等生成任务。",
        ),
    )


@loss(
    title="Adversarial loss of the generator",
    task="generation",
    shapes="*f -> *f",
    fake=REAL,
    formula=r"-\log \sigma(f)\ \text{(non-saturating)},\quad \log(1 - \sigma(f))\ \text{(minimax)}",
    source="Goodfellow et al. 2014, arXiv:1406.2661",
    elicits="distribution",
    traits={"adversarial"},
    aliases={"generator": {}, "gan_generator": {}},
    cases=[
        case(fake=[0.0], gives=[0.6931471805599453]),
        case(fake=[0.0, 1000.0], gives=[-0.6931471805599453, -1000.0], params={"form": "minimax"}),
    ],
    pytorch=lambda params: (
        "return F.logsigmoid(-fake).mean()" if params["form"] == "minimax" else "return -F.logsigmoid(fake).mean()"
    ),
    article=_said(
        "Deceives the discriminator: generated data should pass for real.",
        "生成器损失:欺骗判别器(让生成数据被误认为真实数据)。",
    ),
)
def adversarial_generator(fake: Tensor, *, form: Form = "non_saturating") -> Tensor:
    """Learns to have its outputs scored as real; minimax has no slope left where the discriminator is sure."""
    return -terms.softplus(fake) if form == "minimax" else terms.softplus(-fake)


@loss(
    title="Adversarial loss of the discriminator",
    task="generation",
    shapes="*r, *f -> ",
    kind="ratio",
    real=REAL,
    fake=REAL,
    formula=r"\overline{-\log \sigma(r)} + \overline{-\log(1 - \sigma(f))}",
    source="Goodfellow et al. 2014, arXiv:1406.2661",
    elicits="density ratio",
    traits={"adversarial", "smooth"},
    aliases={"discriminator": {}, "gan_discriminator": {}},
    cases=[case(real=[0.0], fake=[0.0, 0.0], gives=1.3862943611198906)],
    pytorch="return -F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()",
    article=_said(
        "Tells real data from generated data, by cross-entropy.", "判别器损失:区分真实数据和生成数据(如交叉熵损失)。"
    ),
)
def adversarial_discriminator(real: Tensor, fake: Tensor, *, form: Form = "non_saturating") -> Sums:
    """Learns to score real data high and generated data low: the sum of two means, however many there are of each.

    Both forms have the same discriminator; the parameter says which game it is played in.
    """
    del form

    def finish(totals: dict[str, Tensor]) -> Items:
        means = torch.stack([totals["r"][0] / totals["r"][1], totals["f"][0] / totals["f"][1]])
        return Items(means.sum(), torch.ones_like(means[0]))

    return Sums(
        {"r": terms.sum_and_count(terms.softplus(-real)), "f": terms.sum_and_count(terms.softplus(fake))}, finish
    )
