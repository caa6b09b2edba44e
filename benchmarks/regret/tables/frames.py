"""Tables read from files inside packages: which file, which column is learnt, and what says it in other words."""

import bz2
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.regret.tables import Array, Table, package

MOST_CATEGORIES = 30  # of a column of text; beyond it names items rather than kinds


@dataclass(frozen=True)
class Frame:
    """One file of a package.

    Attributes:
        file: Inside the package.
        target: The column to learn.
        without: Columns left out: names, and what says the target in other words.
        cluster: Whence the rows are, where two files share them.
        separator: Between columns.
        order: The names of classes from the lowest to the highest; of numbers and names in order of the alphabet none.
        lists: The columns that together name the list an item stands in.
    """

    package: str
    file: str
    target: str
    without: tuple[str, ...] = ()
    cluster: str = ""
    separator: str = ","
    order: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The table in one word: file and target."""
        return f"{Path(self.file).name.partition('.')[0]}.{self.target}"


def frame(source: Frame) -> pd.DataFrame:
    """Return the rows that have a value in every column."""
    path = package(source.package) / source.file
    if path.suffix == ".npz":
        return _of_arrays(path)
    if path.suffixes[-1:] == [".zip"] and path.read_bytes()[:3] == b"BZh":
        with bz2.open(path) as file:
            return _clean(pd.read_csv(file), source)
    return _clean(pd.read_csv(path, sep=source.separator, na_values="?", quotechar='"'), source)


def _of_arrays(path: Path) -> pd.DataFrame:
    """Return one of KEEL's tables; its features are stored as small whole numbers."""
    with np.load(path, allow_pickle=True) as file:
        features = np.concatenate([file["fold0-x_train"], file["fold0-x_test"]]).astype(float)
        labels = np.concatenate([file["fold0-y_train"], file["fold0-y_test"]]).astype(str)
    table = pd.DataFrame(features, columns=[f"x{place}" for place in range(features.shape[1])])
    return table.assign(label=labels)


def _clean(table: pd.DataFrame, source: Frame) -> pd.DataFrame:
    table.columns = [str(name).strip().strip("'") for name in table.columns]
    return table.drop(columns=list(source.without), errors="ignore").dropna()


def numbers(table: pd.DataFrame) -> Array:
    """Return columns as numbers: a column a category, none for columns of names, none that never changes."""
    kept = table.drop(columns=[name for name in table if _names_items(table[name])])
    features: Array = pd.get_dummies(kept, drop_first=True).to_numpy(float)
    return features[:, features.std(0) > 0]


def _names_items(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column) and column.nunique() > MOST_CATEGORIES


def ids(column: pd.Series, order: Sequence[str] = ()) -> Array:
    """Return class ids from 0, in the order given or that of numbers or names."""
    names = list(order) or sorted(column.unique())
    places: Array = column.map({name: float(place) for place, name in enumerate(names)}).to_numpy(float)
    return places


def sampled(source: Frame, table: pd.DataFrame, targets: Array, most: int) -> Table:
    """Return at most that many rows, drawn at random; the features are all columns but the target."""
    features = numbers(table.drop(columns=[source.target]))
    keep = np.random.default_rng(0).permutation(len(targets))[:most]
    features = features[keep]
    return Table(source.name, source.cluster or source.file, features[:, features.std(0) > 0], targets[keep])


def of_numbers(sources: Sequence[Frame], most: int) -> Iterator[Table]:
    """Yield each table with its target as it stands."""
    for source in sources:
        table = frame(source)
        yield sampled(source, table, table[source.target].to_numpy(float), most)


def of_classes(sources: Sequence[Frame], most: int, fewest: int) -> Iterator[Table]:
    """Yield each table with class ids, without classes of fewer rows than `fewest` among those drawn."""
    for source in sources:
        table = frame(source).sample(frac=1, random_state=0)[:most]
        column = table[source.target].astype(str) if source.order else table[source.target]
        counts = column.value_counts()
        enough = column.isin(counts[counts >= fewest].index)
        order = [name for name in source.order if counts.get(name, 0) >= fewest]
        yield sampled(source, table[enough], ids(column[enough], order), most)
