"""What an operator watches: metrics, alerts, and the panels of the dashboard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped] # ships no types

from docs.blocks.tables import cell, code, codes, table
from monitoring import dashboard
from service.observability.metrics import Metrics

FOLDER = Path(__file__).parents[2] / "monitoring"


def metrics() -> str:
    """Return every metric with its kind, its labels and its meaning."""
    collectors: list[Any] = list(Metrics().registry._collector_to_names)  # noqa: SLF001 - labels without samples stand nowhere else
    rows = sorted(_row(one) for one in collectors if getattr(one, "_name", "").startswith("lossary_"))
    return table(["metric", "type", "labels", "meaning"], rows)


def _row(metric: Any) -> tuple[str, str, str, str]:  # noqa: ANN401 - prometheus_client's wrapper, untyped
    kind, labels, meaning = metric._type, metric._labelnames, metric._documentation  # noqa: SLF001 - the same
    name = f"{metric._name}_total" if kind == "counter" else str(metric._name)  # noqa: SLF001 - the same
    return code(name), kind, codes(labels), cell(meaning)


def alerts() -> str:
    """Return every alert with how bad it is and what to do."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    rows = [
        (code(rule["alert"]), rule["labels"]["severity"], _plain(rule["annotations"]["action"]))
        for group in groups
        for rule in group["rules"]
        if "alert" in rule
    ]
    return table(["alert", "severity", "what to do"], rows)


def _plain(text: str) -> str:
    return cell(" ".join(text.split()))


def panels() -> str:
    """Return every panel of the dashboard and what it shows."""
    shown = dashboard.dashboard()["panels"]
    rows = [(panel["title"], cell(panel["description"])) for panel in shown if panel["type"] != "row"]
    return table(["panel", "what it shows"], rows)


BLOCKS: dict[str, Callable[..., str]] = {"metrics": metrics, "alerts": alerts, "panels": panels}
