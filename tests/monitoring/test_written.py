"""The dashboard and the alerts, without a Prometheus: what they read is what the service counts."""

import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.observability.metrics import Metrics
from tests.conftest import Client
from tests.monitoring.written import alerts, expressions, grouped, load, names, panels, queries, rules, selectors

GOOD = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}
PROBES = {"/healthz", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"}
TARGET = {"job", "instance", "service"}  # what prometheus.yml adds to every sample
OWN = {  # what Prometheus makes itself, and its labels
    "up": TARGET,
    "ALERTS": TARGET | {"alertname", "alertstate", "severity"},
    "prometheus_rule_evaluation_failures_total": TARGET,
    "prometheus_config_last_reload_successful": TARGET,
}
WIDTH = 24  # of Grafana's grid
Labels = dict[str, dict[str, set[str]]]

every_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
every_panel = pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])


@pytest.fixture
async def counted(client: Client) -> Labels:
    """Return the values of every label of a page, by the sample's name and the label's."""
    async with client() as http:
        await http.post("/v1/evaluate", json=GOOD)
        await http.post("/v1/evaluate", json={**GOOD, "loss": "focl"})
        for probe in PROBES:
            await http.get(probe)
        page = await http.get("/metrics")
    counted_labels: Labels = {}
    for family in text_string_to_metric_families(page.text):
        for sample in family.samples:
            labels = counted_labels.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return counted_labels


@pytest.mark.anyio
async def test_every_metric_that_is_read_is_counted(counted: Labels) -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}

    read = {where: names(expression) for where, expression in expressions().items()}

    assert all(read.values())
    assert set().union(*read.values()) <= counted.keys() | recorded | OWN.keys()


@pytest.mark.anyio
async def test_every_label_that_is_asked_for_is_there(counted: Labels) -> None:
    def there(name: str) -> set[str]:
        return OWN.get(name) or counted.get(name, {}).keys() | TARGET

    for where, expression in expressions().items():
        for name, matchers in selectors(expression):
            assert {label for label, _, _ in matchers} <= there(name), where
        assert grouped(expression) <= set().union(*map(there, names(expression))), where


@pytest.mark.anyio
async def test_every_route_and_reason_that_is_asked_for_exists(counted: Labels) -> None:
    known = {
        "route": counted["lossary_http_requests_total"]["route"],
        "reason": counted["lossary_rejected_total"]["reason"],
    }

    for where, expression in expressions().items():
        for label, _, text in [matcher for _, matchers in selectors(expression) for matcher in matchers]:
            for part in text.split("|") if label in known else ():
                assert any(re.fullmatch(part, value) for value in known[label]), where


@pytest.mark.anyio
async def test_probes_and_scrapes_are_told_apart_from_work(counted: Labels) -> None:
    routes = counted["lossary_http_requests_total"]["route"]

    [pattern] = {  # one and the same everywhere
        text
        for expression in expressions().values()
        for _, matchers in selectors(expression)
        for label, kind, text in matchers
        if (label, kind) == ("route", "!~")
    }

    assert {route for route in routes if re.fullmatch(pattern, route)} == PROBES


def test_everything_that_is_counted_is_shown() -> None:
    shown = {name for query in queries().values() for name in names(query)}

    counted = {family.name for family in Metrics().registry.collect() if family.name.startswith("lossary_")}

    assert counted <= {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in shown}


@every_alert
def test_an_alert_says_what_is_wrong_and_what_to_do(alert: dict[str, Any]) -> None:
    said = alert["annotations"]

    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert said.keys() == {"summary", "description", "action"}
    assert all(len(text) > 20 for text in said.values())


@every_alert
def test_an_alert_is_tested_on_both_sides_of_its_edge(alert: dict[str, Any]) -> None:
    asked = [test["promql_expr_test"][0] for test in load("alerts_test.yml")["tests"]]

    about = [entry for entry in asked if f'alertname="{alert["alert"]}"' in entry["expr"]]

    assert {bool(entry["exp_samples"]) for entry in about} == {True, False}


@every_alert
def test_an_alert_names_only_labels_that_it_has(alert: dict[str, Any]) -> None:
    kept = re.search(r"\b(sum|max|count) by \([^)]*\)", alert["expr"])
    there = grouped(kept.group()) if kept else TARGET | {"resource"}

    named = set(re.findall(r"\$labels\.(\w+)", str(alert["annotations"])))

    assert named <= there


@every_panel
def test_a_panel_says_what_it_shows_and_in_which_unit(panel: dict[str, Any]) -> None:
    asked = [target["datasource"] for target in panel["targets"]]

    assert len(panel["description"]) > 20
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert {tuple(source.items()) for source in [panel["datasource"], *asked]} == {
        (("type", "prometheus"), ("uid", "${datasource}"))
    }


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()

    for panel in load("dashboard.json")["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert max(x for x, _ in cells) < WIDTH
        assert not cells & taken, panel["title"]
        taken |= cells


def test_panels_have_names_and_numbers_of_their_own() -> None:
    everything = load("dashboard.json")["panels"]

    assert (
        len({panel["id"] for panel in everything}) == len({panel["title"] for panel in everything}) == len(everything)
    )
