"""python -m benchmarks.regret [train [FAMILY ...] | measure]: score what was trained; train it first, all or some.

`measure` measures regressions again and leaves what was trained.

The report, the plot and the file that the engine cites are written.
"""

import sys
import time
from functools import partial
from importlib import import_module

from benchmarks.regret import cite, plot, report
from benchmarks.regret.cells import HERE, Done, everywhere, write
from benchmarks.regret.families import recipes
from benchmarks.regret.protocol import protocol
from benchmarks.regret.score import family
from benchmarks.regret.training import Rows

TRAINED_BY = {"regression": "regression", "binary": "classification", "segmentation": "segmentation"}
HEAD = """\
# Does the recommendation work?

Every data set ships inside a package. Training parts are contaminated, test parts never. Every loss has the same start
and steps, and its own learning rate and stopping point, chosen on a validation part. A cell is a data set, a stratum
and a model; it has two halves, each with its own split, contamination and seeds, on tables with test rows of its own.
**Regret** is the distance to the loss that was best in the *other* half, relative for errors and absolute for
scores, averaged over both: hindsight without the winner's luck, so that noise can make it negative. Brier scores are
errors of a few hundredths and are compared absolutely. Every origin of data counts the same; intervals resample origins
4000 times. Seed noise is half a 95 % interval of what other seeds would have made of the same difference.

A few families leave most parts as they are: of classes some labels are put into others, and the question says how many,
as is known after a sample was labelled twice, or the classes seen in training are thinned to a long tail; counts are
thinned until they hardly spread more than their mean, test parts too. Grades are decided as each metric wants it: the
median for the error, the mean with cuts chosen on the validation part for kappa. Where the article says nothing of a
task it has no row.

The books are asked over HTTP, as any caller asks them, with the profile that the recommender measured on the training
part and the goal that the metric implies: the mean for RMSE, the median for MAE, a balanced decision, probabilities or
ranking for metrics of classes, overlap with or without empty masks, or the probability of a pixel; other metrics are
named in the question. The question says whether outliers are errors or signal, which no measurement can tell, and what
kind of model is trained; one row is not told what outliers are, and keeps those that carry the total of amounts, for
better or worse. The thresholds of the evidence book are those tuned on the other origins. A recommended loss that was
not trained would end the report with its name.

One row of numbers is advice with the quick experiment, `POST /v1/advise?experiment=quick`: on the training part it
compares losses under a linear model and keeps the book's unless another is better; what it chose is stored by `python
-m benchmarks.regret.advised`. It says nothing of networks, where the row is the book's. What an answer says beside its
loss is part of it: `bce` is cut at the share of positives where balanced accuracy is asked for, and biases start at the
logarithms of the shares of uneven classes where it says so, which is scored by log loss.

"Article, computed" is its book with parameters computed from the profile; "article, literal" has the numbers it prints
(focal with alpha 0.25 and gamma 2, Smooth L1 with beta 1, Dice image by image). The best constant is the single loss
of least mean regret on the other origins, the worst constant that of largest on all.

What this does not show: the models are small, contamination is synthetic, segmentation is a toy of 21 scenes, and
whoever wrote the rules had seen earlier runs; only thresholds are tuned on other origins. The protocol lists strata,
losses, metrics, grids and promises; results that differ from it are refused.
"""


def train(name: str) -> None:
    """Train every cell of a family and write the results."""
    if name in TRAINED_BY:
        import_module(f"benchmarks.regret.{TRAINED_BY[name]}").main()
        return
    started = time.monotonic()
    write(name, everywhere(partial(_of_table, name), list(recipes()[name].tables())))
    print(f"{name}: {time.monotonic() - started:.0f} s")


def _of_table(family: str, table: Rows) -> list[Done]:
    return recipes()[family].of_table(family, table)


def main() -> None:
    """Train where told to, then report."""
    if "train" in sys.argv[1:2]:
        for name in sys.argv[2:] or protocol().families:
            train(name)
    if "measure" in sys.argv[1:]:
        import_module("benchmarks.regret.regression").measure()
    families = [family(name) for name in protocol().families]
    cite.cite(families)
    (HERE / "result.md").write_text(report.markdown(families, HEAD), encoding="utf-8")
    plot.draw(families, HERE / "regret.svg")
    print(report.summary(families))


if __name__ == "__main__":
    main()
