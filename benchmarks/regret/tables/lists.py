"""Tables whose rows stand in lists, to be put in order within each: relevance is a grade from 0 to 4."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.regret.tables import Array
from benchmarks.regret.tables.frames import Frame, frame, numbers

MOST_LISTS, LONGEST, SHORTEST = 160, 16, 4
GRADES = 5  # of relevance, as in the usual sets of learning to rank
FRAMES = (
    Frame("statsmodels", "datasets/modechoice/modechoice.csv", "choice", separator=";", lists=("individual",)),
    Frame("causaldata", "gapminder/gapminder.csv", "lifeExp", ("country",), lists=("year", "continent")),
    Frame("ISLP", "data/Bikeshare.csv", "bikers", ("casual", "registered"), lists=("day",)),
    Frame("ISLP", "data/Wage.csv", "wage", ("region", "logwage"), lists=("year", "education")),
    Frame("plotnine", "data/txhousing.csv", "median", ("city", "date", "volume"), lists=("year", "month")),
    Frame("plotnine", "data/diamonds.csv", "price", lists=("cut", "color", "clarity")),
    Frame(
        "linearmodels",
        "datasets/wage_panel/wage_panel.csv.bz2",
        "lwage",
        ("nr", "expersq"),
        lists=("year", "occupation"),
    ),
    Frame("linearmodels", "datasets/munnell/munnell.csv.bz2", "UNEMP", ("STATE", "ST_ABB"), lists=("YR",)),
    Frame(
        "linearmodels", "datasets/meps/meps.csv.bz2", "drugexp", ("ldrugexp", "age2", "linc"), lists=("age", "educyr")
    ),
)


@dataclass(frozen=True)
class Lists:
    """Features (lists, length, d), relevance (lists, length), and which places of a list are taken (lists, length)."""

    name: str
    cluster: str
    features: Array
    targets: Array
    taken: np.ndarray


def tables() -> Iterator[Lists]:
    """Yield every table: at most 160 lists of 4 to 16 items, those of longer lists drawn at random."""
    for source in FRAMES:
        yield _lists(source, frame(source).sample(frac=1, random_state=0).reset_index(drop=True))


def _lists(source: Frame, table: pd.DataFrame) -> Lists:
    features = numbers(table.drop(columns=[source.target, *source.lists]))
    relevance = _grades(table[source.target].to_numpy(float))
    groups = [rows for rows in table.groupby(list(source.lists)).indices.values() if len(rows) >= SHORTEST]
    pieces = [piece for rows in groups for piece in _pieces(rows)]
    order = np.random.default_rng(0).permutation(len(pieces))[:MOST_LISTS]
    kept = [pieces[place] for place in order]
    lists = Lists(
        source.name,
        source.cluster or source.file,
        np.zeros((len(kept), LONGEST, features.shape[1])),
        np.zeros((len(kept), LONGEST)),
        np.zeros((len(kept), LONGEST), bool),
    )
    for place, rows in enumerate(kept):
        lists.features[place, : len(rows)] = features[rows]
        lists.targets[place, : len(rows)] = relevance[rows]
        lists.taken[place, : len(rows)] = True
    return lists


def _pieces(rows: np.ndarray) -> list[np.ndarray]:
    """Return a long list as several of at most 16 items, of which none is short."""
    count = -(-len(rows) // LONGEST)
    return list(np.array_split(rows, count))


def _grades(values: Array) -> Array:
    """Return the fifth that a value lies in; of yes and no 1 and 0."""
    cuts = np.unique(np.quantile(values, np.arange(1, GRADES) / GRADES))
    grades = np.searchsorted(cuts, values, side="left" if len(np.unique(values)) > 2 else "right")  # noqa: PLR2004 - yes, no
    return np.unique(grades, return_inverse=True)[1].astype(float)
