"""Other common encodings of inputs: how to recognise each by its numbers, and how to convert it.

Only the first illegal number is examined, and of legal numbers only the extremes over all chunks, so that messages do
not depend on how the inputs are cut into chunks.
"""

from collections.abc import Callable
from dataclasses import dataclass

from losses.text import Text, both, paragraph

LEFT_OUT = "{left_out}"  # in a text: how this loss leaves out an item
VOID = (254, 255, 65535)  # labels by which data sets mark what does not count


@dataclass(frozen=True)
class IllegalNumber:
    """A number outside its domain, with the facts that help to guess its encoding.

    Attributes:
        number: The first number outside the domain.
        most: The largest legal number.
        row_sum: The sum of the number's row along axis 1, where rows must sum to 1.
    """

    number: float
    most: float
    row_sum: float | None = None


@dataclass(frozen=True)
class OtherEncoding:
    """An encoding other than the expected one: a test that recognises it, and the advice how to convert it."""

    is_like: Callable[[IllegalNumber], bool]
    way_out: Text


@dataclass
class Extremes:
    """Summary of the numbers of one input over all its chunks.

    Attributes:
        low, high: The smallest and the largest number.
        in_order: In every row along axis 1 the last two entries are no less than the first two (boxes).
        nonfinite: The count of numbers that are not finite.
    """

    low: float = float("inf")
    high: float = float("-inf")
    in_order: bool = True
    nonfinite: int = 0

    def note(self, low: float, high: float, *, in_order: bool = True) -> None:
        """Update the summary with the extremes of one chunk."""
        self.low, self.high, self.in_order = min(self.low, low), max(self.high, high), self.in_order and in_order

    def __or__(self, other: "Extremes") -> "Extremes":
        """Return the summary of two sets of numbers together."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Extremes(low, high, self.in_order and other.in_order, self.nonfinite + other.nonfinite)


@dataclass(frozen=True)
class LooksLike:
    """Another encoding whose numbers are all legal here; `text` is the warning, with {role} and {loss} as fields."""

    code: str
    is_like: Callable[[Extremes], bool]
    text: str


def way_out(
    encodings: tuple[OtherEncoding, ...], otherwise: str | Text, illegal: IllegalNumber, *, ignorable: bool
) -> Text:
    """Return the advice for a number outside a domain: that of the first matching encoding, or `otherwise`.

    `ignorable`: the loss has an ignore_index, which the advice names in place of the mask.
    """
    text = both(next((each.way_out for each in encodings if each.is_like(illegal)), otherwise))
    usual = f"={illegal.number:.0f}" if _marks_void(illegal) or _is_minus_one(illegal) else ""
    left_out = f"ignore_index{usual}" if ignorable else "`mask`"
    return Text(text.en.replace(LEFT_OUT, left_out), text.zh.replace(LEFT_OUT, left_out))


def _is_minus_one(illegal: IllegalNumber) -> bool:
    """Return whether the number is -1, the negative label of {-1, 1} or a marker of unknown items and padding."""
    return illegal.number == -1


def _marks_void(illegal: IllegalNumber) -> bool:
    """Return whether the number is one that data sets use to mark pixels that are not evaluated."""
    return illegal.number in VOID


def _exceeds_largest(illegal: IllegalNumber) -> bool:
    """Return whether the number is larger than the domain allows."""
    return illegal.number > illegal.most


def _is_one_too_large(illegal: IllegalNumber) -> bool:
    """Return whether the number is the largest legal id plus 1, as where ids start at 1."""
    return illegal.number == illegal.most + 1


def _is_fractional(illegal: IllegalNumber) -> bool:
    """Return whether the number is not whole, as in soft labels."""
    return illegal.number != round(illegal.number)


def _is_whole_and_too_large(illegal: IllegalNumber) -> bool:
    """Return whether the number is whole and larger than the domain allows, as a class id where labels are expected."""
    return _exceeds_largest(illegal) and not _is_fractional(illegal)


def _is_zero(illegal: IllegalNumber) -> bool:
    """Return whether the number is 0: a label of {0, 1}, or the count of a class without items."""
    return illegal.number == 0


def _is_share(illegal: IllegalNumber) -> bool:
    """Return whether the number is strictly between 0 and 1, as a relative class frequency is."""
    return 0 < illegal.number < 1


def _is_empty_row(illegal: IllegalNumber) -> bool:
    """Return whether the row sums to 0: an item without a label."""
    return illegal.row_sum == 0


def _has_several_labels(illegal: IllegalNumber) -> bool:
    """Return whether the row sums to a whole number above 1: an item with several labels."""
    return illegal.row_sum is not None and illegal.row_sum > 1 and illegal.row_sum == round(illegal.row_sum)


_BYTES = OtherEncoding(
    _marks_void,
    Text(
        "Masks of 0 and 255 become mask > 0; where 255 marks void beside 0 and 1, leave those places out by `mask`.",
        "0 和 255 的掩膜请转换为 mask > 0;若 255 表示 0 和 1 之外的无效位置,请用 `mask` 排除。",
    ),
)
LABELS = (
    OtherEncoding(
        _is_minus_one,
        Text(
            "Labels of -1 and 1 become (y + 1) / 2; where -1 marks what is unknown beside 0 and 1, leave "
            "it out by `mask`.",
            "-1 和 1 的标签请转换为 (y + 1) / 2;若 -1 表示 0 和 1 之外的未知项,请用 `mask` 排除。",
        ),
    ),
    _BYTES,
    OtherEncoding(
        _is_whole_and_too_large,
        Text(
            "Class ids belong to sparse_categorical_ce, or become 0 and 1, with a channel on axis 1 a class.",
            "类别编号请用 sparse_categorical_ce,或转换为 0 和 1,每个类别在轴 1 上占一个通道。",
        ),
    ),
)
MASKS = (
    OtherEncoding(_is_fractional, Text("Soft masks belong to dice and jaccard.", "软掩膜请用 dice 和 jaccard。")),
    OtherEncoding(
        _is_minus_one,
        Text("Where -1 marks void, leave those places out by `mask`.", "若 -1 表示无效位置,请用 `mask` 排除。"),
    ),
    _BYTES,
    OtherEncoding(
        _is_whole_and_too_large,
        Text(
            "Class ids become 0 and 1, with a channel on axis 1 a class.",
            "类别编号请转换为 0 和 1,每个类别在轴 1 上占一个通道。",
        ),
    ),
)
LABEL_LISTS = (
    OtherEncoding(
        lambda illegal: _is_minus_one(illegal) or _is_whole_and_too_large(illegal),
        Text(
            "Lists of class ids that end with -1, as torch takes them, become 0 or 1 a class: of five "
            "classes [0, 1, -1, -1, -1] becomes [1, 1, 0, 0, 0].",
            "torch 式以 -1 结尾的类别编号列表请转换为每个类别 0 或 1:五个类别时 [0,"
            " 1, -1, -1, -1] 变为 [1, 1, 0, 0, 0]。",
        ),
    ),
)
MARKED = Text(
    f"An id that marks what does not count is left out by {LEFT_OUT}.", f"表示不计入的编号请用 {LEFT_OUT} 排除。"
)
_FROM_ONE = Text("Ids that count from 1 become those from 0: subtract 1.", "从 1 开始的编号请减 1,改为从 0 开始。")
IDS = (
    OtherEncoding(
        _is_fractional,
        Text(
            "One-hot labels and shares of classes belong to categorical_ce.",
            "one-hot 标签和类别份额请用 categorical_ce。",
        ),
    ),
    OtherEncoding(_is_one_too_large, paragraph(_FROM_ONE, MARKED)),
)
RANKS = (
    OtherEncoding(
        _is_one_too_large,
        Text("Ranks that count from 1 become those from 0: subtract 1.", "从 1 开始的等级请减 1,改为从 0 开始。"),
    ),
    OtherEncoding(
        _is_minus_one,
        Text("Where -1 marks what does not count, leave it out by `mask`.", "若 -1 表示不计入的项,请用 `mask` 排除。"),
    ),
)
ONE_HOT = (
    OtherEncoding(
        _is_empty_row,
        Text(
            "A row of zeros, of an item without a label, is left out by `mask`.",
            "没有标签的项(全零行)请用 `mask` 排除。",
        ),
    ),
    OtherEncoding(_has_several_labels, Text("Several labels an item belong to bce.", "每项多个标签请用 bce。")),
)
SIGNS = (OtherEncoding(_is_zero, Text("Labels of 0 and 1 become 2 * y - 1.", "0 和 1 的标签请转换为 2 * y - 1。")),)
CLASS_COUNTS = (
    OtherEncoding(_is_zero, Text("A class that was never seen counts 1.", "从未出现的类别按 1 计。")),
    OtherEncoding(
        _is_share,
        Text(
            "Shares of classes become counts when they are multiplied by the number of items.",
            "类别份额乘以项数即为个数。",
        ),
    ),
)
RELEVANCES = (
    OtherEncoding(
        _is_minus_one,
        Text(
            "Where -1 fills up a list, leave it out by `mask`, of shape (n, L).",
            "若 -1 用于补齐列表,请用形状 (n, L) 的 `mask` 排除。",
        ),
    ),
)
LOGITS = (
    LooksLike(
        "looks-like-probabilities",
        lambda seen: 0 <= seen.low < seen.high <= 1,
        "All {role} lie between 0 and 1, as probabilities do, and {loss} takes them as logits. If they are "
        "probabilities, ask with from_logits=false.",
    ),
)
LOG_PROBABILITIES = (
    LooksLike(
        "not-log-probabilities",
        lambda seen: seen.high > 0,
        "Some {role} are above 0, and the name asked for takes log-probabilities, which never are. They are read as "
        "logits, of which the log-softmax is taken; torch takes them as they are and gives another number.",
    ),
)
GRADES = (
    LooksLike(
        "looks-like-padding",
        lambda seen: seen.low == -1 and seen.high >= 0,
        "The least of {role} is -1, which often fills up a list, and {loss} counts it as an item that is worse than "
        "all others. If it is padding, leave it out by `mask`, of shape (n, L).",
    ),
)
SIZES = (
    LooksLike(
        "looks-like-corners",
        lambda seen: seen.in_order and seen.high > 0,
        "In no box of {role} is the width less than x or the height less than y, as in boxes of two corners. If they "
        "are x1, y1, x2, y2, leave format out.",
    ),
)
