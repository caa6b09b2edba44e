"""make demo: start the service, do its main job on three real tables, print what comes of it, stop."""

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PATIENCE_S = 60
WIDEST = 80  # columns; a narrower terminal has fewer
console = Console(highlight=False, width=min(WIDEST, shutil.get_terminal_size().columns))
LABELS = 13  # columns before the text of a line
LEGEND = (
    "top: the share of the gradient that the rows with the largest have. Each loss has a unit of its own, so none is "
    "better for its smaller value."
)


@dataclass(frozen=True)
class Study:
    """Predictions of a small model on the part of a table that it was not fitted to."""

    name: str
    task: str
    model: str
    targets: np.ndarray
    predictions: np.ndarray
    compare: tuple[str, ...]
    unit: str


def studies() -> Iterator[Study]:
    """Yield the three tables that ship with scikit-learn, each with a model fitted on the spot."""
    x, x_test, y, y_test = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
    ridge = make_pipeline(StandardScaler(), Ridge()).fit(x, y)
    yield Study(
        "Diabetes: disease progression after one year",
        "regression",
        "ridge regression",
        y_test,
        ridge.predict(x_test),
        ("mse", "mae", "smooth_l1(beta=60)"),
        "points",
    )
    x, x_test, y, y_test = train_test_split(*load_breast_cancer(return_X_y=True), random_state=0)
    binary = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    logits = binary.decision_function(x_test)
    yield Study(
        "Breast cancer: benign or malignant",
        "binary",
        "logistic regression",
        y_test.astype(np.float64),
        logits,
        ("bce", "bce(pos_weight=2)", "focal(alpha=0.5)"),
        "logits",
    )
    x, x_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
    digits = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(x, y)
    yield Study(
        "Digits: 8 x 8 pictures of 0 to 9",
        "multiclass",
        "softmax regression",
        y_test,
        digits.decision_function(x_test),
        ("sparse_categorical_ce", "generalized_ce", "focal_softmax"),
        "logits",
    )


@contextmanager
def service(**settings: str) -> Iterator[httpx.Client]:
    """Run the service on a free port for as long as it is needed; `settings` are environment variables."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "service", "--port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "LOSSARY_LOG_LEVEL": "warning", **settings})  # noqa: S603 - our own program
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            while not _ready(http):
                if process.poll() is not None or time.perf_counter() - started > PATIENCE_S:
                    sys.exit("The service did not start; its own message is above.")
                time.sleep(0.05)
            console.print(
                f"[dim]Lossary answers on port {port}, {time.perf_counter() - started:.1f} s after its start.[/]"
            )
            yield http
    finally:
        process.terminate()
        process.wait(10)


def _ready(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").is_success
    except httpx.TransportError:
        return False


def npy(array: np.ndarray) -> tuple[str, bytes]:
    """Return an array as a file to upload."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return "array.npy", buffer.getvalue()


def post(http: httpx.Client, path: str, study: Study, **fields: object) -> dict[str, Any]:
    """Upload predictions and targets with a request beside them, and return the answer."""
    files = {"predictions": npy(study.predictions), "targets": npy(study.targets)}
    answer = http.post(path, files={"request": (None, json.dumps(fields), "application/json"), **files})
    answer.raise_for_status()
    decoded: dict[str, Any] = answer.json()
    return decoded


def show(http: httpx.Client, study: Study) -> None:
    """Measure, recommend, evaluate: one study from upload to table."""
    console.rule(f"[bold]{study.name}", align="left", characters="─")
    measured = post(http, "/v1/profile", study, task=study.task)
    advice = http.post("/v1/recommend", json={"task": study.task, "profile": measured["profile"]}).json()
    chosen = advice["recommended"]["objective"]
    losses = list(dict.fromkeys([chosen, *study.compare]))
    evaluations = post(http, "/v1/evaluate", study, loss=losses, options={"gradient": "summary"})

    section = advice["article"]["section"]
    console.print(f"  {len(study.targets)} held-out rows, predicted by {study.model} ({study.unit})")
    line("measured", ", ".join(_fact(name, fact) for name, fact in measured["profile"].items()))
    line("recommend", f"[bold green]{chosen}[/], by section {section} of the article")
    line("because", advice["fired"][0]["because"])
    change = advice["counterfactual"]
    if change:
        bound = f"below {change['below']:g}" if "below" in change else f"at {change['at_least']:g} or more"
        line("otherwise", f"{change['fact']} {bound}: {change['objective']}")
    if advice["borderline"]:
        line("borderline", "the interval of a measured fact reaches across a threshold")
    console.print(table(evaluations["results"]))
    console.print(f"[dim]{textwrap.indent(textwrap.fill(LEGEND, console.width - LABELS), '  ')}[/]\n")


def line(label: str, text: str) -> None:
    """Print a line under its label, as many as it takes."""
    indent = " " * LABELS
    lines = textwrap.wrap(text, console.width - 1, initial_indent=f"  {label}".ljust(LABELS), subsequent_indent=indent)
    console.print("\n".join(lines))


def _fact(name: str, fact: object) -> str:
    value = fact["value"] if isinstance(fact, dict) else fact
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"


def table(results: list[dict[str, Any]]) -> Table:
    columns = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, collapse_padding=True)
    columns.add_column("  loss", overflow="fold")
    for heading in ("value", "± error", "top 1 %", "5 %", "10 %"):
        columns.add_column(heading, justify="right", no_wrap=True)
    for result in results:
        gradient = result["gradient"]
        shares = [f"{100 * gradient[f'top_{percent}_percent_share']:.0f} %" for percent in (1, 5, 10)]
        columns.add_row("  " + result["loss"], f"{result['value']:.4g}", f"{result['standard_error']:.3g}", *shares)
    return columns


def main() -> None:
    """Do the main job on each table."""
    with service() as http:
        for study in studies():
            show(http, study)
        console.print("[dim]Next: make serve, then http://127.0.0.1:8000/docs[/]")


if __name__ == "__main__":
    main()
