"""What was measured: tables from the results that benchmarks write."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from docs.blocks.tables import table
from recommender.rules import ROWS
from recommender.rules.measured_comparisons import comparison
from recommender.rules.measured_regret import regrets

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
_COLUMNS = {
    "binary_per_s": ("small binary, /s", "{:,.0f}"),
    "json_per_s": ("small JSON, /s", "{:,.0f}"),
    "8_mb_ms": ("8 MB, ms", "{:.1f}"),
    "json_1m_ms": ("JSON of 2 x 1M, ms", "{:,.0f}"),
    "512_mb_s": ("512 MB, s", "{:.2f}"),
    "growth": ("growth / payload", "{:.2f}"),
    "ready_s": ("ready, s", "{:.1f}"),
    "idle_mb": ("idle, MB", "{:,.0f}"),
}


@cache
def demo() -> str:
    """Return what `make demo` prints; its port and the seconds of its start are other ones each time."""
    command = [sys.executable, "-m", "examples.demo"]
    plain = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=BENCHMARKS.parent, env=plain, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    printed = re.sub(r"port \d+, [\d.]+ s", "port ..., ... s", done.stdout)
    lines = "\n".join(line.rstrip() for line in printed.splitlines())
    return f"```text\n{lines}\n```"


def _read(path: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((BENCHMARKS / path).read_text(encoding="utf-8"))


def serving() -> str:
    """Return what `make bench` measured last."""
    rows = [
        (row["work"], row["ours"], row["other"], f"{row['ratio']:.2f}", row["spread"], _bar(row))
        for row in _read("serving/results.json")
    ]
    return table(["work", "Lossary", "against", "ratio", "of all runs", "bar"], rows, right=[1, 2, 3])


def _bar(row: dict[str, Any]) -> str:
    return f"at {'least' if row['least'] else 'most'} {row['bar']:g}" + ("" if row["met"] else ", **not met**")


def peers() -> str:
    """Return what `make bench-peers` measured last."""
    rows = [
        (name, *(_figure(shown, figures[column]) for column, (_, shown) in _COLUMNS.items()))
        for name, figures in _read("serving/peers/results.json").items()
    ]
    headings = ["one worker each", *(heading for heading, _ in _COLUMNS.values())]
    return table(headings, rows, right=range(1, len(headings)))


def _figure(shown: str, value: float | str | None) -> str:
    return shown.format(value) if isinstance(value, float | int) else str(value)


def losses_time() -> str:
    """Return how many losses `make bench-losses` found slower than three formulas."""
    text = (BENCHMARKS / "losses_time.md").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if line.startswith("- "))


def regret() -> str:
    """Return the summary of `make regret-report`."""
    text = (BENCHMARKS / "regret/result.md").read_text(encoding="utf-8")
    return _section(text, "In short")


def promises() -> str:
    """Return which promises of the protocol were kept."""
    text = (BENCHMARKS / "regret/result.md").read_text(encoding="utf-8")
    return _section(text, "What was promised")


def rules_measured() -> str:
    """Return how many rules of the evidence book have a measurement, and of how many the claim held."""
    rules = [row.name for row in ROWS if row.book == "evidence"]
    decided = {name for name in rules if regrets(name)}
    compared = {name: entry for name in rules if (entry := comparison(name))}
    held = sum(entry.holds for entry in compared.values())
    return (
        f"{len(decided | set(compared))} of the {len(rules)} rules have one: {len(decided)} decide in the benchmark, "
        f"{len(compared)} have a record of their own, of which {held} claims hold."
    )


OVERRULED = "book, overruled by the experiment"


def experiments() -> str:
    """Return what choosing by experiment costs: of models that are trained, and of those not told what outliers are."""
    text = (BENCHMARKS / "experiments/result.md").read_text(encoding="utf-8")
    lines = _section(text, "In short").splitlines()
    return "\n".join(line for line in lines if "solved" not in line or "not told" in line)


def ranking_experiments() -> str:
    """Return what choosing a loss of lists by experiment costs."""
    return _section((BENCHMARKS / "experiments/ranking.md").read_text(encoding="utf-8"), "In short")


def _section(text: str, title: str) -> str:
    part = re.search(rf"^## {re.escape(title)}\n\n(.*?)(?=\n## |\Z)", text, re.DOTALL | re.MULTILINE)
    if part is None:
        raise ValueError(f"There is no section {title}; its generator wrote another.")
    return part[1].strip().replace(" %", "\u00a0%")  # a number and its unit stay in one line


def conformance() -> str:
    """Return the summary of `make conformance`."""
    return f"**{_read('conformance/result.json')['summary']}**"


def against() -> str:
    """Return what one would use otherwise, with the figures that were measured."""
    heading, *rows = [_cells(line) for line in regret().splitlines() if not line.startswith("| ---")]
    means = {row[0]: dict(zip(heading, row, strict=True)) for row in rows}
    rmse, mae, ours, default = means["regression: RMSE"], means["regression: MAE"], "evidence book", "library default"
    apart = _experiment("regression, mean absolute error, mlp, told what outliers are")
    peer = _read("serving/peers/results.json")
    naive, lossary = peer["FastAPI, 20 lines"], peer["Lossary"]
    lines = [
        (
            "choosing a loss",
            f"what the library uses by default: {rmse[default]} mean regret in RMSE, {mae[default]} in MAE",
            f"{rmse[ours]} and {mae[ours]}, with the rule, its margin, its source and what would change it",
        ),
        (
            "trusting a choice",
            "a blog post, a colleague, a language model",
            "two rule books beside one another, and what each cost on real tables where they disagree",
        ),
        (
            "deciding on your own table",
            f"one loss for everything: {apart['best constant elsewhere']} mean regret in MAE with a small network",
            f"an experiment with a verdict, what ties with it, and how sure that is: {apart[OVERRULED]}",
        ),
        (
            "the value of a loss",
            "a notebook, once a library",
            "any loss of the catalogue on one upload, with its error bar and how the gradient is shared",
        ),
        (
            "another library's number",
            "reading its source",
            f"`convention=keras`, checked: {_read('conformance/result.json')['summary'].split(';')[0]}",
        ),
        (
            "serving it",
            f"FastAPI, 20 lines: {_speed(naive)}",
            _speed(lossary),
        ),
    ]
    return table(["for", "otherwise", "here"], lines)


def _experiment(question: str) -> dict[str, str]:
    """Return the mean regrets of one question to the experiments benchmark, by how the loss was chosen."""
    heading, *rows = [_cells(line) for line in experiments().splitlines() if not line.startswith("| ---")]
    return next(dict(zip(heading, row, strict=True)) for row in rows if row[0] == question)


def _speed(figures: dict[str, float]) -> str:
    rate, seconds, growth = (figures[name] for name in ("binary_per_s", "512_mb_s", "growth"))
    return f"{rate:,.0f} small requests a second, {seconds:.2f} s for 512 MB in {growth:.2f} times its memory"


def _cells(line: str) -> list[str]:
    return [text.strip() for text in line.strip().strip("|").split("|")]


BLOCKS: dict[str, Callable[..., str]] = {
    "demo": demo,
    "serving": serving,
    "peers": peers,
    "losses-time": losses_time,
    "regret": regret,
    "promises": promises,
    "rules-measured": rules_measured,
    "experiments": experiments,
    "ranking": ranking_experiments,
    "conformance": conformance,
    "against": against,
}
