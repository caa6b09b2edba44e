"""Real tables on which no threshold and no criterion was chosen; they are read from packages, and not copied here."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.io import arff

from benchmarks.regret.tables import Table, package

MOST_ROWS = 6_000  # of which a half trains on 1,200 and is judged on up to 1,800
PAY = ("annearn", "lannearn", "annbens", "hrbens", "beratio", "peratio", "vserat")  # what the hourly pay is part of
# task, package, file, target, columns left out: names, and what says the target in other words
LISTED: list[tuple[str, str, str, str, tuple[str, ...]]] = [
    ("regression", "linearmodels", "birthweight/birthweight", "bwght", ("lbwght", "bwghtlbs", "lfaminc", "packs")),
    ("regression", "linearmodels", "card/card", "wage", ("id", "lwage", "expersq")),
    ("regression", "linearmodels", "meps/meps", "drugexp", ("ldrugexp", "age2", "linc")),
    ("regression", "linearmodels", "french/french", "Mom", ("dates",)),
    ("regression", "linearmodels", "munnell/munnell", "GSP", ("STATE", "ST_ABB", "EMP")),
    ("regression", "linearmodels", "fringe/fringe", "hrearn", (*PAY, "annhrs", "lannhrs", "annhrssq")),
    ("regression", "linearmodels", "wage/wage", "wage", ("lwage",)),
    ("regression", "plotnine", "midwest", "percbelowpoverty", ("PID", "county", "percchildbelowpovert")),
    ("regression", "plotnine", "txhousing", "sales", ("volume", "date", "city")),
    ("regression", "sklego", "chickweight", "weight", ("chick",)),
    ("regression", "sksurv", "flchain", "kappa", ("lambda", "flc.grp", "futime", "death", "chapter")),
    ("regression", "sksurv", "whas500", "los", ("lenfol", "fstat")),
    ("regression", "sksurv", "actg320", "cd4", ("time", "censor", "time_d", "censor_d")),
    ("regression", "libpysal", "tokyo/Tokyomortality", "db2564", ("IDnum0", "eb2564")),
    ("regression", "river", "trump_approval", "five_thirty_eight", ()),
    ("regression", "river", "sp500", "next_day_return", ("date",)),
    ("count", "linearmodels", "fertility/fertility", "kids", ()),
    ("count", "linearmodels", "meps/meps", "totchr", ("ldrugexp", "age2", "linc", "priolist")),
    ("count", "sklego", "arrests", "checks", ()),
    ("binary", "river", "phishing", "is_phishing", ()),
    ("binary", "sklego", "arrests", "released", ()),
    ("binary", "linearmodels", "wage_panel/wage_panel", "union", ("nr", "expersq")),
    ("binary", "linearmodels", "meps/meps", "hi_empunion", ("ldrugexp", "age2", "linc")),
    ("binary", "sksurv", "flchain", "death", ("futime", "chapter")),
    ("binary", "sksurv", "whas500", "fstat", ("lenfol", "los")),
    ("binary", "sksurv", "actg320", "censor", ("time", "time_d", "censor_d")),
    ("binary", "linearmodels", "fringe/fringe", "union", ()),
    ("multiclass", "plotnine", "diamonds", "cut", ()),
    ("multiclass", "plotnine", "mpg", "drv", ("model", "manufacturer", "trans")),
    ("multiclass", "linearmodels", "wage_panel/wage_panel", "occupation", ("nr", "expersq")),
    ("multiclass", "plotnine", "midwest", "state", ("PID", "county")),
]
FOLDERS = {
    "linearmodels": "datasets",
    "plotnine": "data",
    "sklego": "data",
    "sksurv": "datasets/data",
    "libpysal": "examples",
    "river": "datasets",
}


@dataclass(frozen=True)
class Fresh(Table):
    """One table with its task; the target is a number or a class id."""

    task: str


def tables() -> Iterator[Fresh]:
    """Yield the tables, at most 6,000 rows of each."""
    for task, origin, file, target, out in LISTED:
        frame = _read(_file(origin, file)).drop(columns=list(out)).dropna()
        yield _fresh(task, file.rpartition("/")[2], target, frame)


def _file(origin: str, name: str) -> Path:
    folder = package(origin) / FOLDERS[origin]
    return next(path for path in sorted(folder.glob(f"{name}.*")) if path.suffix != ".py")


def _read(path: Path) -> pd.DataFrame:
    """Return all columns; what arff holds as bytes becomes texts."""
    if path.suffix != ".arff":
        return pd.read_csv(path, na_values=".").rename(columns=str.strip)
    frame = pd.DataFrame(arff.loadarff(path)[0])
    texts = frame.select_dtypes(exclude="number").columns
    return frame.assign(**{name: frame[name].str.decode("ascii") for name in texts}).replace("?", np.nan)


def _fresh(task: str, file: str, target: str, frame: pd.DataFrame) -> Fresh:
    keep = np.random.default_rng(0).permutation(len(frame))[:MOST_ROWS]
    frame = frame.iloc[keep]
    column = frame.pop(target)
    if task in ("binary", "multiclass"):
        targets = np.unique(column.astype(str), return_inverse=True)[1].astype(float)
    else:
        targets = column.to_numpy(float)
    features = pd.get_dummies(frame, drop_first=True).to_numpy(float)
    return Fresh(f"{file}.{target}", file, features[:, features.std(0) > 0], targets, task)
