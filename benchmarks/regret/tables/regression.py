"""Tables with a number to predict."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import statsmodels.api as sm
from sklearn.datasets import load_diabetes

from benchmarks.regret.tables import Table, package

MOST_ROWS = 800
FEWEST_VALUES = 20  # with fewer a target is a set of classes
ISLP = package("ISLP") / "data"
# file, target, columns left out: names, and what says the target in other words
FRAMES = [
    ("Auto.csv", "mpg", ("name",)),
    ("Auto.csv", "horsepower", ("name",)),
    ("Bikeshare.csv", "bikers", ("casual", "registered", "day")),
    ("Boston.csv", "medv", ()),
    ("Carseats.csv", "Sales", ()),
    ("College.csv", "Apps", ("Unnamed: 0", "Accept", "Enroll")),
    ("College.csv", "Outstate", ("Unnamed: 0",)),
    ("College.csv", "Grad.Rate", ("Unnamed: 0",)),
    ("Credit.csv", "Balance", ("ID",)),
    ("Credit.csv", "Income", ("ID",)),
    ("Hitters.csv", "Salary", ()),
    ("NYSE.csv", "log_volume", ("date", "train")),
    ("Wage.csv", "wage", ("logwage", "region")),
    ("Wage.csv", "age", ("region",)),
    ("OJ.csv", "LoyalCH", ("Purchase",)),
    ("Auto.csv", "acceleration", ("name",)),
    ("Boston.csv", "nox", ()),
    ("Weekly.csv", "Volume", ("Today", "Direction")),
]
MODELS = [
    ("engel", "foodexp", ()),
    ("fair", "affairs", ()),
    ("randhie", "mdvis", ()),
    ("anes96", "income", ()),
    ("modechoice", "gc", ("individual", "choice")),
    ("star98", "LOWINC", ("NABOVE", "NBELOW")),
]
OTHERS = [
    ("palmerpenguins", "data/penguins.csv", "body_mass_g", ("year",)),
    ("palmerpenguins", "data/penguins.csv", "bill_length_mm", ("year",)),
    ("causaldata", "Mroz/Mroz.csv", "inc", ("Unnamed: 0", "rownames")),
    ("causaldata", "gapminder/gapminder.csv", "lifeExp", ("country",)),
    ("causaldata", "gapminder/gapminder.csv", "gdpPercap", ("country",)),
    ("causaldata", "restaurant_inspections/restaurant_data.csv", "inspection_score", ("business_name",)),
    ("vega_datasets", "_data/seattle-weather.csv", "temp_max", ("date", "temp_min")),
    ("vega_datasets", "_data/seattle-weather.csv", "wind", ("date",)),
    ("lifelines", "datasets/gbsg2.csv", "tsize", ("time", "cens")),
    ("lifelines", "datasets/gbsg2.csv", "estrec", ("time", "cens")),
    ("lifelines", "datasets/ACTG175.csv", "cd420", ("Unnamed: 0", "pidnum", "days", "cens", "r", "cd496")),
    ("lifelines", "datasets/ACTG175.csv", "wtkg", ("Unnamed: 0", "pidnum", "days", "cens", "r", "cd496")),
    ("lifelines", "datasets/lung.csv", "wt.loss", ("time", "status")),
]


def tables() -> Iterator[Table]:
    """Yield every table with a number to predict, at most 800 rows of each."""
    yield from filter(usable, _every())


def _every() -> Iterator[Table]:
    data = load_diabetes()
    yield _sampled("diabetes", "diabetes", data.data, data.target)
    for file, target, out in FRAMES:
        frame = pd.read_csv(ISLP / file, na_values="?").drop(columns=list(out), errors="ignore")
        yield _framed(file.removesuffix(".csv"), target, frame)
    for name, target, out in MODELS:
        frame = getattr(sm.datasets, name).load_pandas().data.drop(columns=list(out))
        yield _framed(name, target, frame)
    for origin, file, target, out in OTHERS:
        frame = pd.read_csv(package(origin) / file).drop(columns=list(out), errors="ignore")
        yield _framed(file.rpartition("/")[2].removesuffix(".csv"), target, frame)


def usable(table: Table) -> bool:
    """Whether the targets are numbers rather than a few labels."""
    return len(np.unique(table.targets)) >= FEWEST_VALUES


def _framed(name: str, target: str, frame: pd.DataFrame) -> Table:
    frame = frame.dropna()
    targets = frame.pop(target).to_numpy(float)
    features = pd.get_dummies(frame, drop_first=True).to_numpy(float)
    return _sampled(f"{name}.{target}", name, features, targets)


def _sampled(name: str, cluster: str, features: np.ndarray, targets: np.ndarray) -> Table:
    keep = np.random.default_rng(0).permutation(len(targets))[:MOST_ROWS]
    features = features[keep]
    return Table(name, cluster, features[:, features.std(0) > 0], targets[keep])
