"""Panels of the metrics that no row of rows.py shows: a new metric is on the dashboard by itself."""

import re
from collections.abc import Iterable

from prometheus_client import Metric

from monitoring.grafana_panels import Lines, Panel
from service.observability.metrics import Metrics

TITLE = "Everything else"
UNITS = {"seconds": "s", "bytes": "bytes"}  # Grafana's, by the end of a metric's name
QUANTILES = (0.5, 0.9, 0.99)


def other_panels(rows: Iterable[tuple[str, Iterable[Panel]]]) -> tuple[Panel, ...]:
    """Return a panel for each metric of the service that no query of these rows reads."""
    asked = {name for _, panels in rows for panel in panels for _, query in panel.queries for name in _names(query)}
    families = [family for family in Metrics().registry.collect() if family.name.startswith("lossary_")]
    return tuple(_panel(family) for family in families if family.name not in asked)


def _names(query: str) -> set[str]:
    """Return the metrics that a query reads, without the ends that Prometheus adds to samples."""
    return {re.sub(r"_(bucket|sum|count|total)$", "", word) for word in re.findall(r"\blossary_\w+", query)}


def _panel(family: Metric) -> Panel:
    unit = next((unit for end, unit in UNITS.items() if family.name.endswith(f"_{end}")), "short")
    title = family.name.removeprefix("lossary_").replace("_", " ").capitalize()
    return Lines(title=title, description=family.documentation, unit=unit, queries=_queries(family))


def _queries(family: Metric) -> tuple[tuple[str, str], ...]:
    name = family.name
    if family.type == "counter":
        return (("a second", f"sum(rate({name}_total{{SERVICE}}[$__rate_interval]))"),)
    if family.type == "histogram":
        rate = f"sum by (le) (rate({name}_bucket{{SERVICE}}[$__rate_interval]))"
        return tuple((f"p{quantile * 100:g}", f"histogram_quantile({quantile}, {rate})") for quantile in QUANTILES)
    return (("{{instance}}", f"sum by (instance) ({name}{{SERVICE}})"),)
