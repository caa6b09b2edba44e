"""The dashboard as Grafana reads it, from which make docs-tables writes dashboard.json; what it shows is in rows.py."""

import json
from typing import Any

from monitoring.grafana_panels import SOURCE
from monitoring.other_metrics import TITLE, other_panels
from monitoring.rows import ROWS

WIDTH = 24  # of Grafana's grid


def text() -> str:
    """Return the dashboard as JSON."""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana reads it."""
    return {
        "uid": "lossary",
        "title": "Lossary",
        "description": "What the service does, how fast, what it refuses, and how near it is to its limits.",
        "tags": ["lossary"],
        "schemaVersion": 41,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "preload": False,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "weekStart": "",
        "links": [],
        "annotations": {"list": [_ALERTS, _STARTS]},
        "templating": {"list": [_DATA_SOURCE, *map(_variable, _VARIABLES)]},
        "panels": _placed(),
    }


def _placed() -> list[dict[str, Any]]:
    """Return every row and panel with its number and its place."""
    placed: list[dict[str, Any]] = []
    x, y, tallest = 0, 0, 0
    others = other_panels(ROWS)
    for title, panels in (*ROWS, *([(TITLE, others)] if others else [])):
        y, x, tallest = y + tallest, 0, 0
        at = {"h": 1, "w": WIDTH, "x": 0, "y": y}
        placed.append(
            {"id": len(placed) + 1, "type": "row", "title": title, "collapsed": False, "gridPos": at, "panels": []}
        )
        y += 1
        for panel in panels:
            if x + panel.width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            at = {"h": panel.height, "w": panel.width, "x": x, "y": y}
            placed.append({"id": len(placed) + 1, **panel.written(), "gridPos": at})
            x, tallest = x + panel.width, max(tallest, panel.height)
    return placed


_ALERTS = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}
_STARTS = {
    "datasource": SOURCE,
    "enable": True,
    "hide": False,
    "iconColor": "purple",
    "name": "Starts",
    "expr": 'changes(process_start_time_seconds{job="lossary",service=~"$service"}[1m]) > 0',
    "titleFormat": "{{service}} started",
    "step": "60s",
}
_DATA_SOURCE = {
    "name": "datasource",
    "label": "Data source",
    "description": "The Prometheus that scrapes Lossary.",
    "type": "datasource",
    "query": "prometheus",
    "regex": "",
    "refresh": 1,
    "hide": 0,
    "includeAll": False,
    "multi": False,
    "options": [],
    "skipUrlSync": False,
}
_VARIABLES = (
    ("service", "Service", "A service of docker-compose.yml.", 'label_values(up{job="lossary"}, service)'),
    ("route", "Route", "The template of a path.", "label_values(lossary_http_requests_total, route)"),
)


def _variable(stated: tuple[str, str, str, str]) -> dict[str, Any]:
    name, label, description, query = stated
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": f"variable-{name}"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "regex": "",
        "skipUrlSync": False,
        "options": [],
    }
