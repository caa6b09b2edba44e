"""Facts of bounding boxes: the spread of their sizes. Sides and areas are in the unit of the corners."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from losses.contract.domain_checks import first_index
from losses.errors import ShapeMismatch
from losses.text import Text
from recommender.errors import BadBox, UnreadableTargets
from recommender.measure import warnings
from recommender.measure.accumulators import QuantileBracket, brackets
from recommender.measure.details import Details, detail, list_detail
from recommender.measure.measurement import Facts, Given, RequiredItems, TaskMeasurement
from recommender.measure.numbers.residual_blocks import SAMPLE, Array, ResidualStream, float64, pieces
from recommender.measure.numbers.residual_scores import summarise
from recommender.measure.numbers.residuals import outlier_rate, residual_scale
from recommender.measure.pictures.masks import SMALL_SIDE
from recommender.measure.stats import rank_interval, wilson
from recommender.profile import Measured

ENOUGH_BOXES = 30  # three boxes beyond each percentile
_SHARES = (0.1, 0.5, 0.9)
_CORNERS = 4
_SEED = 0


def detection(given: Given) -> TaskMeasurement:
    """Return the facts of boxes (n, 4), given as corners x1, y1, x2, y2.

    Raises: UnreadableTargets, BadBox, ShapeMismatch, NonFiniteInput.
    """
    boxes = given.targets
    if boxes.ndim != 2 or boxes.shape[1] != _CORNERS:  # noqa: PLR2004 - axes of (n, 4)
        raise UnreadableTargets(
            given.task, Text("boxes (n, 4): x1, y1, x2, y2", "边界框 (n, 4):x1, y1, x2, y2"), boxes.shape
        )
    check_boxes("targets", boxes)
    facts: Facts = {"boxes": True}
    evidence = RequiredItems(boxes.shape[0])
    orders = area_orders(boxes)
    if evidence.enough("box_area_spread", ENOUGH_BOXES):
        facts["box_area_spread"] = box_area_spread(orders)
    if given.predictions is not None:
        if given.predictions.shape != boxes.shape:
            raise ShapeMismatch(
                "predictions",
                "n, 4",
                given.predictions.shape,
                Text(f"There are {boxes.shape[0]} boxes.", f"共有 {boxes.shape[0]} 个边界框。"),
            )
        residuals = summarise(ResidualStream(boxes, given.predictions))
        facts |= {"outlier_rate": outlier_rate(residuals), "residual_scale": residual_scale(residuals)}
    details, small = _sizes(boxes, orders)
    if evidence.enough("small_share", ENOUGH_BOXES):
        facts["small_share"] = small
    return TaskMeasurement(facts, [warnings.too_few(evidence)] if evidence.short else [], details)


def check_boxes(role: str, boxes: Tensor) -> None:
    """Refuse boxes whose corners are not in order.

    Raises: BadBox, with the index of the first.
    """
    start = 0
    for piece in pieces(boxes):
        wrong = ~(piece[:, :2] < piece[:, 2:]).all(1)
        if bool(wrong.any()):
            raise BadBox(role, first_index(wrong, start))
        start += piece.shape[0]


def areas(boxes: Tensor) -> Iterator[Array]:
    """Yield the areas of boxes, one block at a time."""
    for piece in pieces(boxes):
        corners = float64(piece)
        sides = corners[:, 2:] - corners[:, :2]
        yield sides[:, 0] * sides[:, 1]


def area_orders(boxes: Tensor, sample_size: int = SAMPLE) -> list[QuantileBracket]:
    """Return the order statistics around the 10th, 50th and 90th percentile of the areas.

    For more than `sample_size` boxes a sample chooses the brackets; the order statistics are exact nevertheless.
    """
    n = boxes.shape[0]
    if n <= sample_size:
        orders = [QuantileBracket(-math.inf, math.inf) for _ in _SHARES]
        return _filled(orders, boxes)
    drawn = torch.randint(n, (sample_size,), generator=torch.Generator().manual_seed(_SEED)).sort().values
    sample = np.sort(np.concatenate(list(areas(boxes[drawn]))))
    tries = 0
    while True:
        orders = _filled(brackets(sample, _SHARES, tries), boxes)
        if all(order.quantile(share) is not None for order, share in zip(orders, _SHARES, strict=True)):
            return orders
        tries += 1


def _filled(orders: list[QuantileBracket], boxes: Tensor) -> list[QuantileBracket]:
    """Return the brackets after adding the areas of all boxes."""
    for block in areas(boxes):
        for order in orders:
            order.add(block)
    return orders


def box_area_spread(orders: list[QuantileBracket]) -> Measured | None:
    """Return the 90th percentile of the areas divided by the 10th; its interval comes from those of both ranks.

    None where areas overflow.
    """
    low, high = orders[0].quantile(0.1), orders[-1].quantile(0.9)
    if low is None or high is None or not low > 0 or not math.isfinite(high / low):
        return None
    n = orders[0].n
    first = orders[0].ranks(rank_interval(n, 0.1))
    last = orders[-1].ranks(rank_interval(n, 0.9))
    interval = None
    if first[0] and first[1] and last[0] is not None and last[1] is not None:
        interval = (max(1.0, min(last[0] / first[1], high / low)), max(last[1] / first[0], high / low))
    return Measured(
        value=high / low, interval=interval, n=n, method="90th percentile of the areas over the 10th", basis="targets"
    )


def _sizes(boxes: Tensor, orders: list[QuantileBracket]) -> tuple[Details, Measured | None]:
    """Return the percentiles of the areas as details, and, where corners are in pixels, the share of small boxes."""
    n = boxes.shape[0]
    sizes = [order.quantile(share) for order, share in zip(orders, _SHARES, strict=True)]
    finite_areas = [area for area in sizes if area is not None and math.isfinite(area)]
    details: Details = (
        {"box_area": list_detail(finite_areas, n, "10th, 50th, 90th percentile")}
        if len(finite_areas) == len(sizes)
        else {}
    )
    if float(boxes.abs().amax()) <= 1:
        details["normalised"] = detail(1.0, n, "all corners lie between -1 and 1: parts of the image, no pixels")
        return details, None
    small = sum(int(np.count_nonzero(block < SMALL_SIDE**2)) for block in areas(boxes)) / n
    share = Measured(
        value=small, interval=wilson(small, n), n=n, method=f"boxes under {SMALL_SIDE} x {SMALL_SIDE}", basis="targets"
    )
    return details, share
