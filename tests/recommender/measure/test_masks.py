"""Objects in masks against drawings, and against a search from pixel to pixel."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from recommender.measure import measure_profile
from recommender.measure.details import Detail
from recommender.measure.pictures.components import objects
from recommender.measure.pictures.masks import (
    AT_ONCE,
    Masks,
    coverage,
    empty_share,
    mask_sparsity,
    shape_details,
    shapes,
    small_share,
    thinness,
)
from recommender.measure.stats import wilson
from recommender.profile import Measured
from tests.recommender.measure.measured import codes, number

Bools = NDArray[np.bool_]
DRAWN = np.random.default_rng(5)


def drawn(*lines: str) -> Bools:
    return np.array([[mark == "#" for mark in line] for line in lines])[None]


def searched(plane: Bools) -> list[int]:
    """Return the sizes of the objects of one mask, by walking from neighbour to neighbour."""
    left = {tuple(map(int, place)) for place in np.argwhere(plane)}
    steps = [step for step in product((-1, 0, 1), repeat=plane.ndim) if any(step)]
    sizes = []
    while left:
        waiting, size = [left.pop()], 0
        while waiting:
            at, size = waiting.pop(), size + 1
            near = {tuple(a + b for a, b in zip(at, step, strict=True)) for step in steps} & left
            left -= near
            waiting += near
        sizes.append(size)
    return sorted(sizes)


@pytest.mark.parametrize("shape", [(4, 15, 20), (3, 1, 40), (3, 40, 1), (3, 6, 7, 8), (2, 1, 6, 6)])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.35, 0.6, 1.0])
def test_objects_are_those_that_a_search_finds(shape: tuple[int, ...], share: float) -> None:
    planes = DRAWN.random(shape) < share

    regions = objects(planes)

    for place, plane in enumerate(planes):
        assert sorted(regions.area[regions.plane == place].astype(int).tolist()) == searched(plane)


def test_corners_connect_and_the_ends_of_lines_do_not() -> None:
    touching = objects(drawn("#...#", ".#.#.", "..#..", "....."))
    apart = objects(drawn("...##", "##...", ".....", "#...#"))

    assert touching.area.tolist() == [5]
    assert sorted(apart.area.tolist()) == [1, 1, 2, 2]


def test_a_snake_is_one_object() -> None:
    plane = np.zeros((1, 101, 101), dtype=np.bool_)
    plane[0, ::2] = True
    plane[0, 1::4, -1] = True
    plane[0, 3::4, 0] = True

    assert objects(plane).area.tolist() == [plane.sum()]
    assert objects(plane.swapaxes(1, 2)).area.tolist() == [plane.sum()]


def test_objects_that_touch_the_border_are_told() -> None:
    regions = objects(drawn("#.....", "......", "..##..", "......", ".....#"))

    assert dict(zip(regions.area.tolist(), regions.at_border.tolist(), strict=True)) == {1.0: True, 2.0: False}


def outlines(plane: Bools) -> tuple[float, float]:
    regions = objects(plane)
    assert regions.perimeter is not None
    return float(regions.perimeter[0]), float(regions.area[0])


def test_the_outline_of_a_disc_is_its_circumference() -> None:
    row, column = np.mgrid[:161, :161]
    for radius in (20, 40, 70):
        perimeter, area = outlines(((row - 80) ** 2 + (column - 80) ** 2 <= radius**2)[None])
        assert perimeter == pytest.approx(2 * math.pi * radius, rel=0.02)
        assert perimeter**2 / (4 * math.pi * area) == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize(("height", "width"), [(40, 40), (20, 80), (1, 100), (100, 1)])
def test_the_outline_of_a_rectangle_is_its_sides_to_a_tenth(height: int, width: int) -> None:
    plane = np.zeros((1, 120, 120), dtype=np.bool_)
    plane[0, 5 : 5 + height, 7 : 7 + width] = True

    assert outlines(plane)[0] == pytest.approx(2 * (height + width), rel=0.1)


def discs(images: int, radius: int = 6, side: int = 64) -> Tensor:
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return ((row - side // 2) ** 2 + (column - side // 2) ** 2 <= radius**2)[None].repeat(images, 1, 1)


def value(detail: Detail) -> list[float]:
    assert isinstance(detail.value, list)
    return detail.value


def test_masks_tell_how_much_is_empty_small_and_thin() -> None:
    planes = discs(40)
    planes[10:20] = False
    planes[:, 2, 2:62] = True
    planes[30:] = False

    measured = measure_profile("segmentation", planes)

    assert number(measured, "empty_share") == 0.25
    assert measured.profile.empty_share == Measured(
        value=0.25, interval=wilson(0.25, 40), n=40, method="count", basis="targets"
    )
    assert number(measured, "small_share") == 1
    assert measured.profile.thinness is not None
    assert number(measured, "n") == 40
    assert measured.details["objects_per_image"].value == pytest.approx(50 / 40)
    assert value(measured.details["foreground"])[0] == pytest.approx((20 * 113 + 30 * 60) / 40 / 64**2)
    assert value(measured.details["present_share"]) == [0.75]
    assert measured.details["border_share"].value == 0
    assert measured.details["largest_share"].value == pytest.approx(113 / 173)


def test_lines_are_thin_and_discs_are_not() -> None:
    line = torch.zeros(40, 64, 64, dtype=torch.bool)
    line[:, 30, 2:62] = True

    thin, round_ = (measure_profile("segmentation", planes) for planes in (line, discs(40, radius=20)))

    assert number(thin, "thinness") == pytest.approx((math.pi / 4 * (1 + 60 + 120 / math.sqrt(2))) ** 2 / 240 / math.pi)
    assert number(round_, "thinness") == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("side", "image", "small"), [(31, 64, 1), (32, 64, 0), (32, 512, 0), (32, 520, 1)])
def test_small_is_under_32_pixels_or_a_16th_of_the_image(side: int, image: int, small: float) -> None:
    planes = torch.zeros(1, image, image)
    planes[0, 3 : 3 + side, 5 : 5 + side] = 1
    measured = Masks.of(planes)
    assert measured is not None
    drawn_shapes = shapes(measured)

    assert drawn_shapes is not None
    share = small_share(drawn_shapes)
    assert share is not None
    assert share.value == small


@pytest.mark.parametrize("written", ["ids", "exclusive", "overlapping"])
def test_every_way_of_writing_masks_finds_the_same_objects(written: str) -> None:
    first, second = discs(30, 5), torch.zeros(30, 64, 64, dtype=torch.bool)
    second[:15, 50:60, 50:60] = True
    planes = {
        "ids": first * 1 + second * 7,
        "exclusive": torch.stack([~(first | second), first, second], dim=1).float(),
        "overlapping": torch.stack([first, second], dim=1).float(),
    }[written]

    measured = measure_profile("segmentation", planes)

    assert value(measured.details["present_share"]) == [1.0, 0.5]
    assert measured.details["objects_per_image"].value == 1.5
    assert number(measured, "empty_share") == 0


def test_pixels_with_ids_below_0_do_not_count() -> None:
    ids = torch.zeros(2, 4, 4, dtype=torch.long)
    ids[:, 0] = -1
    ids[:, 1] = 1

    measured = measure_profile("segmentation", ids)

    assert number(measured, "mask_sparsity") == pytest.approx(8 / 12)
    assert "ids-below-0" in codes(measured)


def test_of_many_images_some_are_looked_at_and_the_method_says_so() -> None:
    measured = Masks.of(discs(50))

    assert measured is not None
    drawn_shapes = shapes(measured, most_pixels=10 * 64 * 64)
    assert drawn_shapes is not None
    thin = thinness(drawn_shapes)
    assert thin is not None
    assert thin.n == 10
    assert thin.method == "median; 8-connected objects of 10 images, evenly spaced"
    assert empty_share(coverage(measured)).n == 50


def test_of_many_classes_a_hundred_are_looked_at_and_the_method_says_so() -> None:
    ids = torch.arange(30 * 12 * 12).reshape(30, 12, 12) % 300

    fact = measure_profile("segmentation", ids).profile.small_share

    assert isinstance(fact, Measured)
    assert fact.method == "8-connected objects, 100 classes"


def test_volumes_have_objects_and_no_outline() -> None:
    volume = torch.zeros(40, 16, 16, 16)
    volume[:, 3:6, 3:6, 3:6] = 1

    measured = measure_profile("segmentation", volume[:, None])

    assert value(measured.details["object_area"]) == [27, 27, 27]
    assert measured.profile.thinness is None
    assert number(measured, "small_share") == 0


def test_masks_without_foreground_are_said_to_be_so() -> None:
    measured = measure_profile("segmentation", torch.zeros(30, 1, 8, 8))

    assert codes(measured) == ["no-foreground", "too-few-items"]
    assert number(measured, "empty_share") == 1


def test_the_number_of_blocks_changes_nothing() -> None:
    planes = Masks.of(torch.from_numpy(DRAWN.random((20, 2, 12, 12)) < 0.2).float())
    assert planes is not None

    whole, cut = (coverage(planes, block_pixels) for block_pixels in (AT_ONCE, 400))
    whole_shapes, cut_shapes = (shapes(planes, block_pixels=block_pixels) for block_pixels in (AT_ONCE, 400))

    assert mask_sparsity(cut) == mask_sparsity(whole)
    assert empty_share(cut) == empty_share(whole)
    assert whole_shapes is not None
    assert cut_shapes is not None
    assert shape_details(cut_shapes) == shape_details(whole_shapes)


def test_masks_of_one_line_have_no_channels() -> None:
    measured = measure_profile("segmentation", torch.tensor([[0, 1], [1, 0]]))

    assert number(measured, "mask_sparsity") == 0.5
