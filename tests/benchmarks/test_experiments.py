"""The arithmetic of the experiments benchmark on rows small enough to check by hand, and what is stored."""

import json
from typing import Any

import pytest

from benchmarks.experiments.measure import RESULTS, STRATA_OF, read
from benchmarks.experiments.report import markdown
from benchmarks.experiments.score import ARTICLE, BOOK, BOTH, CONSTANT, EXPERIMENT, Scored, scored

NAMES = ("mse", "mae", "tukey")


def row(
    cluster: str, half: str, held_out: tuple[float, ...], values: tuple[float, ...], **fields: object
) -> dict[str, Any]:
    """Return what one half of a cell scored: on clean rows, and out of fold."""
    standings = {
        name: [value, clean, p is None or p >= 0.05, p]
        for name, value, clean, p in zip(NAMES, values, held_out, (None, 0.2, 0.01), strict=True)
    }
    usual = {
        "task": "regression",
        "table": f"{cluster}.y",
        "cluster": cluster,
        "stratum": "natural",
        "half": half,
        "model": "linear",
        "metric": "mae",
        "outliers": "signal",
        "chosen": "mse",
        "incumbent": "mae",
        "books": {"article": "tukey", "evidence": "mae"},
        "standings": standings,
    }
    return usual | fields


def one() -> Scored:
    rows = [
        row("a", "a", (1.0, 1.1, 2.0), (1.0, 1.2, 1.5)),
        row("a", "b", (1.0, 1.2, 1.5), (1.3, 1.2, 1.5)),
        row("b", "a", (2.0, 1.0, 0.5), (2.0, 1.0, 0.4)),
        row("b", "b", (2.0, 1.0, 0.5), (2.0, 1.0, 0.6)),
    ]
    [only] = scored(rows).values()
    return only


def test_regret_is_the_distance_to_the_best_of_the_other_half() -> None:
    only = one()

    assert only.regrets("mse").tolist() == pytest.approx([0.0, 3.0])
    assert only.regrets(BOOK).tolist() == pytest.approx([0.15, 1.0])
    assert only.regrets(ARTICLE).tolist() == pytest.approx([0.75, 0.0])
    assert only.regrets(BOTH).tolist() == pytest.approx([0.0, 3.0])
    assert only.regrets(EXPERIMENT).tolist() == pytest.approx([0.1, 0.0])


def test_the_best_constant_is_that_of_the_other_origins() -> None:
    only = one()

    assert only.regrets(CONSTANT).tolist() == pytest.approx(
        [only.regrets("tukey")[0], only.regrets("mse")[1]]  # of b that is tukey, of a mse
    )
    gap = only.gap(EXPERIMENT)
    assert gap is not None
    assert gap.share == pytest.approx(1 - 0.05 / ((0.75 + 3.0) / 2))


def test_calls_are_held_against_clean_rows() -> None:
    calls = one().calls()

    assert calls.calls == 4  # tukey is called worse in each half
    assert calls.wrong == calls.notably == 0.5  # in both of b it is the better one
    assert calls.covered == 0.5
    assert (calls.replaced, calls.rightly) == (1.0, 0.5)


def test_what_diverged_is_as_bad_as_the_worst_that_did_not() -> None:
    rows = [row("a", half, (1.0, 1.1, 2.0), (1.0, 1.2, 1.5), chosen="tukey") for half in "ab"]
    rows[0]["standings"]["tukey"] = [None, None, False, None]
    rows += [row("b", half, (1.0, 1.1, 2.0), (1.0, 1.2, 1.5)) for half in "ab"]
    [only] = scored(rows).values()

    assert only.regrets(BOTH)[0] == pytest.approx((0.1 + 1.0) / 2)
    assert only.constants == ["mae", "mse"]


def test_the_stored_report_is_that_of_the_stored_results() -> None:
    rows = read()

    assert (RESULTS.parent / "result.md").read_text(encoding="utf-8") == markdown(scored(rows))
    assert {row["stratum"] for row in rows} <= {name for strata in STRATA_OF.values() for name in strata}
    assert all(json.dumps(row) for row in rows)
