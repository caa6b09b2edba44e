"""Facts of masks: the share of background, the share of empty images, the size and shape of objects.

Pixels of one image are not independent, so intervals are computed over images.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from losses.text import Text
from recommender.errors import UnreadableTargets
from recommender.measure.classes.labels import all_whole, exclusive, in_unit_interval, value_counts
from recommender.measure.details import MOST_LISTED, Details, Interval, detail, list_detail
from recommender.measure.numbers.residual_blocks import Array, pieces
from recommender.measure.pictures.components import Objects, objects
from recommender.measure.pictures.void import Void, rows_that_count
from recommender.measure.stats import Z, rank_interval, wilson
from recommender.profile import Measured

HALF = 0.5  # a soft mask counts as foreground from here
SMALL_SIDE = 32  # pixels; COCO's small objects have areas under 32 ** 2
SMALL_PART = 16  # of the image's side: what a stride of 16 leaves one cell of
MOST_PIXELS = 1 << 25  # of all classes together: what objects are looked for in, evenly spaced images of more
ENOUGH_IMAGES = 30  # a share of images known to 0.18
ENOUGH_OBJECTS = 30
AT_ONCE = 1 << 22  # pixels in memory as foreground, of all classes together
_WITH_CHANNELS = 4  # axes of (n, C, height, width)
_LINES = 2  # axes of (n, width), which has no room for channels
_SPATIAL = 2  # axes in which masks have an outline


@dataclass
class Masks:
    """Segmentation masks in any encoding, with functions that give the foreground of each class."""

    values: Tensor
    kind: str  # ids, exclusive, overlapping or plain
    classes: Sequence[float]  # ids or channels that are foreground, at most MOST_LISTED
    void: Void | None = None
    more: bool = False  # classes that are not looked at one by one

    @classmethod
    def of(cls, values: Tensor, void: Void | None = None) -> "Masks | None":
        """Return the masks that an array encodes; None where its numbers do not fit.

        Shapes: (n, C, *s) with entries from 0 to 1, or -1 for background and 1; or ids (n, *s) with 0 as background.
        `void` says which numbers mark pixels that do not count.
        """
        if not _shares_or_signs(values, void):
            if not all_whole(values):
                return None
            labels = values if void is None else void.without(values)
            ids = [one for one in value_counts(labels, MOST_LISTED)[0].tolist() if one > 0]
            return cls(values, "ids", ids[:MOST_LISTED], void, more=len(ids) >= MOST_LISTED)
        channels = values.shape[1] if values.ndim > 1 else 1
        if values.ndim > _LINES and _exclusive(values, void):
            return cls(
                values, "exclusive", list(range(1, channels))[:MOST_LISTED], void, more=channels - 1 > MOST_LISTED
            )
        if values.ndim >= _WITH_CHANNELS:
            return cls(values, "overlapping", list(range(channels))[:MOST_LISTED], void, more=channels > MOST_LISTED)
        return cls(values, "plain", [0], void)

    @property
    def planes(self) -> tuple[int, ...]:
        """The lengths of the spatial axes."""
        return tuple(self.values.shape[2 if self.in_channels else 1 :])

    @property
    def in_channels(self) -> bool:
        """Whether classes are on axis 1."""
        return self.kind in {"exclusive", "overlapping"}

    def counted(self, values: Tensor) -> Tensor | None:
        """Return a mask (n, *s) of the pixels of some images that count; None where all do."""
        if self.void is None:
            return None
        void = self.void.where(values)
        return ~(void.any(1) if self.in_channels else void)

    def foreground(self, values: Tensor, one: float) -> NDArray[np.bool_]:
        """Return a mask (n, *s) of the pixels of class `one` in some images."""
        plane = values[:, int(one)] if self.in_channels else values
        inside = plane == one if self.kind == "ids" else plane >= HALF
        counted = self.counted(values)
        return (inside if counted is None else inside & counted).cpu().numpy()

    def background(self, values: Tensor) -> Tensor:
        """Return a mask (n, *s) of the pixels without foreground in some images."""
        if self.kind == "ids":
            outside = values == 0
        elif self.kind == "exclusive":
            outside = values[:, 0] >= HALF
        else:
            on = values >= HALF
            outside = ~on.any(1) if self.kind == "overlapping" else ~on
        counted = self.counted(values)
        return outside if counted is None else outside & counted


def _shares_or_signs(values: Tensor, void: Void | None) -> bool:
    """Return whether all numbers that count lie between 0 and 1, or all are -1 or 1."""
    if in_unit_interval(values):
        return True
    if void is not None:
        return all(bool(((piece >= 0) & (piece <= 1) | void.where(piece)).all()) for piece in pieces(values))
    low, high = values.aminmax()
    return bool(low == -1) and bool(high <= 1) and all(bool((piece.abs() == 1).all()) for piece in pieces(values))


def _exclusive(values: Tensor, void: Void | None) -> bool:
    """Return whether the shares along axis 1 sum to 1 at every pixel; a void pixel must be void in all channels."""
    if void is None:
        return exclusive(values)
    return rows_that_count(values, void) is not None


@dataclass
class Coverage:
    """The share of background (n) and of each class's foreground (n, K) in each image."""

    background: Array
    foreground: Array
    counted: Array  # pixels (n)

    @property
    def images(self) -> int:
        """The number of images."""
        return self.background.size


def coverage(masks: Masks, block_pixels: int = AT_ONCE) -> Coverage:
    """Return the shares of every image among its pixels that count, processing some images at a time.

    Images without a pixel that counts are left out.

    Raises: UnreadableTargets where no pixel of any image counts.
    """
    background, foreground, pixels = [], [], []
    for piece in pieces(masks.values, block_pixels):
        empty = masks.background(piece).flatten(1)
        counted = masks.counted(piece)
        n = np.full(empty.shape[0], float(empty.shape[1]))
        if counted is not None:
            n = counted.flatten(1).sum(1).cpu().numpy().astype(np.float64)
        planes = [masks.foreground(piece, class_id).reshape(empty.shape[0], -1).sum(1) for class_id in masks.classes]
        covered = np.stack(planes, axis=1) if planes else np.zeros((empty.shape[0], 0))
        non_void = n > 0
        background.append(empty.sum(1).cpu().numpy()[non_void] / n[non_void])
        foreground.append(covered[non_void] / n[non_void, None])
        pixels.append(n[non_void])
    if not any(map(len, pixels)):
        wanted = Text("masks of which some pixels count", "有像素计入的掩膜")
        raise UnreadableTargets("segmentation", wanted, masks.values.shape)
    return Coverage(np.concatenate(background), np.concatenate(foreground), np.concatenate(pixels))


def mask_sparsity(covered: Coverage) -> Measured:
    """Return the share of background pixels, from 0 to 1, with an interval over images."""
    value = float(covered.background.mean())
    interval = None
    if covered.images > 1:
        half = Z * float(covered.background.std(ddof=1)) / math.sqrt(covered.images)
        interval = (max(0.0, value - half), min(1.0, value + half))
    return Measured(value=value, interval=interval, n=covered.images, method="mean over images", basis="targets")


def empty_share(covered: Coverage) -> Measured:
    """Return the share of images without any foreground."""
    share = float((covered.background >= 1).mean())
    return Measured(
        value=share, interval=wilson(share, covered.images), n=covered.images, method="count", basis="targets"
    )


@dataclass
class ObjectShapes:
    """The connected objects of some images, and the size of these images."""

    objects: Objects  # planes count images
    images: int
    planes: tuple[int, ...]
    sampled: bool
    more: bool  # classes that were not looked at

    @property
    def method(self) -> str:
        """The method by which the objects were found, for the answer."""
        neighbours = 3 ** len(self.planes) - 1
        where = f" of {self.images} images, evenly spaced" if self.sampled else ""
        which = f", {MOST_LISTED} classes" if self.more else ""
        return f"{neighbours}-connected objects{where}{which}"


def shapes(masks: Masks, most_pixels: int = MOST_PIXELS, block_pixels: int = AT_ONCE) -> ObjectShapes | None:
    """Return the connected objects of every class; None for masks with only one spatial axis.

    Args:
        masks: The masks.
        most_pixels: The most pixels to examine.
        block_pixels: The most pixels in memory at a time, of all classes together.
    """
    planes, classes = masks.planes, max(1, len(masks.classes))
    if len(planes) < _SPATIAL:
        return None
    most = max(1, most_pixels // (math.prod(planes) * classes))
    images = masks.values.shape[0]
    sample = masks.values
    if images > most:
        sample = sample[torch.linspace(0, images - 1, most).round().long()]
    parts = list(_objects(masks, sample, max(1, block_pixels // classes)))
    outlined = all(part.perimeter is not None for part in parts)
    joined = Objects(
        np.concatenate([part.plane for part in parts]),
        np.concatenate([part.area for part in parts]),
        np.concatenate([part.perimeter for part in parts if part.perimeter is not None]) if outlined else None,
        np.concatenate([part.at_border for part in parts]),
    )
    return ObjectShapes(joined, sample.shape[0], planes, images > most, masks.more)


def _objects(masks: Masks, sample: Tensor, numbers: int) -> Iterator[Objects]:
    """Yield the objects of each class in some of the images, a block at a time."""
    yield objects(np.zeros((1, *masks.planes), dtype=np.bool_))  # none, so that there is always something to join
    offset = 0
    for piece in pieces(sample, numbers):
        for class_id in masks.classes:
            regions = objects(masks.foreground(piece, class_id))
            regions.plane += offset
            yield regions
        offset += piece.shape[0]


def small_share(measured: ObjectShapes) -> Measured | None:
    """Return the share of objects smaller than 32 x 32 pixels, or than 1/16 of the image's side in both directions.

    The interval is over images, by the variance of a ratio. None where there is no object. For volumes only the second
    limit applies.
    """
    area = measured.objects.area
    if not area.size:
        return None
    axes = len(measured.planes)
    small = area ** (1 / axes) * SMALL_PART < math.prod(measured.planes) ** (1 / axes)
    if axes == _SPATIAL:
        small |= area < SMALL_SIDE**2
    share = float(small.mean())
    count = np.bincount(measured.objects.plane, minlength=measured.images)
    off = np.bincount(measured.objects.plane, small, measured.images) - share * count
    error = math.sqrt(float(off @ off) / max(1, measured.images - 1) * measured.images) / area.size
    low, high = wilson(share, measured.images)
    interval = (max(0.0, share - Z * error), min(1.0, share + Z * error)) if error > 0 else (low, high)
    return Measured(value=share, interval=interval, n=area.size, method=measured.method, basis="targets")


def thinness(measured: ObjectShapes) -> Measured | None:
    """Return the median of perimeter ** 2 / (4 pi area): 1 for a disc, large for vessels.

    Perimeters are Crofton's estimates in four directions. None where there is no object, and for volumes.
    """
    if measured.objects.perimeter is None or not measured.objects.area.size:
        return None
    ratio = np.sort(measured.objects.perimeter**2 / (4 * math.pi * measured.objects.area))
    low, high = rank_interval(ratio.size, 0.5)
    value = float(np.median(ratio))
    interval = (float(ratio[low]), float(ratio[high]))
    return Measured(value=value, interval=interval, n=ratio.size, method=f"median; {measured.method}", basis="targets")


def coverage_details(covered: Coverage) -> Details:
    """Return the share of the images that each class covers, and the number of images in which it occurs."""
    n, foreground = covered.images, covered.foreground
    if not foreground.size:
        return {}
    present = (foreground > 0).mean(0)
    return {
        "foreground": list_detail(
            foreground.mean(0).tolist(), n, "mean over images, by class", intervals=_over(foreground)
        ),
        "foreground_median": list_detail(np.median(foreground, axis=0).tolist(), n, "median over images, by class"),
        "foreground_5th": list_detail(np.quantile(foreground, 0.05, axis=0).tolist(), n, "5th percentile, by class"),
        "present_share": list_detail(
            present.tolist(),
            n,
            "images with the class, by class",
            intervals=[wilson(share, n) for share in present.tolist()],
        ),
        "foreground_pixels": detail(
            float(((1 - covered.background) * covered.counted).mean()),
            n,
            "a mean image's; a batch under 50 makes dice unstable",
        ),
    }


def shape_details(measured: ObjectShapes) -> Details:
    """Return the number of objects, their sizes and their positions."""
    area, n = measured.objects.area, measured.objects.area.size
    count = np.bincount(measured.objects.plane, minlength=measured.images)
    details: Details = {"objects_per_image": detail(float(count.mean()), measured.images, f"mean; {measured.method}")}
    if not n:
        return details
    border = float(measured.objects.at_border.mean())
    total = np.bincount(measured.objects.plane, area, measured.images)
    largest = np.zeros(measured.images)
    np.maximum.at(largest, measured.objects.plane, area)
    non_empty = total > 0
    details |= {
        "object_area": list_detail(
            np.quantile(area, (0.1, 0.5, 0.9)).tolist(), n, "pixels: 10th, 50th, 90th percentile"
        ),
        "largest_share": detail(
            float(np.median(largest[non_empty] / total[non_empty])),
            int(non_empty.sum()),
            "largest object over all; median of images",
        ),
        "border_share": detail(border, n, "objects that touch the border", interval=wilson(border, n)),
    }
    if measured.objects.perimeter is not None:
        outline = float(np.median(measured.objects.perimeter / area))
        details["boundary_share"] = detail(outline, n, "perimeter over area in pixels; median of objects")
    return details


def _over(values: Array) -> list[Interval] | None:
    """Return the interval of the mean over images of each class."""
    n = values.shape[0]
    if n < _SPATIAL:
        return None
    mean, half = values.mean(0), Z * values.std(0, ddof=1) / math.sqrt(n)
    return list(zip(np.maximum(mean - half, 0).tolist(), np.minimum(mean + half, 1).tolist(), strict=True))
