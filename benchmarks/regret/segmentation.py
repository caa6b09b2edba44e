"""Segmentation: small dilated networks under each loss, all learning rates and seeds as groups of one convolution."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from benchmarks.regret.canvases import Image, Scene, draw, scenes, shapes, textures
from benchmarks.regret.cells import HALVES, Cell, Done, Row, everywhere, seed_of, write
from losses.contract.expression import Objective, parse
from losses.contract.loss import Items, Sums
from recommender.measure import measure_profile

FAMILY = "segmentation"
SEEDS, RATES = 2, (0.003, 0.01, 0.03)
TRAIN, VALIDATION, TEST = 64, 32, 96
STEPS, BATCH, WIDTH = 90, 12, 8
CANDIDATES = (
    "bce",
    "focal",
    "dice",
    "dice(group=batch)",
    "dice + bce",
    "dice(group=batch) + bce",
    "dice(group=batch) + focal",
    "tversky(alpha=0.3, beta=0.7)",
)


class Split(NamedTuple):
    """Pictures and masks of one part."""

    pictures: Tensor
    masks: Tensor


def main() -> None:
    """Train every cell and write the results."""
    started = time.monotonic()
    write(FAMILY, everywhere(of_scene, list(scenes())))
    print(f"{FAMILY}: {time.monotonic() - started:.0f} s")


def of_scene(scene: Scene) -> list[Done]:
    """Return both halves of one scene."""
    torch.set_num_threads(1)
    return list(_cells(scene))


def _cells(scene: Scene) -> Iterator[Done]:
    stock, walls = shapes(), textures()
    stratum = f"objects of {scene.size} px, {scene.empty:.0%} empty"
    name = f"{scene.digits} on {scene.texture}, {stratum}, contrast {scene.contrast:g}"
    test = _split(scene, TEST, np.random.default_rng(seed_of(name)), stock, walls)
    for half in HALVES:
        cell = Cell(FAMILY, name, scene.texture, stratum, "dilated network", half)
        rng = np.random.default_rng(seed_of(cell.key))
        train, validation = (_split(scene, count, rng, stock, walls) for count in (TRAIN, VALIDATION))
        profile = measure_profile("segmentation", train.masks).profile
        rows = [row for text in CANDIDATES for row in _trained(cell, text, train, validation, test)]
        yield Done(rows, {"task": "segmentation", "profile": profile.model_dump(mode="json", exclude_none=True)})


def _split(
    scene: Scene, count: int, rng: np.random.Generator, stock: dict[str, Image], walls: dict[str, Image]
) -> Split:
    pictures, masks = draw(scene, count, rng, stock, walls)
    return Split(torch.from_numpy(pictures), torch.from_numpy(masks))


def _trained(cell: Cell, text: str, train: Split, validation: Split, test: Split) -> list[Row]:
    """Train one loss under every rate from every seed, and return the scores of the rate that validated best."""
    objective = parse(text)
    weights = fit(objective, train)
    with torch.no_grad():
        tuning, tested = (_scores(outputs(part.pictures, weights), part.masks) for part in (validation, test))
    rows = []
    for metric, scores in tested.items():
        by_rate = tuning[metric].reshape(len(RATES), SEEDS).mean(1)
        best = int(by_rate.argmax() if metric != "brier" else by_rate.argmin())
        score = scores.reshape(len(RATES), SEEDS)[best]
        rows.append(Row(cell, text, str(objective), metric, float(score.mean()), float(score.std())))
    return rows


def fit(objective: Objective, train: Split) -> list[Tensor]:
    """Return the weights that one loss leads to, under every rate from every seed, as groups of one convolution."""
    replicas = len(RATES) * SEEDS
    share = float(train.masks.mean().clamp(1e-3, 0.5))
    weights = _initial(replicas, float(np.log(share / (1 - share))))
    rates = torch.tensor(RATES).repeat_interleave(SEEDS)
    means, squares = [torch.zeros_like(weight) for weight in weights], [torch.zeros_like(weight) for weight in weights]
    order = np.random.default_rng(0)
    for step in range(1, STEPS + 1):
        batch = torch.from_numpy(order.choice(TRAIN, BATCH, replace=False))
        logits = outputs(train.pictures[batch], weights)
        loss = torch.stack(
            [_value(objective, logits[:, place : place + 1], train.masks[batch]) for place in range(replicas)]
        )
        gradients = torch.autograd.grad(loss.sum(), weights)
        with torch.no_grad():
            for weight, gradient, mean, square in zip(weights, gradients, means, squares, strict=True):
                mean.lerp_(gradient, 0.1)
                square.lerp_(gradient.square(), 0.01)
                move = (mean / (1 - 0.9**step)) / ((square / (1 - 0.99**step)).sqrt() + 1e-8)
                by_replica = move.reshape(replicas, -1)
                weight.sub_((rates[:, None] * by_replica).reshape(weight.shape))
    return weights


def _value(objective: Objective, logits: Tensor, masks: Tensor) -> Tensor:
    """Return the mean of one loss over one batch, as the room of losses finishes it."""
    total = logits.new_zeros(())
    for coefficient, term in objective.terms:
        out = term({"predictions": logits, "targets": masks}, None)
        if isinstance(out, Sums):
            out = out.finish({name: rows.double().sum(0) for name, rows in out.parts.items()})
        if isinstance(out, Items):
            total = total + coefficient * (out.numerator.sum() / out.denominator.sum()).float()
        else:
            total = total + coefficient * out.mean()
    return total


def _initial(replicas: int, bias: float) -> list[Tensor]:
    """Return the weights of four layers; replicas of one seed start alike."""
    shapes_ = [(WIDTH, 1, 3, 3), (WIDTH, WIDTH, 3, 3), (WIDTH, WIDTH, 3, 3), (1, 2 * WIDTH, 1, 1)]
    layers: list[list[Tensor]] = [[] for _ in shapes_]
    for replica in range(replicas):
        generator = torch.Generator().manual_seed(replica % SEEDS)
        for layer, shape in zip(layers, shapes_, strict=True):
            layer.append(torch.randn(shape, generator=generator) * (2 / np.prod(shape[1:])) ** 0.5)
    biases = [torch.zeros(replicas * shape[0]) for shape in shapes_]
    biases[-1] += bias
    kernels = [torch.cat(layer) for layer in layers]
    return [weight.requires_grad_() for pair in zip(kernels, biases, strict=True) for weight in pair]


def outputs(pictures: Tensor, weights: list[Tensor]) -> Tensor:
    """Return logits (n, rates * seeds, side, side) of pictures (n, 1, side, side)."""
    replicas = len(RATES) * SEEDS
    x = pictures.expand(-1, replicas, -1, -1)
    first = F.conv2d(x, weights[0], weights[1], padding=1, groups=replicas).relu()
    deep = F.conv2d(first, weights[2], weights[3], padding=2, dilation=2, groups=replicas).relu()
    deep = F.conv2d(deep, weights[4], weights[5], padding=4, dilation=4, groups=replicas).relu()
    n, _, side, _ = deep.shape
    both = torch.stack([part.reshape(n, replicas, WIDTH, side, side) for part in (first, deep)], 2)
    return F.conv2d(both.reshape(n, -1, side, side), weights[6], weights[7], groups=replicas)


def _scores(logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
    """Return each metric by replica: Dice of a picture without foreground is 1 where nothing is found, else 0."""
    hit = (logits > 0).float()
    both, sizes = (hit * masks).sum((2, 3)), hit.sum((2, 3)) + masks.sum((2, 3))
    dice = torch.where(sizes > 0, 2 * both / sizes.clamp(min=1), 1.0)
    full = masks.sum((1, 2, 3)) > 0
    return {
        "dice": dice[full].mean(0),
        "dice_with_empty": dice.mean(0),
        "brier": (logits.sigmoid() - masks).square().mean((0, 2, 3)),
    }


if __name__ == "__main__":
    main()
