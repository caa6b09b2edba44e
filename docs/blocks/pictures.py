"""The pictures that are drawn from what the code answers: a curve for each loss that has one."""

from functools import cache
from pathlib import Path

from docs.blocks import architecture, recommendation
from losses.contract.expression import parse
from losses.contract.registry import catalogue
from losses.description.curve import curve
from losses.errors import Refusal
from service.routes.losses.curve_svg import draw

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MEASURED = {"regret": BENCHMARKS / "regret/regret.svg", "scaling": BENCHMARKS / "serving/scaling.svg"}
POINTS, SPAN = 97, 3.0
COMPARED = {
    "regression": ("mse", "mae", "smooth_l1", "huber(delta=0.5)"),
    "classification": ("categorical_ce", "focal_softmax", "focal_softmax(gamma=5)", "generalized_ce"),
}


@cache
def _drawn(*objectives: str) -> str:
    return draw([curve(parse(text), POINTS, SPAN) for text in objectives]) + "\n"


@cache
def has_curve(loss_id: str) -> bool:
    """Say whether a loss is a function of one prediction and its target, with its default parameters."""
    try:
        curve(parse(loss_id), POINTS, SPAN)
    except Refusal:
        return False
    return True


def pictures() -> dict[str, str]:
    """Return every picture by its name in docs/."""
    curves = {f"losses/curves/{loss_id}.svg": _drawn(loss_id) for loss_id in catalogue() if has_curve(loss_id)}
    measured = {name: path.read_text(encoding="utf-8") for name, path in MEASURED.items()}
    compared = {f"pictures/{name}.svg": _drawn(*texts) for name, texts in COMPARED.items()}
    drawn = {"recommendation": recommendation.picture(), "rooms": architecture.picture(), **measured}
    return {**curves, **compared, **{f"pictures/{name}.svg": text for name, text in drawn.items()}}
