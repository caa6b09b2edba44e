"""Tables of how often something happens."""

from collections.abc import Iterator

from benchmarks.regret.tables import Table
from benchmarks.regret.tables.frames import Frame, of_numbers

MOST_ROWS = 800
FRAMES = (
    Frame("statsmodels", "datasets/randhie/randhie.csv", "mdvis"),
    Frame("statsmodels", "datasets/fair/fair_pt.csv", "naffairs", ("identifier", "constant")),
    Frame("statsmodels", "datasets/anes96/anes96.csv", "TVnews", separator="\t"),
    Frame("statsmodels", "datasets/cancer/cancer.csv", "cancer"),
    Frame("ISLP", "data/Bikeshare.csv", "bikers", ("casual", "registered", "day")),
    Frame("ISLP", "data/College.csv", "Apps", ("Unnamed: 0", "Accept", "Enroll")),
    Frame("ISLP", "data/Hitters.csv", "HmRun"),
    Frame("ISLP", "data/Credit.csv", "Cards", ("ID",)),
    Frame("lifelines", "datasets/gbsg2.csv", "pnodes", ("time", "cens")),
    Frame("lifelines", "datasets/rossi.csv", "prio", ("week", "arrest")),
    Frame("linearmodels", "datasets/fertility/fertility.csv.bz2", "kids"),
    Frame("linearmodels", "datasets/birthweight/birthweight.csv.bz2", "cigs", ("packs", "lbwght", "bwghtlbs")),
    Frame("linearmodels", "datasets/meps/meps.csv.bz2", "totchr", ("priolist", "age2", "linc", "ldrugexp")),
    Frame("linearmodels", "datasets/wage/wage.csv.bz2", "sibs", ("brthord", "lwage")),
    Frame("causaldata", "Mroz/Mroz.csv", "k618", ("Unnamed: 0", "rownames")),
    Frame("causaldata", "restaurant_inspections/restaurant_data.csv", "NumberofLocations", ("business_name",)),
    Frame("plotnine", "data/txhousing.csv", "sales", ("city", "volume", "date")),
    Frame("sklego", "data/abalone.zip", "rings"),
    Frame("sklego", "data/arrests.zip", "checks"),
    Frame("river", "datasets/solar-flare.csv.zip", "c-class-flares", ("m-class-flares", "x-class-flares")),
)


def tables() -> Iterator[Table]:
    """Yield every table of counts, at most 800 rows of each."""
    yield from of_numbers(FRAMES, MOST_ROWS)
