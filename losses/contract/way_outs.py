"""What numbers outside a domain look like: other common encodings, and how they become what is wanted.

Only what is outside is looked at, and of that the first number, so that the advice does not depend on how the inputs
are cut into blocks.
"""

from collections.abc import Callable
from dataclasses import dataclass

LEFT_OUT = "{left_out}"  # in a text: how this loss leaves out an item
VOID = (254, 255, 65535)  # labels by which data sets mark what does not count


@dataclass(frozen=True)
class Astray:
    """The first number outside a domain, the largest legal one, and of a distribution the sum of its row."""

    number: float
    most: float
    row_sum: float | None = None


@dataclass(frozen=True)
class OtherEncoding:
    """An encoding that people send in place of the one wanted, and how it becomes that."""

    is_like: Callable[[Astray], bool]
    way_out: str


def way_out(encodings: tuple[OtherEncoding, ...], otherwise: str, astray: Astray, *, ignorable: bool) -> str:
    """Return what to do about a number outside a domain; `ignorable`: the loss has an ignore_index."""
    text = next((each.way_out for each in encodings if each.is_like(astray)), otherwise)
    usual = f"={astray.number:.0f}" if _void(astray) or _minus_one(astray) else ""
    return text.replace(LEFT_OUT, f"ignore_index{usual}" if ignorable else "`mask`")


def _minus_one(astray: Astray) -> bool:
    return astray.number == -1


def _void(astray: Astray) -> bool:
    return astray.number in VOID


def _above(astray: Astray) -> bool:
    return astray.number > astray.most


def _one_too_many(astray: Astray) -> bool:
    return astray.number == astray.most + 1


def _fraction(astray: Astray) -> bool:
    return astray.number != round(astray.number)


def _whole_above(astray: Astray) -> bool:
    return _above(astray) and not _fraction(astray)


def _zero(astray: Astray) -> bool:
    return astray.number == 0


def _share(astray: Astray) -> bool:
    return 0 < astray.number < 1


def _empty_row(astray: Astray) -> bool:
    return astray.row_sum == 0


def _several_labels(astray: Astray) -> bool:
    return astray.row_sum is not None and astray.row_sum > 1 and astray.row_sum == round(astray.row_sum)


_BYTES = OtherEncoding(
    _void, "Masks of 0 and 255 become mask > 0; where 255 marks void beside 0 and 1, leave those places out by `mask`."
)
LABELS = (
    OtherEncoding(
        _minus_one,
        "Labels of -1 and 1 become (y + 1) / 2; where -1 marks what is unknown beside 0 and 1, leave it out by `mask`.",
    ),
    _BYTES,
    OtherEncoding(
        _whole_above, "Class ids belong to sparse_categorical_ce, or become 0 and 1, with a channel on axis 1 a class."
    ),
)
MASKS = (
    OtherEncoding(_fraction, "Soft masks belong to dice and jaccard."),
    OtherEncoding(_minus_one, "Where -1 marks void, leave those places out by `mask`."),
    _BYTES,
    OtherEncoding(_whole_above, "Class ids become 0 and 1, with a channel on axis 1 a class."),
)
LABEL_LISTS = (
    OtherEncoding(
        lambda astray: _minus_one(astray) or _whole_above(astray),
        "Lists of class ids that end with -1, as torch takes them, become 0 or 1 a class: of five classes "
        "[0, 1, -1, -1, -1] becomes [1, 1, 0, 0, 0].",
    ),
)
MARKED = f"An id that marks what does not count is left out by {LEFT_OUT}."
IDS = (
    OtherEncoding(_fraction, "One-hot labels and shares of classes belong to categorical_ce."),
    OtherEncoding(_one_too_many, f"Ids that count from 1 become those from 0: subtract 1. {MARKED}"),
)
RANKS = (
    OtherEncoding(_one_too_many, "Ranks that count from 1 become those from 0: subtract 1."),
    OtherEncoding(_minus_one, "Where -1 marks what does not count, leave it out by `mask`."),
)
ONE_HOT = (
    OtherEncoding(_empty_row, "A row of zeros, of an item without a label, is left out by `mask`."),
    OtherEncoding(_several_labels, "Several labels an item belong to bce."),
)
SIGNS = (OtherEncoding(_zero, "Labels of 0 and 1 become 2 * y - 1."),)
CLASS_COUNTS = (
    OtherEncoding(_zero, "A class that was never seen counts 1."),
    OtherEncoding(_share, "Shares of classes become counts when they are multiplied by the number of items."),
)
