"""Prints answers to a terminal."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.cells import set_cell_size
from rich.markup import escape
from rich.table import Table

from lossary.cli.application import out
from lossary.cli.drawing import drawn
from lossary.cli.words import say
from lossary.result import Result

HEIGHT, WIDTH = 12, 64  # of a curve, in characters


def print_json(answer: Result) -> None:
    """Print an answer as JSON."""
    sys.stdout.write(json.dumps(answer.to_dict(), ensure_ascii=False, indent=2) + "\n")


def print_advice(answer: Result) -> None:
    """Print a recommendation: its summary, the answer of each book, and what would change it."""
    out.print(escape(answer.summary))
    for name in ("article", "evidence"):
        book = answer.get(name)
        if book:
            out.print(f"  {set_cell_size(say(name), 9)} {escape(book.objective)}  [dim]{escape(book.rule)}[/]")
    change = answer.get("counterfactual")
    if change:
        side = "below" if change.get("below") is not None else "at_least"
        out.print(f"  {say(side, escape(change.objective), change.fact, format(change.get(side), 'g'))}")
    for warning in answer.get("warnings") or []:
        out.print(f"[yellow]  ! {escape(warning.text)}[/]")


def print_experiment(report: Result) -> None:
    """Print the verdict of an experiment, and the standings of the candidates for each kind of model."""
    out.print(escape(report.verdict.summary))
    columns = (say("loss"), say("model"), str(report.metric), "95 %", say("best_with"), "")
    table = Table(*columns, box=None, header_style="bold")
    chosen = {verdict.model: verdict.objective for verdict in report.verdicts}
    for place, row in enumerate(report.standings):
        if place and row.model != report.standings[place - 1].model:
            table.add_row()
        table.add_row(
            escape(row.objective),
            row.model,
            number(row.value) if row.get("value") is not None else say("diverged"),
            interval_text(row.get("interval")),
            f"{100 * row.probability_best:.0f} %",
            say("chosen") if row.objective == chosen.get(row.model) else say("tied") if row.tied else "",
        )
    out.print(table)


def print_curve(curve: Result) -> None:
    """Print the value of a loss along its axis."""
    values = curve.curves[0].value
    low, high = min(values), max(values)
    low = low if abs(low) > 1e-6 * abs(high) else 0.0
    labels = {0: f"{high:.3g}", HEIGHT - 1: f"{low:.3g}"}
    for place, line in enumerate(drawn(values, HEIGHT)):
        out.print(f"[dim]{labels.get(place, ''):>10}[/] {line}")
    first, last = f"{curve.x[0]:g}", f"{curve.x[-1]:g}"
    axis = str(curve.axis).center(WIDTH - len(first) - len(last))
    out.print(f"[dim]{'':11}{first}{escape(axis)}{last}[/]")


def interval_text(interval: Sequence[float] | None) -> str:
    """Return an interval as text, empty for None."""
    return say("interval", *map(number, interval)) if interval else ""


def number(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return a number with four significant digits, any other value as text."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
