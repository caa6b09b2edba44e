"""The domains of inputs: which numbers are legal, and the check of a chunk of numbers against its domain."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from losses.contract import encodings
from losses.contract.encodings import Extremes, IllegalNumber, LooksLike, OtherEncoding
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
    """The set of legal numbers of an input: an interval with further conditions.

    Attributes:
        meaning: The set in words.
        low, high: The ends of the interval, if they belong to it.
        above, under: The ends of the interval, if they do not belong to it.
        whole: The numbers are whole.
        below: The axis whose length is the upper bound, exclusive, of whole numbers (class ids below C).
        up_to: The axis whose length is the upper bound, inclusive, of whole numbers (ranks from 0 to K).
        simplex: The entries along axis 1 sum to 1.
        corners: The rows along axis 1 are boxes x1, y1, x2, y2 with x1 <= x2 and y1 <= y2.
        sizes: The last two entries of the rows along axis 1 are at least 0.
        signs: The numbers are -1 or 1.
        minus_infinity: -infinity is legal: the logarithm of probability 0.
        encodings: Other encodings that illegal numbers may come from, with advice how to convert each.
        way_out: The advice for illegal numbers that none of `encodings` explains.
        shape_way_out: The advice where the axes do not fit.
        looks_like: Other encodings whose numbers are legal here but mean something else.
        switch: The parameter that replaces this domain by one of `instead`.
        instead: The domain that replaces this one, by the value of the parameter `switch`.
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
        """The smallest and the largest legal number; for an open end, the float64 next to it."""
        least = -math.inf if self.low is None else self.low
        most = math.inf if self.high is None else self.high
        if self.above is not None:
            least = math.nextafter(self.above, math.inf)
        if self.under is not None:
            most = math.nextafter(self.under, -math.inf)
        return least, most

    @cached_property
    def free(self) -> bool:
        """Whether every finite number is legal, and nothing else is."""
        conditioned = self.whole or self.simplex or self.corners or self.sizes or self.signs or self.minus_infinity
        return self.ends == (-math.inf, math.inf) and not conditioned

    @cached_property
    def is_shaped(self) -> bool:
        """Whether there are conditions besides the two ends; `departure` measures by how much they are violated."""
        return self.simplex or self.signs or self.corners or self.sizes or self.whole

    @cached_property
    def is_index(self) -> bool:
        """Whether the numbers are bounded indices, such as class ids; these are converted to int64."""
        return self.whole and (self.high is not None or self.below is not None or self.up_to is not None)

    @cached_property
    def is_of_probabilities(self) -> bool:
        """Whether the domain is the interval [0, 1]."""
        return (self.low, self.high) == (0, 1)

    @property
    def legal(self) -> float:
        """A legal number: 0 (1 for signs), or the whole number nearest to 0 that is strictly inside the domain."""
        least, most = self.ends
        if least <= 0 <= most:
            return float(self.signs)
        return math.floor(least) + 1.0 if least > 0 else math.ceil(most) - 1.0

    def way_out_of(self, illegal: IllegalNumber, *, ignorable: bool) -> Text:
        """Return the advice for a number outside the domain.

        Args:
            illegal: The number.
            ignorable: Whether the loss has an ignore_index, which the advice may then mention.
        """
        return encodings.way_out(self.encodings, self.way_out, illegal, ignorable=ignorable)

    def bounded(self, axes: Axes) -> "Domain":
        """Return the domain with `high` set from the length of the axis that `below` or `up_to` names."""
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
    looks_like=encodings.SIZES,
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
SIGNS = Domain(Text("labels of -1 or 1", "-1 或 1 的标签"), low=-1, high=1, signs=True, encodings=encodings.SIGNS)
LABELS = Domain(
    Text("labels from 0 to 1", "0 到 1 的标签"),
    low=0,
    high=1,
    encodings=encodings.LABELS,
    way_out=Text("Labels on another scale are divided by its largest number.", "其他尺度的标签请除以其最大值。"),
)
LABELS_OF_LISTS = replace(LABELS, encodings=(*encodings.LABEL_LISTS, *encodings.LABELS))
MASKS = Domain(
    Text("masks of 0 and 1", "0 和 1 的掩膜"),
    low=0,
    high=1,
    whole=True,
    encodings=encodings.MASKS,
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
    encodings=encodings.IDS,
    way_out=paragraph(
        Text(
            "Each class has its own logit on axis 1 of predictions.", "每个类别在 predictions 的轴 1 上有自己的 logit。"
        ),
        encodings.MARKED,
    ),
    shape_way_out=Text("One-hot labels belong to categorical_ce.", "one-hot 标签请用 categorical_ce。"),
)
ONE_HOT = Domain(
    Text("one-hot rows or probabilities that sum to 1 along axis 1", "沿轴 1 之和为 1 的 one-hot 行或概率"),
    low=0,
    high=1,
    simplex=True,
    encodings=encodings.ONE_HOT,
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
    encodings=encodings.RANKS,
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
    Text("numbers of items of at least 1, one a class", "每个类别不小于 1 的项数"),
    low=1,
    encodings=encodings.CLASS_COUNTS,
)
PRIORS = Domain(
    Text("class frequencies greater than 0; only their ratios matter", "大于 0 的类别频率(只有比例起作用)"),
    above=0,
    way_out=Text("A class that was never seen counts as if it had been seen once.", "从未出现的类别按出现一次计。"),
)
LOGARITHMS = Domain(
    Text("logarithms: finite numbers or -infinity", "对数:有限的数或负无穷"),
    minus_infinity=True,
    looks_like=encodings.LOGITS,
    instead={False: NON_NEGATIVE},
)
LOGITS = Domain(
    Text("logits: finite numbers or -infinity", "logits:有限的数或负无穷"),
    minus_infinity=True,
    looks_like=encodings.LOGITS,
    instead={False: PROBABILITIES},
)
CLASS_LOGITS = replace(LOGITS, instead={False: DISTRIBUTION})
GRADES = Domain(Text("finite numbers", "有限的数"), looks_like=encodings.GRADES)
RELEVANCES = Domain(Text("relevances of at least 0", "不小于 0 的相关度"), low=0, encodings=encodings.RELEVANCES)


def first_index(bad: Tensor, offset: int = 0) -> list[int]:
    """Return the index of the first true entry of `bad`; `offset` is added to its first component."""
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
    """Refuse a chunk that has numbers outside its domain, and record its extremes in `seen`.

    Args:
        role: The name of the input.
        chunk: The numbers, converted to the dtype in which they are checked.
        domain: The legal numbers.
        seen: The extremes of the input so far; updated.
        sent: The chunk before conversion; its dtype decides how much rounding is tolerated.
        offset: The index of the chunk's first item in the whole input.
        ignored: The ignore_index of the loss, legal wherever it occurs.
        nonfinite: The caller's option, None where there is no choice; under "allow" NaN and infinities are counted.

    Raises: NonFiniteInput, DomainViolation, both with the index of the first number at fault.
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
        way_out = domain.way_out_of(_illegal_number(chunk, domain, index), ignorable=ignored is not None)
        raise DomainViolation(role, domain.meaning, [index[0] + offset, *index[1:]], way_out)


def _refuse_overflow(role: str, dtype: torch.dtype, overflowed: Tensor, offset: int) -> None:
    """Raise DomainViolation where finite numbers became infinite in the dtype of the computation."""
    if bool(overflowed.any()):
        name = str(dtype).removeprefix("torch.")
        wanted = Text(f"within the range of {name}, in which is computed", f"在计算所用的 {name} 范围内的数")
        raise DomainViolation(
            role, wanted, first_index(overflowed, offset), Text("Ask with dtype=float64.", "请使用 dtype=float64。")
        )


def _illegal_number(chunk: Tensor, domain: Domain, index: list[int]) -> IllegalNumber:
    """Return the number at `index`, which is outside the domain, with what is needed to guess its encoding."""
    row_sum = float(chunk.movedim(1, -1)[(index[0], *index[2:])].sum()) if domain.simplex else None
    return IllegalNumber(float(chunk[tuple(index)]), domain.ends[1], row_sum)


def outside(chunk: Tensor, domain: Domain, sent: torch.dtype, ignored: int | None) -> Tensor:
    """Return a mask, of the shape of the chunk, of the numbers that `check` would refuse."""
    bad = ~(chunk.isfinite() | chunk.isneginf()) if domain.minus_infinity else ~chunk.isfinite()
    legal = chunk.masked_fill(bad, 0)
    bad = bad | _outside(legal, domain, float(legal.amin()) if legal.numel() else 0.0, tolerance_of(sent))
    return bad & (chunk != ignored) if ignored is not None and domain.whole else bad


def tolerance_of(sent: torch.dtype) -> float:
    """Return how far the sum of a probability distribution in this dtype may be from 1."""
    return SIMPLEX_TOLERANCE.get(sent, HALF_TOLERANCE if sent.is_floating_point else 0.0)


def _inside(chunk: Tensor, domain: Domain, low: float, high: float, tolerance: float) -> bool:
    """Return whether a quick test proves that all numbers are legal; False means that `_outside` has to decide.

    The test uses sums and extremes, which are faster to compute than a boolean mask.
    """
    if not between_ends(domain, low, high):
        return False
    if not domain.is_shaped or (domain.whole and not chunk.is_floating_point()):
        return True
    return float(departure(chunk, domain)) <= allowed_departure(domain, tolerance)


def finite_between(domain: Domain, low: float, high: float) -> bool:
    """Return whether numbers between `low` and `high` are finite, or -infinity where the domain allows it."""
    return high < math.inf and (low > -math.inf or (domain.minus_infinity and low == -math.inf))


def shows_in_a_sum(domain: Domain) -> bool:
    """Return whether numbers are legal exactly where their sum is finite, and no warning depends on their extremes."""
    return domain.free and not domain.looks_like


def between_ends(domain: Domain, low: float, high: float) -> bool:
    """Return whether numbers from `low` to `high` lie within the ends of the domain."""
    least, most = domain.ends
    return least <= low and high <= most


def departure(chunk: Tensor, domain: Domain) -> Tensor:
    """Return the largest violation of the conditions besides the two ends, as a scalar; at most 0 where there is none.

    The numbers lie between the ends of the domain.
    """
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
    """Return the departure up to which the numbers are certainly legal.

    `tolerance` is that of the sum of a distribution (see `tolerance_of`); half of it leaves room for rounding.
    """
    return tolerance / 2 if domain.simplex else 0.0


def _outside(chunk: Tensor, domain: Domain, low: float, tolerance: float) -> Tensor:
    """Return a mask of the finite numbers of a chunk that are outside the domain; `low` is the smallest of them."""
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
