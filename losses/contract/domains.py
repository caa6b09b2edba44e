"""The domains of inputs: which numbers are legal, and the check of a chunk against its domain."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from losses.contract import encodings as known
from losses.contract.encodings import Astray, Extremes, LooksLike, OtherEncoding
from losses.contract.shapes import Axes
from losses.errors import DomainViolation, NonFiniteInput
from losses.text import Text, paragraph

SIMPLEX_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4}  # rounding of a sum of C terms
HALF_TOLERANCE = 1e-2  # float16 and bfloat16 carry three digits or fewer
_KEEP_OUT = Text("Remove it, or mask its item.", "请去掉它,或用掩码排除该项。")
_LET_IN = Text(
    "Remove it, mask it, or ask with nonfinite=allow for a null and the count.",
    "请去掉它、用掩码排除它,或使用 nonfinite=allow 得到 null 和个数。",
)


@dataclass(frozen=True)
class Domain:
    """An interval, and further conditions on the numbers in it.

    `low` and `high` are included in it, `above` and `under` are not. `below`: the axis whose length bounds whole
    numbers; `up_to`: the axis whose length is the largest of them. `simplex`: entries along axis 1 sum to one.
    `corners`: rows along axis 1 are x1, y1, x2, y2 with x1 <= x2 and y1 <= y2. `sizes`: their last two entries are at
    least 0. `signs`: -1 or 1 and nothing between. `minus_infinity` is legal where it means a probability of zero.
    `instead`: the domain that takes over under a value of the parameter that `switch` names. `encodings`: what numbers
    outside may be, and what becomes of them; `way_out` is for those that are none of these. `shape_way_out`: what to do
    about axes that do not fit. `looks_like`: encodings whose numbers are legal here and mean something else.
    """

    meaning: Text
    low: float | None = None
    high: float | None = None
    above: float | None = None
    under: float | None = None
    whole: bool = False
    below: str | None = None
    up_to: str | None = None
    simplex: bool = False
    corners: bool = False
    sizes: bool = False
    signs: bool = False
    minus_infinity: bool = False
    way_out: str | Text = ""
    encodings: tuple[OtherEncoding, ...] = ()
    shape_way_out: str | Text = ""
    looks_like: tuple[LooksLike, ...] = ()
    instead: "Mapping[object, Domain]" = field(default_factory=dict, repr=False, hash=False)
    switch: str = "from_logits"

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest legal number; at an open end, the float64 next to it."""
        least = -math.inf if self.low is None else self.low
        most = math.inf if self.high is None else self.high
        if self.above is not None:
            least = math.nextafter(self.above, math.inf)
        if self.under is not None:
            most = math.nextafter(self.under, -math.inf)
        return least, most

    @cached_property
    def free(self) -> bool:
        """Whether the domain is exactly the finite numbers."""
        more = self.whole or self.simplex or self.corners or self.sizes or self.signs or self.minus_infinity
        return self.ends == (-math.inf, math.inf) and not more

    @cached_property
    def is_shaped(self) -> bool:
        """Whether more is asked of the numbers than to lie between the ends; `departure` measures it."""
        return self.simplex or self.signs or self.corners or self.sizes or self.whole

    @cached_property
    def is_index(self) -> bool:
        """Whether the numbers name places, so that they are computed with as int64; others may be larger than those."""
        return self.whole and (self.high is not None or self.below is not None or self.up_to is not None)

    @cached_property
    def is_of_probabilities(self) -> bool:
        """Whether the numbers are probabilities, which may be 0."""
        return (self.low, self.high) == (0, 1)

    @property
    def legal(self) -> float:
        """A legal number: 0, or where that is outside the domain, one near the end that is closer to 0."""
        least, most = self.ends
        if least <= 0 <= most:
            return float(self.signs)
        return math.floor(least) + 1.0 if least > 0 else math.ceil(most) - 1.0

    def way_out_of(self, astray: Astray, *, ignorable: bool) -> Text:
        """Return what to do about a number outside; `ignorable`: the loss has an ignore_index."""
        return known.way_out(self.encodings, self.way_out, astray, ignorable=ignorable)

    def bounded(self, axes: Axes) -> "Domain":
        """Return the domain with `below` or `up_to` filled in from the lengths of the axes."""
        axis = self.below or self.up_to
        if axis is None:
            return self
        high = axes[axis][0] - 1 if self.below else axes[axis][0]
        meaning = Text(f"{self.meaning.en}, 0 to {high}", f"{self.meaning.zh},0 到 {high}")
        return replace(self, below=None, up_to=None, high=high, meaning=meaning)


REAL = Domain(Text("finite numbers", "有限的数"))
POSITIVE = Domain(Text("numbers greater than 0", "大于 0 的数"), above=0)
NON_NEGATIVE = Domain(Text("numbers of at least 0", "不小于 0 的数"), low=0)
COUNTS = Domain(Text("whole numbers of at least 0", "不小于 0 的整数"), low=0, whole=True)
GROUPS = Domain(
    Text("whole numbers, equal where items belong together", "整数,同组的项相等"),
    whole=True,
    way_out=Text(
        "Number the groups: numpy.unique(labels, return_inverse=True)[1].",
        "请给各组编号:numpy.unique(labels, return_inverse=True)[1]。",
    ),
)
_SIZED = Domain(
    Text("boxes with width and height of at least 0 along axis 1", "沿轴 1 宽和高不小于 0 的边界框"),
    sizes=True,
    looks_like=known.SIZES,
)
CORNERS = Domain(
    Text(
        "boxes x1, y1, x2, y2 along axis 1 with x1 <= x2 and y1 <= y2",
        "沿轴 1 满足 x1 <= x2 且 y1 <= y2 的边界框 x1, y1, x2, y2",
    ),
    corners=True,
    way_out=Text(
        "Boxes of a corner and a size, as COCO has them, are format=xywh; of a centre and a size format=cxcywh.",
        "COCO 式的角点加尺寸用 format=xywh;中心点加尺寸用 format=cxcywh。",
    ),
    switch="format",
    instead={"xywh": _SIZED, "cxcywh": _SIZED},
)
SIGNS = Domain(Text("labels of -1 or 1", "-1 或 1 的标签"), low=-1, high=1, signs=True, encodings=known.SIGNS)
LABELS = Domain(
    Text("labels from 0 to 1", "0 到 1 的标签"),
    low=0,
    high=1,
    encodings=known.LABELS,
    way_out=Text("Labels on another scale are divided by its largest number.", "其他尺度的标签请除以其最大值。"),
)
LABELS_OF_LISTS = replace(LABELS, encodings=(*known.LABEL_LISTS, *known.LABELS))
MASKS = Domain(
    Text("masks of 0 and 1", "0 和 1 的掩膜"),
    low=0,
    high=1,
    whole=True,
    encodings=known.MASKS,
    shape_way_out=Text(
        "Class ids become masks of 0 and 1, with a channel on axis 1 a class.",
        "类别编号请转换为 0 和 1 的掩膜,每个类别在轴 1 上占一个通道。",
    ),
)
IDS = Domain(
    Text("whole class ids", "整数类别编号"),
    low=0,
    whole=True,
    below="C",
    encodings=known.IDS,
    way_out=paragraph(
        Text(
            "Each class has its own logit on axis 1 of predictions.", "每个类别在 predictions 的轴 1 上有自己的 logit。"
        ),
        known.MARKED,
    ),
    shape_way_out=Text("One-hot labels belong to categorical_ce.", "one-hot 标签请用 categorical_ce。"),
)
ONE_HOT = Domain(
    Text("one-hot rows or probabilities that sum to 1 along axis 1", "沿轴 1 之和为 1 的 one-hot 行或概率"),
    low=0,
    high=1,
    simplex=True,
    encodings=known.ONE_HOT,
    way_out=Text(
        "Several labels an item belong to bce; shares are divided by their sum.",
        "每项多个标签请用 bce;份额请除以其总和。",
    ),
    shape_way_out=Text(
        "Class ids belong to sparse_categorical_ce, several labels an item to bce.",
        "类别编号请用 sparse_categorical_ce,每项多个标签请用 bce。",
    ),
)
PROBABILITIES = Domain(
    Text("probabilities from 0 to 1", "0 到 1 的概率"),
    low=0,
    high=1,
    way_out=Text("Logits are taken with from_logits=true, the default.", "logits 请使用 from_logits=true(默认)。"),
)
DISTRIBUTION = Domain(
    Text("probabilities that sum to 1 along axis 1", "沿轴 1 之和为 1 的概率"),
    low=0,
    high=1,
    simplex=True,
    way_out=Text("Logits are taken with from_logits=true, the default.", "logits 请使用 from_logits=true(默认)。"),
)
_THRESHOLDS = Text(
    "K classes in order have K - 1 thresholds; levels of 0 and 1 become their sum along axis 1.",
    "K 个有序类别有 K - 1 个阈值;0 和 1 的各级请沿轴 1 求和。",
)
RANKS = Domain(
    Text("whole ranks, the number of thresholds exceeded", "整数等级,即超过的阈值个数"),
    low=0,
    whole=True,
    up_to="K",
    encodings=known.RANKS,
    way_out=_THRESHOLDS,
    shape_way_out=_THRESHOLDS,
)
FRAMES = Domain(Text("whole numbers of frames", "整数帧数"), low=0, whole=True, up_to="T")
LABEL_COUNTS = Domain(Text("whole numbers of labels", "整数标签个数"), low=0, whole=True, up_to="S")
SYMBOLS = Domain(
    Text("whole symbol ids", "整数符号编号"),
    low=0,
    whole=True,
    below="C",
    way_out=Text("Fill up short sequences with the blank.", "较短的序列请用空白符补齐。"),
)
CLASS_COUNTS = Domain(
    Text("numbers of items of at least 1, one a class", "每个类别不小于 1 的项数"), low=1, encodings=known.CLASS_COUNTS
)
PRIORS = Domain(
    Text("class frequencies greater than 0; only their ratios matter", "大于 0 的类别频率(只有比例起作用)"),
    above=0,
    way_out=Text("A class that was never seen counts as if it had been seen once.", "从未出现的类别按出现一次计。"),
)
LOGARITHMS = Domain(
    Text("logarithms: finite numbers or -infinity", "对数:有限的数或负无穷"),
    minus_infinity=True,
    looks_like=known.LOGITS,
    instead={False: NON_NEGATIVE},
)
LOGITS = Domain(
    Text("logits: finite numbers or -infinity", "logits:有限的数或负无穷"),
    minus_infinity=True,
    looks_like=known.LOGITS,
    instead={False: PROBABILITIES},
)
CLASS_LOGITS = replace(LOGITS, instead={False: DISTRIBUTION})
GRADES = Domain(Text("finite numbers", "有限的数"), looks_like=known.GRADES)
RELEVANCES = Domain(Text("relevances of at least 0", "不小于 0 的相关度"), low=0, encodings=known.RELEVANCES)


def first_index(bad: Tensor, offset: int = 0) -> list[int]:
    """Return where `bad` is true first, `offset` added along axis 0."""
    place = int(bad.flatten().to(torch.uint8).argmax())
    index: list[int] = []
    for length in reversed(bad.shape):  # torch.unravel_index imports sympy, which takes half a second
        place, within = divmod(place, length)
        index.insert(0, within)
    return [index[0] + offset, *index[1:]] if index else []


def check(
    role: str,
    chunk: Tensor,
    domain: Domain,
    seen: Extremes,
    *,
    sent: Tensor,
    offset: int = 0,
    ignored: int | None = None,
    nonfinite: Literal["refuse", "allow"] | None = None,
) -> None:
    """Refuse a chunk with numbers outside its domain.

    `ignored` is the id that does not count, wherever it lies; `sent` is the chunk before any conversion, whose rounding
    is forgiven; `nonfinite` is the caller's choice where there is one.

    Raises: NonFiniteInput, DomainViolation, both with the first index.
    """
    if chunk.numel() == 0:
        return
    low, high = (float(bound) for bound in chunk.aminmax())  # NaN shows in both
    seen.note(low, high)
    if not finite_between(domain, low, high):
        bad = ~(chunk.isfinite() | chunk.isneginf()) if domain.minus_infinity else ~chunk.isfinite()
        _refuse_overflow(role, chunk.dtype, bad & sent.isfinite().to(bad.device), offset)
        if nonfinite != "allow":
            raise NonFiniteInput(role, first_index(bad, offset), _LET_IN if nonfinite else _KEEP_OUT)
        seen.nonfinite += int(bad.sum())
        return
    if domain.sizes:
        seen.in_order &= bool((chunk[:, 2:] >= chunk[:, :2]).all())
    tolerance = tolerance_of(sent.dtype)
    if _inside(chunk, domain, low, high, tolerance):
        return
    bad = _outside(chunk, domain, low, tolerance)
    if ignored is not None and domain.whole:
        bad &= chunk != ignored
    if bool(bad.any()):
        index = first_index(bad)
        way_out = domain.way_out_of(_astray(chunk, domain, index), ignorable=ignored is not None)
        raise DomainViolation(role, domain.meaning, [index[0] + offset, *index[1:]], way_out)


def _refuse_overflow(role: str, dtype: torch.dtype, overflowed: Tensor, offset: int) -> None:
    """Refuse finite numbers that are none in the dtype computed in."""
    if bool(overflowed.any()):
        name = str(dtype).removeprefix("torch.")
        wanted = Text(f"within the range of {name}, in which is computed", f"在计算所用的 {name} 范围内的数")
        raise DomainViolation(
            role, wanted, first_index(overflowed, offset), Text("Ask with dtype=float64.", "请使用 dtype=float64。")
        )


def _astray(chunk: Tensor, domain: Domain, index: list[int]) -> Astray:
    """Return what is known of the number at an index that is outside the domain."""
    row_sum = float(chunk.movedim(1, -1)[(index[0], *index[2:])].sum()) if domain.simplex else None
    return Astray(float(chunk[tuple(index)]), domain.ends[1], row_sum)


def outside(chunk: Tensor, domain: Domain, sent: torch.dtype, ignored: int | None) -> Tensor:
    """Return which numbers of a chunk `check` would refuse, in the shape of the chunk."""
    bad = ~(chunk.isfinite() | chunk.isneginf()) if domain.minus_infinity else ~chunk.isfinite()
    legal = chunk.masked_fill(bad, 0)
    bad = bad | _outside(legal, domain, float(legal.amin()) if legal.numel() else 0.0, tolerance_of(sent))
    return bad & (chunk != ignored) if ignored is not None and domain.whole else bad


def tolerance_of(sent: torch.dtype) -> float:
    """Return how far the sum of a distribution of this dtype may be from 1."""
    return SIMPLEX_TOLERANCE.get(sent, HALF_TOLERANCE if sent.is_floating_point else 0.0)


def _inside(chunk: Tensor, domain: Domain, low: float, high: float, tolerance: float) -> bool:
    """Return whether a quick test proves that the numbers lie in the domain; False leaves it open.

    The test uses sums and extremes, which are faster to compute than a mask of booleans.
    """
    if not between_ends(domain, low, high):
        return False
    if not domain.is_shaped or (domain.whole and not chunk.is_floating_point()):
        return True
    return float(departure(chunk, domain)) <= allowed_departure(domain, tolerance)


def finite_between(domain: Domain, low: float, high: float) -> bool:
    """Return whether numbers with these extremes are finite, or -infinity where the domain has it."""
    return high < math.inf and (low > -math.inf or (domain.minus_infinity and low == -math.inf))


def shows_in_a_sum(domain: Domain) -> bool:
    """Return whether a finite sum of numbers proves them legal, and nothing else is asked of them."""
    return domain.free and not domain.looks_like


def between_ends(domain: Domain, low: float, high: float) -> bool:
    """Return whether numbers with these extremes lie between the ends of the domain."""
    least, most = domain.ends
    return least <= low and high <= most


def departure(chunk: Tensor, domain: Domain) -> Tensor:
    """Return how far numbers between the ends of a domain are from what else it asks of them, at most, a scalar."""
    if domain.simplex:  # in the dtype that was sent; within its rounding `_outside` decides
        return (chunk.sum(1) - 1).abs().amax()
    if domain.signs:
        return 1 - chunk.abs().amin()
    if domain.corners:
        return -(chunk[:, 2:] - chunk[:, :2]).amin()
    if domain.sizes:
        return -chunk[:, 2:].amin()
    return (chunk - chunk.round()).abs().amax() if chunk.is_floating_point() else chunk.new_zeros(())


def allowed_departure(domain: Domain, tolerance: float) -> float:
    """Return the departure up to which numbers are legal for sure; `tolerance`: of sums of a distribution."""
    return tolerance / 2 if domain.simplex else 0.0


def _outside(chunk: Tensor, domain: Domain, low: float, tolerance: float) -> Tensor:
    """Return where the finite numbers of a chunk leave the domain."""
    if domain.simplex and low >= 0:
        off = (chunk.sum(1, dtype=torch.float64) - 1).abs() > tolerance
        return off.unsqueeze(1) | (chunk > 1)
    if domain.signs:
        return chunk.abs() != 1
    if domain.corners:
        crossed = chunk[:, :2] > chunk[:, 2:]
        return torch.cat([torch.zeros_like(crossed), crossed], 1)
    if domain.sizes:
        return torch.cat([torch.zeros_like(chunk[:, :2], dtype=torch.bool), chunk[:, 2:] < 0], 1)
    least, most = domain.ends
    wide = chunk.to(torch.float64)  # the float64 next to an open end has no float32
    bad = (wide < least) | (wide > most)
    return bad | (chunk != chunk.round()) if domain.whole else bad
