"""Prometheus as docker-compose.yml deploys it: it finds the service, and answers everything that is asked of it."""

import json
import math
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.compose.stack import PATIENCE_S, REQUEST, Stack, docker, until, upload
from tests.monitoring.written import expressions, queries, rules

IMAGE = "lossary:prometheus"
EMPTY = {"Alerts that fire A", "Starts"}  # where all is well
SERVES = 'up{job="lossary", service="lossary"}'
SCRAPED_S = 2 * PATIENCE_S  # for a rate: two scrapes and an evaluation of the rules, each within 15 s of the other
LONG_MB = 128  # takes longer than the service below may compute
# A service that soon sheds and soon gives up, and Prometheus beside it in a profile that these tests always name.
OVERRIDE = {
    "services": {
        "lossary": {"environment": {"LOSSARY_COMPUTE_SECONDS": "0.001", "LOSSARY_QUEUE_SECONDS": "0.5"}},
        "prometheus": {"profiles": ["replicas"]},
        "prometheus-pages": {"profiles": ["replicas"]},
    }
}


class Watched(Stack):
    """The service, and the Prometheus that scrapes it."""

    @property
    def prometheus(self) -> str:
        """Where Prometheus is reached from this machine."""
        return "http://" + self.compose("port", "prometheus-pages", "9090").strip()

    def asked(self, expression: str) -> list[float]:
        """Return the numbers that an expression has now."""
        answer = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": expression}, timeout=PATIENCE_S).json()
        assert answer["status"] == "success", answer
        assert answer.get("warnings", []) == []
        return [float(entry["value"][1]) for entry in answer["data"]["result"]]

    def told(self, kind: str) -> Any:  # noqa: ANN401 - as Prometheus says it
        """Return what Prometheus says of its targets, rules or alerts."""
        return httpx.get(f"{self.prometheus}/api/v1/{kind}", timeout=PATIENCE_S).json()["data"]

    def alert(self, name: str, **labels: str) -> dict[str, Any] | None:
        """Return an alert with these labels that is pending or fires."""
        wanted = {"alertname": name, **labels}.items()
        return next((entry for entry in self.told("alerts")["alerts"] if wanted <= entry["labels"].items()), None)


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    stack = Watched("metrics", override=json.dumps(OVERRIDE), variables={"LOSSARY_PROMETHEUS_PORT": "0"})
    with stack.deployed():
        stack.up(service="prometheus-pages")
        until(lambda: stack.asked(SERVES) == [1])
        yield stack


@pytest.fixture
def silent(watched: Watched) -> Iterator[Watched]:
    """The same with the service stopped; it serves again for the tests that follow."""
    watched.compose("stop", "lossary")
    yield watched
    watched.up()
    until(lambda: watched.asked(SERVES) == [1])


@contextmanager
def everything_reserved(url: str) -> Iterator[None]:
    """Hold all memory by an upload that does not come; the caller leaves in the end."""
    host, port = url.removeprefix("http://").split(":")
    head = f"POST /v1/evaluate?loss=mse HTTP/1.1\r\nHost: {host}\r\nContent-Length: {1 << 30}\r\n"
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        connection.sendall(f"{head}Content-Type: application/x-npy\r\n\r\n".encode())
        yield


def traffic(url: str) -> set[int]:
    """Be right, be wrong, ask for too much, be shed, and leave; return the statuses seen."""
    wrong = {**REQUEST, "loss": "focl"}
    with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
        seen = {client.post("/v1/evaluate", json=body).status_code for body in [REQUEST] * 20 + [wrong] * 4}
        seen.add(client.get("/nowhere").status_code)
        seen.add(upload(url, LONG_MB).status_code)
        with everything_reserved(url):
            until(lambda: client.post("/v1/evaluate", json=REQUEST).status_code == httpx.codes.SERVICE_UNAVAILABLE)
    return seen | {503}


def promtool(*arguments: str, stdin: str = "") -> str:
    """Return what promtool printed in the image; the test fails where it found fault."""
    done = docker("run", "--rm", "-i", "--network", "none", IMAGE, "promtool", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_its_files_are_in_order() -> None:
    promtool("check", "config", "/etc/prometheus/prometheus.yml")
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", "/etc/prometheus/alerts.yml")

    assert f"{len(rules())} rules found" in checked


def test_every_alert_fires_in_its_test_and_is_silent_beside_its_edge() -> None:
    assert "SUCCESS" in promtool("test", "rules", "/etc/prometheus/alerts_test.yml")


def test_the_page_is_as_prometheus_wants_it(watched: Watched) -> None:
    traffic(watched.url)

    page = httpx.get(f"{watched.url}/metrics").text

    assert promtool("check", "metrics", stdin=page) == ""


def test_every_target_is_up(watched: Watched) -> None:
    def up() -> set[str]:
        labels = [each["labels"] for each in watched.told("targets")["activeTargets"] if each["health"] == "up"]
        return {each.get("service", each["job"]) for each in labels}

    until(lambda: up() == {"lossary", "prometheus"})


@pytest.mark.parametrize("page", ["alerts", "targets", "rules", "graph", "status", "config"])
def test_a_page_is_where_everybody_looks_for_it(watched: Watched, page: str) -> None:
    answer = httpx.get(f"{watched.prometheus}/{page}", follow_redirects=True, timeout=PATIENCE_S)

    assert answer.status_code == 200
    assert answer.url.path == f"/classic/{page}"
    assert "<title>Prometheus" in answer.text


def test_every_query_and_every_alert_is_answered(watched: Watched) -> None:
    answers = {where: watched.asked(expression) for where, expression in expressions().items()}

    assert len(answers) == len(queries()) + len(rules())
    until(lambda: {rule["health"] for group in watched.told("rules")["groups"] for rule in group["rules"]} == {"ok"})


def test_every_panel_has_something_to_show(watched: Watched) -> None:
    missing = queries().keys() - EMPTY

    def shown() -> bool:
        assert traffic(watched.url) >= {200, 404, 422, 503, 504}
        for where in list(missing):
            if any(math.isfinite(number) for number in watched.asked(queries()[where])):
                missing.discard(where)
        return not missing

    until(shown, SCRAPED_S)


def test_the_share_of_failures_is_right(watched: Watched) -> None:
    recorded = "service:lossary_http_errors:ratio_rate5m"
    until(lambda: bool(traffic(watched.url)) and bool(watched.asked(recorded)), SCRAPED_S)

    [ratio] = watched.asked(recorded)

    assert 0.01 < ratio < 0.1  # one in each round of 28 and the 503s


def test_an_alert_names_what_it_is_about(watched: Watched) -> None:
    until(lambda: bool(traffic(watched.url)) and watched.alert("LossarySheds") is not None, SCRAPED_S)

    alert = watched.alert("LossarySheds")

    assert alert is not None
    assert re.fullmatch(r"lossary sheds [\d.]+% of its requests\.", alert["annotations"]["summary"])
    assert alert["labels"]["severity"] == "critical"


def test_a_replica_is_found_and_missed(watched: Watched) -> None:
    watched.up(service="replica-1")
    until(lambda: watched.asked('up{service="replica-1"}') == [1])
    watched.compose("stop", "replica-1")
    until(lambda: watched.alert("LossaryServiceGone", service="replica-1") is not None)

    assert not watched.alert("LossaryDown")


def test_what_was_counted_outlives_prometheus(watched: Watched) -> None:
    before = sum(watched.asked('count_over_time(up{job="prometheus"}[1h])'))

    watched.up("--force-recreate", service="prometheus")

    assert sum(watched.asked('count_over_time(up{job="prometheus"}[1h])')) >= before > 0


def test_prometheus_is_as_confined_as_the_service(watched: Watched) -> None:
    status = watched.inside("sh", "-c", "cat /proc/[0-9]*/status", service="prometheus")
    refused = watched.run("exec", "-T", "--user", "0", "prometheus", "touch", "/etc/prometheus/file")
    engine = watched.container("prometheus")

    assert set(re.findall(r"^(?:Uid|Gid):\t(\d+)", status, re.MULTILINE)) == {"10001"}
    assert set(re.findall(r"^Cap(?:Eff|Prm|Bnd):\t(.*)$", status, re.MULTILINE)) == {"0" * 16}
    assert set(re.findall(r"^NoNewPrivs:\t(.*)$", status, re.MULTILINE)) == {"1"}
    assert "Read-only file system" in refused.stderr
    assert engine["HostConfig"]["Memory"] == engine["HostConfig"]["MemorySwap"] == 512 << 20
    assert engine["HostConfig"]["PidsLimit"] == 128
    published = watched.container("prometheus-pages")["NetworkSettings"]["Ports"].values()
    assert {port["HostIp"] for ports in published for port in ports or ()} == {"127.0.0.1"}
    assert not [port for ports in engine["NetworkSettings"]["Ports"].values() for port in ports or ()]


def test_it_runs_only_where_it_is_asked_for() -> None:
    services = [
        docker("compose", *profile, "config", "--services").stdout for profile in ((), ("--profile", "metrics"))
    ]

    assert ["prometheus" in listed.split() for listed in services] == [False, True]


def test_nobody_answers_and_somebody_is_called(silent: Watched) -> None:
    until(lambda: silent.alert("LossaryDown") is not None)
    alert = silent.alert("LossaryDown")

    assert alert is not None
    assert alert["labels"]["severity"] == "critical"
