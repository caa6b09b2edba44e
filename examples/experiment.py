"""make experiment: compare losses on a real table by training them, and print which to take and how sure that is."""

import tempfile
import time
from collections.abc import Callable
from typing import Any

import httpx
from rich import box
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sklearn.datasets import load_diabetes

from examples.demo import LABELS, console, line, service

QUESTION = {
    "target": "progression",
    "goal": {"metric": "mae"},
    "candidates": ["mse", "mae", "smooth_l1(beta=60)", "barron_general(alpha=0, scale=100)"],
    "models": ["linear", "mlp"],
    "repeats": 2,
}
LOOK_S = 0.2
PATIENCE_S = 300
SHOWN = 6  # standings of a model


def csv() -> str:
    """Return the table: 442 patients, ten measurements, and how far the disease went within a year."""
    data = load_diabetes(scaled=False)
    head = ",".join([*data.feature_names, "progression"])
    rows = (",".join(map(str, [*row, target])) for row, target in zip(data.data, data.target, strict=True))
    return "\n".join([head, *rows, ""])


def compared(http: httpx.Client, question: dict[str, Any], told: Callable[[int, int], None]) -> dict[str, Any]:
    """Upload the table, ask for the experiment, say how far it is, and return it once it has ended."""
    dataset = http.post("/v1/datasets", content=csv(), headers={"Content-Type": "text/csv"}).raise_for_status().json()
    answer = http.post("/v1/experiments", json={"dataset": dataset["id"], **question}).raise_for_status()
    experiment: dict[str, Any] = answer.json()
    started = time.monotonic()
    while experiment["status"] in ("queued", "running") and time.monotonic() - started < PATIENCE_S:
        told(experiment["progress"]["done"], experiment["progress"]["total"])
        time.sleep(LOOK_S)
        experiment = http.get(experiment["links"]["self"]).raise_for_status().json()
    return experiment


def shown(experiment: dict[str, Any]) -> None:
    """Print the verdict of each model, and where its candidates stand."""
    for verdict in experiment["verdicts"]:
        line("verdict", verdict["summary"])
        books = ", ".join(
            f"{name} {book['objective']}" + (f" ({100 * book['regret']:.1f} % worse)" if book.get("regret") else "")
            for name, book in verdict["books"].items()
        )
        line("books", books)
        own = [standing for standing in experiment["standings"] if standing["model"] == verdict["model"]]
        console.print(standings(experiment["metric_title"], own[:SHOWN]))
    line("code", "the loss of the verdict in PyTorch:")
    console.print("\n".join(" " * LABELS + text for text in experiment["snippets"]["pytorch"].splitlines() if text))


def standings(metric: str, rows: list[dict[str, Any]]) -> Table:
    """Return the candidates of one model, the best first."""
    columns = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, collapse_padding=True)
    columns.add_column("  loss", overflow="fold")
    for heading in (metric, "95 %", "tied"):
        columns.add_column(heading, justify="right")
    for row in rows:
        value = "diverged" if row["diverged"] else f"{row['value']:.1f}"
        interval = "{:.1f} to {:.1f}".format(*row["interval"]) if row.get("interval") else ""
        columns.add_row(f"  {row['objective']}", value, interval, "yes" if row["tied"] else "")
    return columns


def main() -> None:
    """Run one experiment on a service of its own."""
    with tempfile.TemporaryDirectory() as folder, service(LOSSARY_DATA=folder) as http:
        console.rule("[bold]Experiment: which loss predicts the disease best?", align="left", characters="─")
        bar = Progress(
            TextColumn("  trained    "),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f} models"),
            TimeElapsedColumn(),
            console=console,
        )
        with bar:
            task = bar.add_task("", total=1)
            experiment = compared(
                http, QUESTION, lambda done, total: bar.update(task, completed=done, total=total or 1)
            )
            progress = experiment["progress"]
            bar.update(task, completed=progress["done"], total=progress["total"])
        if experiment["status"] != "succeeded":
            raise SystemExit(f"The experiment {experiment['status']}: {experiment.get('problem')}")
        shown(experiment)


if __name__ == "__main__":
    main()
