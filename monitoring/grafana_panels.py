"""The kinds of panels that the dashboard has, and how each is written for Grafana."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

Data = dict[str, Any]
SOURCE: Data = {"type": "prometheus", "uid": "${datasource}"}
PROBES = "/healthz|/readyz|/metrics|/v2/health/.+"  # asked by machines every few seconds, and no work
SELECTORS = {  # by the names that stand for them in queries
    "WORK": f'service=~"$service",route!~"{PROBES}",route=~"$route"',
    "SERVICE": 'service=~"$service"',
    "PROCESS": 'job="lossary",service=~"$service"',
}
_DASHED = {
    "matcher": {"id": "byRegexp", "options": ".* limit"},
    "properties": [
        {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}},
        {"id": "custom.fillOpacity", "value": 0},
        {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
        {"id": "custom.stacking", "value": {"mode": "none", "group": "B"}},
    ],
}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What every panel has. `queries` are pairs of a legend and an expression, in which names of SELECTORS stand."""

    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    width: int = 8
    height: int = 8
    kind: ClassVar[str] = ""
    target_format: ClassVar[str] = "time_series"
    instant: ClassVar[bool] = False  # the last values alone

    def written(self) -> Data:
        """Return it as Grafana reads it, without its place."""
        return {
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "targets": [self._target(letter, *query) for letter, query in zip("ABCDEFGH", self.queries, strict=False)],
            "fieldConfig": {"defaults": {"unit": self.unit, **self.fields()}, "overrides": self.overrides()},
            "options": self.options(),
        }

    def _target(self, letter: str, legend: str, query: str) -> Data:
        for name, selector in SELECTORS.items():
            query = query.replace(f"{{{name}", f"{{{selector}")
        return {
            "refId": letter,
            "datasource": SOURCE,
            "editorMode": "code",
            "expr": query,
            "legendFormat": legend,
            "format": self.target_format,
            "instant": self.instant,
            "range": not self.instant,
        }

    def fields(self) -> Data:
        """Return how values are shown."""
        return {}

    def overrides(self) -> list[Data]:
        """Return what is shown otherwise."""
        return []

    def options(self) -> Data:
        """Return how the panel is drawn."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Number(Panel):
    """One large number, coloured by the steps that it has reached."""

    width: int = 4
    height: int = 4
    first: str = "green"
    steps: tuple[tuple[float, str], ...] = ()
    decimals: int | None = None
    share: bool = False
    kind = "stat"

    def fields(self) -> Data:
        steps = [{"color": self.first, "value": None}] + [{"color": color, "value": at} for at, color in self.steps]
        shown: Data = {
            "thresholds": {"mode": "absolute", "steps": steps},
            "color": {"mode": "thresholds"},
            "noValue": "–",
        }
        if self.decimals is not None:
            shown["decimals"] = self.decimals
        return shown | ({"min": 0, "max": 1} if self.share else {})

    def options(self) -> Data:
        return {
            "colorMode": "value",
            "graphMode": "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "auto",
            "wideLayout": True,
            "percentChangeColorMode": "standard",
            "showPercentChange": False,
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }


@dataclass(frozen=True, kw_only=True)
class Lines(Panel):
    """Lines over time; one whose legend ends in "limit" is dashed. `limit` is drawn across."""

    stacked: bool = False
    bars: bool = False
    limit: float | None = None
    decimals: int | None = None
    summed_up: bool = False  # a legend with the mean and the most of each line
    kind = "timeseries"

    def fields(self) -> Data:
        custom: Data = {
            "drawStyle": "bars" if self.bars else "line",
            "lineInterpolation": "linear",
            "lineWidth": 1,
            "fillOpacity": 30 if self.stacked else 8,
            "showPoints": "never",
            "spanNulls": 60000,
            "stacking": {"group": "A", "mode": "normal" if self.stacked else "none"},
            "axisSoftMin": 0,
        }
        shown: Data = {"custom": custom, "color": {"mode": "palette-classic"}, "min": 0}
        if self.limit is not None:
            custom["thresholdsStyle"] = {"mode": "dashed"}
            steps = [{"color": "transparent", "value": None}, {"color": "red", "value": self.limit}]
            shown["thresholds"] = {"mode": "absolute", "steps": steps}
        return shown if self.decimals is None else {**shown, "decimals": self.decimals}

    def overrides(self) -> list[Data]:
        return [_DASHED] if any(legend.endswith(" limit") for legend, _ in self.queries) else []

    def options(self) -> Data:
        style = "table" if self.summed_up else "list"
        calcs = ["mean", "max"] if self.summed_up else []
        return {
            "legend": {"displayMode": style, "placement": "bottom", "showLegend": True, "calcs": calcs},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }


@dataclass(frozen=True, kw_only=True)
class Heatmap(Panel):
    """How often each value came, over time."""

    kind = "heatmap"
    target_format = "heatmap"

    def fields(self) -> Data:
        hidden = {"legend": False, "tooltip": False, "viz": False}
        return {"custom": {"scaleDistribution": {"type": "linear"}, "hideFrom": hidden}}

    def options(self) -> Data:
        return {
            "calculate": False,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "steps": 64,
                "exponent": 0.5,
                "fill": "dark-orange",
                "reverse": False,
            },
            "filterValues": {"le": 1e-09},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "showValue": "never",
            "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": False},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": self.unit},
        }


@dataclass(frozen=True, kw_only=True)
class States(Panel):
    """When something was the case."""

    kind = "state-timeline"

    def fields(self) -> Data:
        custom = {"fillOpacity": 70, "lineWidth": 0}
        return {"color": {"mode": "fixed", "fixedColor": "red"}, "custom": custom, "noValue": "none"}

    def options(self) -> Data:
        return {
            "alignValue": "left",
            "mergeValues": True,
            "rowHeight": 0.8,
            "showValue": "never",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
            "tooltip": {"mode": "single", "sort": "none"},
        }


@dataclass(frozen=True, kw_only=True)
class Table(Panel):
    """The last values of all queries, a row an instance, its columns in order."""

    columns: Mapping[str, str]  # the name that is shown, by Grafana's own
    left_out: tuple[str, ...]
    dates: tuple[str, ...] = ()
    kind = "table"
    target_format = "table"
    instant = True

    def written(self) -> Data:
        organized = {
            "excludeByName": dict.fromkeys(self.left_out, True),
            "indexByName": {name: place for place, name in enumerate(self.columns)},
            "renameByName": {name: shown for name, shown in self.columns.items() if name != shown},
        }
        joined = {"id": "joinByField", "options": {"byField": "instance", "mode": "outer"}}
        return {**super().written(), "transformations": [joined, {"id": "organize", "options": organized}]}

    def fields(self) -> Data:
        return {"custom": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}}

    def overrides(self) -> list[Data]:
        unit = {"id": "unit", "value": "dateTimeFromNow"}
        return [{"matcher": {"id": "byName", "options": name}, "properties": [unit]} for name in self.dates]

    def options(self) -> Data:
        return {"showHeader": True, "cellHeight": "sm"}
