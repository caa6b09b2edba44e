"""Types and markers of parameters that several families share."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from losses.text import Text

FromLogits = Annotated[bool, Field(description="Predictions are logits; false: probabilities.")]
IgnoreIndex = Annotated[int, Field(ge=-(2**31), lt=2**31, description="Items with this id do not count.")]
Smoothing = Annotated[
    float, Field(ge=0, lt=1, description="The part of each label that is spread evenly over all classes.")
]


@dataclass(frozen=True)
class PastTheEnds:
    """Marker of a parameter whose limit cases are other losses; `way_out` names the loss to use beyond its range."""

    way_out: Text


BY_ITS_LOGARITHM = object()  # marks a parameter of which only the logarithm is computed with: it may be tiny
Clip = Annotated[
    float,
    Field(ge=0, lt=0.5, description="Probabilities are taken to lie this far inside 0 and 1; logits never are."),
    BY_ITS_LOGARITHM,
]
PerItem = Annotated[
    Literal["item", "element"],
    Field(description="An item counts once, or its sum over classes is divided by their number."),
]
