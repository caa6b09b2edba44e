"""The domains of inputs: which numbers are legal, and the check of a chunk of numbers against its domain."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch

from losses.contract import encodings
from losses.contract.encodings import IllegalNumber, LooksLike, OtherEncoding
from losses.contract.shapes import Axes
from losses.text import Text, paragraph

SIMPLEX_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4}  # rounding of a sum of C terms
HALF_TOLERANCE = 1e-2  # float16 and bfloat16 carry three digits or fewer
KEEP_OUT = Text("Remove it, or mask its item.", "请去掉它,或用掩码排除该项。")
LET_IN = Text(
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
