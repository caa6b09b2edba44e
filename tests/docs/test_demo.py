"""What the demo prints fits a terminal, and marks no loss for its value."""

import io
from typing import Any

import pytest
from rich.console import Console

from examples import demo, experiment
from tests.docs.pages import ROOT

SHARES = {f"top_{percent}_percent_share": percent / 100 for percent in (1, 5, 10)}
RESULTS = [
    {"loss": loss, "value": 1234.5678, "standard_error": 0.0123, "gradient": SHARES}
    for loss in ("mse", "sparse_categorical_ce(label_smoothing=0.1)", "focal")
]


@pytest.mark.parametrize("width", [80, 60])
def test_a_table_fits_the_terminal_and_no_row_of_it_stands_out(width: int) -> None:
    screen = Console(file=io.StringIO(), width=width, force_terminal=True, color_system="standard")
    screen.print(demo.table(RESULTS))
    plain = Console(file=io.StringIO(), width=width, no_color=True)
    plain.print(demo.table(RESULTS))

    assert isinstance(screen.file, io.StringIO)
    assert isinstance(plain.file, io.StringIO)
    rows = [line for line in screen.file.getvalue().splitlines() if "1235" in line]
    assert len(rows) == len(RESULTS)
    assert not any("\x1b[1" in row for row in rows)
    assert max(map(len, plain.file.getvalue().splitlines())) <= width


@pytest.mark.parametrize("width", [80, 60])
def test_where_candidates_stand_fits_the_terminal_and_says_what_diverged(width: int) -> None:
    rows: list[dict[str, Any]] = [
        {"objective": "mse", "value": 1234.5678, "interval": [1200.0, 1300.0], "tied": True, "diverged": False},
        {"objective": "barron_general(alpha=0, scale=100)", "interval": None, "tied": False, "diverged": True},
    ]
    plain = Console(file=io.StringIO(), width=width, no_color=True)

    plain.print(experiment.standings("root mean squared error", rows))

    assert isinstance(plain.file, io.StringIO)
    lines = plain.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any("1234.6" in line and "yes" in line for line in lines)
    assert any("diverged" in line for line in lines)


def test_what_it_prints_fits_eighty_columns() -> None:
    page = (ROOT / "docs/quickstart.md").read_text(encoding="utf-8")
    printed = page.partition("<!-- generated: demo -->")[2].partition("<!-- end -->")[0]

    assert max(map(len, printed.splitlines())) <= 80
