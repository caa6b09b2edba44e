"""What Prometheus reads: counts that are right, names by its conventions, labels that no client can multiply."""

import socket
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from losses.version import VERSION
from service.observability.metrics import INTERNAL, METHODS
from service.problems import HttpRefusal
from service.settings import memory_limit
from tests.conftest import Client
from tests.service.processes import ROOT, serving

GOOD = {"loss": ["mse", "mae + 0.5*mse"], "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}
Value = Callable[..., float]


def reader(page: str) -> Value:
    """Return a function from a sample's name and labels to its value; what does not stand there is 0."""
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]

    def value(name: str, **labels: str) -> float:
        return sum(entry.value for entry in samples if entry.name == name and labels.items() <= entry.labels.items())

    return value


@pytest.mark.anyio
async def test_requests_refusals_and_evaluations_are_counted(client: Client) -> None:
    async with client() as http:
        sent = await http.post("/v1/evaluate", json=GOOD)
        await http.post("/v1/evaluate", json={**GOOD, "loss": "focl"})
        await http.get("/v1/losses/mse")
        await http.get("/v1/losses/mae")
        page = await http.get("/metrics")

    value = reader(page.text)
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    requests = "lossary_http_requests_total"
    assert value(requests, route="/v1/evaluate", method="POST", status="200") == 1
    assert value(requests, route="/v1/evaluate", method="POST", status="422") == 1
    assert value(requests, route="/v1/losses/{loss_id}", status="200") == 2
    assert value("lossary_http_request_duration_seconds_count", route="/v1/evaluate") == 2
    assert value("lossary_request_body_bytes_sum", route="/v1/evaluate") > len(sent.request.content)
    assert value("lossary_response_body_bytes_sum", route="/v1/evaluate") > len(sent.content)
    assert value("lossary_rejected_total", reason="unknown-loss") == value("lossary_rejected_total") == 1
    assert value("lossary_evaluations_total", loss="mse") == 2
    assert value("lossary_evaluations_total", loss="mae") == 1
    assert value("lossary_compute_duration_seconds_count") == 1
    assert value("lossary_in_flight_requests") == 1
    assert value("lossary_reserved_bytes") == value("lossary_queue_length") == 0
    assert value("lossary_reservable_bytes") > 1 << 20
    assert value("lossary_memory_limit_bytes") == memory_limit()
    assert value("lossary_build_info", version=VERSION, device="cpu") == 1


@pytest.mark.anyio
async def test_no_client_makes_a_label(client: Client) -> None:
    async with client() as http:
        for number in range(20):
            await http.get(f"/made/up/{number}")
            await http.get(f"/v1/losses/made{number}")
            await http.request(f"MADE{number}", "/v1/rules")
            await http.post("/v1/evaluate", json={**GOOD, "loss": f"made{number}"})
        page = (await http.get("/metrics")).text

    families = {family.name: family.samples for family in text_string_to_metric_families(page)}
    requests = families["lossary_http_requests"]
    assert "made" not in page.replace("Requests made", "")
    assert {sample.labels["method"] for sample in requests} <= METHODS | {"OTHER"}
    assert len([sample for sample in requests if sample.name.endswith("_total")]) <= 5
    assert len(page) < 64 << 10


@pytest.mark.anyio
async def test_names_and_units_are_those_of_the_conventions(client: Client) -> None:
    async with client() as http:
        page = (await http.get("/metrics")).text

    families = [family for family in text_string_to_metric_families(page) if family.name.startswith("lossary_")]
    assert len(families) >= 12
    for family in families:
        assert family.documentation.endswith((".", "runs."))
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_bytes"))


@pytest.mark.anyio
async def test_every_reason_stands_at_zero_before_its_first_refusal(client: Client) -> None:
    async with client() as http:
        page = (await http.get("/metrics")).text

    for reason in (INTERNAL, "unknown-loss", "temporary-reduced-capacity", "compute-deadline", "quota-exceeded"):
        assert f'lossary_rejected_total{{reason="{reason}"}} 0.0' in page


def test_every_refusal_has_a_reason_of_its_own() -> None:
    from service.problems import slug  # noqa: PLC0415 - beside its only use

    kinds = HttpRefusal.__subclasses__()

    assert len({slug(kind) for kind in kinds}) == len(kinds) >= 8


def test_a_head_that_is_refused_before_there_is_a_request_is_counted_too() -> None:
    with serving() as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sent:
            sent.sendall(b"NO HTTP\r\n\r\n")
            while sent.recv(4096):
                pass
        value = reader(httpx.get(f"{server.url}/metrics").text)

    assert value("lossary_rejected_total") == value("lossary_rejected_total", reason="bad-request") == 1


@pytest.mark.timeout(120)
def test_workers_that_share_a_folder_are_counted_together(tmp_path: Path) -> None:
    with serving("--workers", "2", PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as server:
        for _ in range(40):
            httpx.post(f"{server.url}/v1/evaluate", json=GOOD)
        pages = [reader(httpx.get(f"{server.url}/metrics").text) for _ in range(8)]
        counted = len(list(tmp_path.glob("*/counter_*.db")))

    assert {value("lossary_http_requests_total", route="/v1/evaluate") for value in pages} == {40}
    assert counted == 2
    assert not list(tmp_path.iterdir())  # a folder of the service's own, gone with it
    assert pages[0]("lossary_reservable_bytes") > 0


class Collector(BaseHTTPRequestHandler):
    """An OTLP receiver that keeps the paths and bodies it was sent."""

    seen: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        self.seen.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_traces_go_where_the_variables_say() -> None:
    seen: list[tuple[str, bytes]] = []
    receiver = HTTPServer(("127.0.0.1", 0), type("Seen", (Collector,), {"seen": seen}))
    Thread(target=receiver.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{receiver.server_port}"
    with serving(LOSSARY_TELEMETRY="1", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="50") as server:
        httpx.get(f"{server.url}/healthz")
        httpx.get(f"{server.url}/v1/losses/mse")
    receiver.shutdown()
    receiver.server_close()

    traces = b"".join(body for path, body in seen if path == "/v1/traces")
    assert b"/v1/losses/{loss_id}" in traces
    assert b"/healthz" not in traces


def test_telemetry_that_is_not_installed_is_said_in_one_line() -> None:
    program = (
        "import sys; sys.modules['opentelemetry.sdk'] = None\n"
        "from service.app import create_app; from service.settings import Settings\n"
        "create_app(Settings(telemetry=True))"
    )
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert "LOSSARY_TELEMETRY" in done.stderr.splitlines()[-1]
