"""Table columns as features: numbers and texts, prepared within each fold so that no information leaks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from losses.errors import did_you_mean, shown
from losses.near import near
from losses.text import Text, listed, paragraph
from recommender.errors import BadExperiment
from recommender.experiment.folds import Ids

ColumnValues = np.ndarray[Any, np.dtype[Any]] | Sequence[object]
Columns = Mapping[str, ColumnValues]
Matrix = np.ndarray[Any, np.dtype[np.float64]]
MOST_FEATURES = 2_000
MOST_CATEGORIES = 20  # of one column; rarer ones are one category together
NAMES_AN_ITEM = 0.5  # a text that differs in more of the rows than this names the row and says nothing of others
FEWEST_NAMES = 50  # distinct texts below which they are categories whatever the number of rows
FARTHEST = 10.0  # standard deviations; beyond it a feature is cut, or one row would own a linear model
SHOWN = 5  # names in a notice
SMALLEST, LARGEST = 1e-100, 1e100  # of a feature: beyond these its squares leave float64


@dataclass(frozen=True)
class Features:
    """The columns to predict from.

    Shapes: numbers (n, p), NaN where missing; texts (n, q), None where missing.
    """

    numbers: Matrix
    texts: np.ndarray[Any, np.dtype[np.object_]]
    names: tuple[str, ...]

    def rows(self, kept: np.ndarray) -> "Features":
        """Return the features of some rows."""
        return Features(self.numbers[kept], self.texts[kept], self.names)

    def prepared(self, train: np.ndarray) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return the features of all rows, (n, d), prepared with statistics of the training rows only.

        Missing numbers are replaced by the median, with an indicator column; numbers are standardised, those with two
        values as if both were equally frequent; each frequent text is a column.
        """
        from sklearn.impute import SimpleImputer  # noqa: PLC0415 - scikit-learn takes half a second to import
        from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415 - as above

        parts = []
        if self.numbers.shape[1]:
            imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
            filled = imputer.fit(self.numbers[train]).transform(self.numbers)
            scaled = (filled - filled[train].mean(0)) / _scales(filled[train])
            parts.append(np.clip(scaled, -FARTHEST, FARTHEST))
        if self.texts.shape[1]:
            encoder = OneHotEncoder(
                handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False
            )
            parts.append(encoder.fit(self.texts[train]).transform(self.texts))
        return np.ascontiguousarray(np.hstack(parts), dtype=np.float32)


def _scales(numbers: Matrix) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the divisor of each column of the training rows (n, p): its standard deviation, 1 where that is 0.

    For a column with two values it is the deviation that equally frequent values would have. With its own, an indicator
    that is 1 in 2 % of the rows would be seven deviations from the mean there, and a model without a penalty would rely
    on those few rows. Source: Gelman 2008, doi:10.1002/sim.3107.
    """
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - as above

    low, high = numbers.min(0), numbers.max(0)
    two_values = ((numbers == low) | (numbers == high)).all(0) & (low < high)
    return np.asarray(np.where(two_values, (high - low) / 2, StandardScaler().fit(numbers).scale_))


def read_features(
    columns: Columns, names: Sequence[str] | None, target: str, beside: Sequence[str]
) -> tuple[Features, list[Text]]:
    """Return the features, and sentences about columns that were left out; `beside` are columns with another use.

    Raises: BadExperiment for a name without a column, for too many columns, and where no feature is left.
    """
    for name in names or ():
        column_of(columns, name, "features")
    chosen = [name for name in (names or columns) if name != target and name not in beside]
    if len(chosen) > MOST_FEATURES:
        raise BadExperiment(
            "features",
            Text(
                f"There are {len(chosen):,} columns to predict from; at most {MOST_FEATURES:,} are taken. Name "
                "the ones to use in features.",
                f"有 {len(chosen):,} 列可用于预测;最多 {MOST_FEATURES:,} 列。请在 features 中写明要用的列。",
            ),
            columns=len(chosen),
            most=MOST_FEATURES,
        )
    truth, endless = _in_range(as_array(columns[target])), list[str]()
    kept: dict[str, np.ndarray[Any, Any]] = {}
    left_out: dict[str, list[str]] = {}
    for name in chosen:
        column = as_array(columns[name])
        if not is_text(column) and np.isinf(column).any():
            endless.append(name)
        column = _in_range(column)
        reason = _useless(column, truth)
        if reason is None:
            kept[name] = column
        elif reason == COPY and names is not None:
            raise BadExperiment(
                "features",
                Text(
                    f"Column {shown(name)} is the target itself. Leave it out of features.",
                    f"列 {shown(name)} 就是目标本身。请不要放在 features 中。",
                ),
            )
        else:
            left_out.setdefault(reason, []).append(name)
    if not kept:
        raise BadExperiment(
            "features",
            Text(
                "No column is left to predict from: each is constant, empty, a name of its row, or the target.",
                "没有可用于预测的列:各列或为常数、或为空、或是行的名称、或是目标。",
            ),
        )
    notices = [_notice(reason, names) for reason, names in left_out.items()]
    if endless:
        some = listed(shown(name) for name in endless[:SHOWN])
        notices.append(Text(f"Infinities count as missing: {some.en}.", f"无穷大视为缺失:{some.zh}。"))
    return _matrices(kept), notices


def _in_range(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a column with NaN for infinities, scaled so that its squares are finite."""
    if is_text(column):
        return column
    finite = np.where(np.isfinite(column), column, np.nan)
    largest = float(np.nanmax(np.abs(finite), initial=0.0))
    return finite if SMALLEST < largest < LARGEST else finite / (largest or 1.0)


def column_of(columns: Columns, name: str, field: str) -> np.ndarray[Any, Any]:
    """Return a column.

    Raises: BadExperiment with the nearest name.
    """
    if name not in columns:
        close = near(name, list(columns))
        names, left = listed(shown(known) for known in list(columns)[:SHOWN]), len(columns) - SHOWN
        more = Text(f" and {left} more", f"等,另有 {left} 列") if left > 0 else Text("", "")
        text = paragraph(
            Text(f"There is no column {shown(name)}.", f"没有列 {shown(name)}。"),
            did_you_mean(shown(close) if close else None),
            Text(f"The columns are {names.en}{more.en}.", f"各列为 {names.zh}{more.zh}。"),
        )
        raise BadExperiment(field, text)
    return as_array(columns[name])


def ids_of(columns: Columns, name: str, field: str) -> Ids:
    """Return an id from 0 for each row of a column, equal where its values are; missing values share an id.

    Raises: BadExperiment with the nearest name.
    """
    column = column_of(columns, name, field)
    whole = np.asarray(columns[name]) if not is_text(column) else column
    ids: Ids = np.unique(whole if whole.dtype.kind in "iu" else column.astype(str), return_inverse=True)[1]
    return ids


def as_array(column: ColumnValues) -> np.ndarray[Any, Any]:
    """Return a column as float64 with NaN where missing, or as texts with None where missing.

    A column of lists of numbers becomes (n, numbers). Raises: BadExperiment where the lists differ in length.
    """
    try:
        array = np.asarray(column)
    except ValueError:
        raise BadExperiment(
            "dataset",
            Text("A column whose rows are lists must have lists of one length.", "行为列表的列,其列表长度必须相同。"),
        ) from None
    if array.dtype.kind in "fiub":
        return array.astype(np.float64)
    entries = list(array)
    given = [entry for entry in entries if not _missing(entry)]
    if all(isinstance(entry, int | float | np.number | np.bool_) for entry in given):
        return np.array([np.nan if _missing(entry) else float(entry) for entry in entries])
    return np.array([None if _missing(entry) else str(entry) for entry in entries], dtype=object)


def is_text(column: np.ndarray[Any, Any]) -> bool:
    """Return whether a column holds texts."""
    return bool(column.dtype == object)


def missing(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a mask of the missing entries."""
    if is_text(column):
        return np.array([entry is None for entry in column])
    gone = np.isnan(column)
    return np.asarray(gone.any(1) if gone.ndim > 1 else gone)


def _missing(entry: object) -> bool:
    """Return whether an entry is missing."""
    return entry is None or (isinstance(entry, float) and entry != entry)  # noqa: PLR0124 - NaN alone differs from itself


COPY, EMPTY, CONSTANT, NAMES = "copy", "empty", "constant", "names"
_LEFT_OUT = {
    COPY: Text("the target itself", "即目标本身"),
    EMPTY: Text("without any value", "没有任何值"),
    CONSTANT: Text("of one value only", "只有一个取值"),
    NAMES: Text("with a text of its own for most rows", "多数行的文本各不相同"),
}


def _useless(column: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> str | None:
    """Return the reason why a column is no feature (empty, a copy of the target, constant, unique names).

    None otherwise.
    """
    gone = missing(column)
    if gone.all():
        return EMPTY
    if is_text(column) == is_text(truth) and column.shape == truth.shape and _equal(column, truth):
        return COPY
    values = set(column[~gone].ravel().tolist())
    if len(values) == 1 and not gone.any():
        return CONSTANT
    if is_text(column) and len(values) > max(FEWEST_NAMES, NAMES_AN_ITEM * len(column)):
        return NAMES
    return None


def _equal(column: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> bool:
    """Return whether two columns are equal up to shift and scale."""
    if is_text(column):
        return bool((column == truth).all())
    both = ~(np.isnan(column) | np.isnan(truth))
    first, second = column[both], truth[both]
    if len(first) < 3 or first.std() == 0 or second.std() == 0:  # noqa: PLR2004 - two points lie on any line
        return False
    return bool(1 - abs(np.corrcoef(first, second)[0, 1]) < 1e-12)  # noqa: PLR2004 - rounding of float64


def _notice(reason: str, names: list[str]) -> Text:
    """Return the sentence that columns were left out for a reason."""
    listed = ", ".join(shown(name) for name in names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    plural = f"Columns {listed} were" if len(names) > 1 else f"Column {listed} was"
    return Text(f"{plural} left out: {_LEFT_OUT[reason].en}.", f"列 {listed} 未使用:{_LEFT_OUT[reason].zh}。")


def _matrices(kept: Mapping[str, np.ndarray[Any, Any]]) -> Features:
    """Return the columns as a matrix of numbers and a matrix of texts."""
    numbers = [column.reshape(len(column), -1) for column in kept.values() if not is_text(column)]
    texts = [column for column in kept.values() if is_text(column)]
    n = len(next(iter(kept.values())))
    finite = np.hstack(numbers) if numbers else np.empty((n, 0))
    return Features(
        finite,
        np.stack(texts, 1) if texts else np.empty((n, 0), object),
        tuple(kept),
    )
