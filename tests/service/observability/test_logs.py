"""One line and one id a request; nothing the client wrote gets into either unasked."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.observability.logs import JsonFormatter, Lines, TextFormatter, record_of
from tests.conftest import Client
from tests.service.problem import broken, is_problem
from tests.service.processes import eventually, serving

SECRET = "do_not_log_me"  # noqa: S105 - that is the test
GOOD = {"loss": ["mse", "mae + 0.5*mse"], "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}


class Kept(logging.Handler):
    """Keeps what a formatter makes of every line."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @property
    def facts(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler, log = Kept(JsonFormatter()), logging.getLogger("lossary")
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.removeHandler(handler)
    log.setLevel(before)


@pytest.mark.anyio
async def test_a_request_is_one_line_of_facts(client: Client, kept: Kept) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate", json=GOOD, headers={"X-Request-Id": "run-7.a_B"})

    assert answer.headers["x-request-id"] == "run-7.a_B"
    (line,) = kept.facts
    assert line["event"] == "answered"
    assert (line["request_id"], line["method"], line["route"], line["status"]) == (
        "run-7.a_B",
        "POST",
        "/v1/evaluate",
        200,
    )
    assert (line["items"], line["losses"]) == (2, ["mse", "mae"])
    assert line["bytes_in"] == len(answer.request.content)
    assert line["bytes_out"] == len(answer.content)
    assert 0 <= line["queue_ms"] < line["duration_ms"] > line["compute_ms"] > 0


@pytest.mark.anyio
async def test_a_refusal_is_found_in_the_log_by_its_instance(client: Client, kept: Kept) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate", json={**GOOD, "loss": SECRET}, headers={"X-API-Key": SECRET})

    problem = is_problem(answer, 422)
    (line,) = kept.facts
    assert (line["event"], line["problem"], line["status"]) == ("refused", "unknown-loss", 422)
    assert problem["instance"] == f"urn:lossary:request:{line['request_id']}"
    assert SECRET not in kept.lines[0]


HARMFUL = [b"", b"a b", b"a\tb", b"x" * 65, b'"}', b"\xff", "é".encode(), b"a/b", b"\x1b[31m"]


@pytest.mark.anyio
@pytest.mark.parametrize("sent", HARMFUL)
async def test_an_id_that_could_do_harm_is_replaced(client: Client, kept: Kept, sent: bytes) -> None:
    async with client() as http:
        answer = await http.get("/v1/rules", headers=[(b"x-request-id", sent)])

    assert len(answer.headers["x-request-id"]) == 32
    assert kept.facts[0]["request_id"] == answer.headers["x-request-id"]


@pytest.mark.anyio
async def test_paths_of_the_clients_making_are_not_logged(client: Client, kept: Kept) -> None:
    async with client() as http:
        for path in (f"/{SECRET}", f"/v1/losses/{SECRET}", f"/v1/rules?{SECRET}=1", "/docs/assets/swagger-ui.css"):
            await http.get(path)

    assert [line["route"] for line in kept.facts] == [
        "unmatched",
        "/v1/losses/{loss_id}",
        "/v1/rules",
        "/docs/assets/{file}",
    ]
    assert SECRET not in "".join(kept.lines)


@pytest.mark.anyio
async def test_probes_that_find_all_well_are_not_logged(client: Client, kept: Kept) -> None:
    async with client() as http:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await http.get(path)).is_success
        await http.post("/healthz")

    assert [(line["route"], line["status"]) for line in kept.facts] == [("/healthz", 405)]


@pytest.mark.anyio
async def test_a_fault_of_ours_is_logged_with_its_traceback_and_answered_under_one_id(
    client: Client, kept: Kept
) -> None:
    async with client(broken) as http:
        answer = await http.post("/v1/evaluate", json=GOOD)
        after = await http.get("/v1/rules")

    crashed, refused, _ = kept.facts
    assert crashed["event"] == "crashed"
    assert "TypeError" in crashed["exception"]
    assert {crashed["request_id"], refused["request_id"]} == {answer.headers["x-request-id"]}
    assert after.is_success


def record(message: str, **facts: object) -> logging.LogRecord:
    made = logging.LogRecord("lossary", logging.INFO, "", 0, message, (), None)
    made.facts = facts
    return made


def test_the_record_of_a_request_has_all_that_a_logger_gives_one() -> None:
    facts = {"status": 200}
    usual = logging.getLogger("lossary").makeRecord(
        "lossary", logging.INFO, "", 0, "answered", (), None, extra={"facts": facts}
    )

    quick = record_of(logging.INFO, "answered", facts)

    varying = {"created", "msecs", "relativeCreated", "thread", "threadName", "process", "processName"}
    assert vars(quick).keys() == vars(usual).keys()
    assert {name: value for name, value in vars(quick).items() if name not in varying} == {
        name: value for name, value in vars(usual).items() if name not in varying
    }
    assert quick.created == pytest.approx(usual.created, abs=60)
    assert quick.created - int(quick.created) == pytest.approx(quick.msecs / 1e3, abs=1e-3)


@pytest.mark.parametrize("text", ["a b", 'q"', "new\nline", "\x1b[31mred", "\u2028", "level=error", ""])
def test_text_of_any_kind_stays_within_its_fact_and_its_line(text: str) -> None:
    as_json, as_text = (
        JsonFormatter().format(record("said", said=text)),
        TextFormatter().format(record("said", said=text)),
    )

    assert json.loads(as_json)["said"] == text
    assert json.loads(as_text.partition("said=")[2]) == text
    assert len(as_json.split("\n")) == len(as_text.split("\n")) == 1
    assert "\x1b" not in as_json + as_text


def test_facts_that_are_not_known_are_left_out() -> None:
    assert "key" not in JsonFormatter().format(record("answered", key=None, status=200))


def test_every_line_of_the_process_is_json_where_that_is_asked_for() -> None:
    with serving(LOSSARY_LOG_FORMAT="json") as server:
        httpx.get(f"{server.url}/v1/rules")
        assert eventually(lambda: "answered" in Path(server.log).read_text())  # once the answer has left
        lines = [json.loads(line) for line in Path(server.log).read_text().splitlines()]

    assert {"answered", "Application startup complete."} <= {line["event"] for line in lines}
    assert all({"time", "level", "logger", "event"} <= set(line) for line in lines)


def test_text_is_for_people() -> None:
    line = TextFormatter().format(record("answered", status=200, route="/v1/losses/{loss_id}", losses=["mse"]))

    assert line.endswith('info    answered status=200 route=/v1/losses/{loss_id} losses=["mse"]')


class Counting(io.StringIO):
    flushes = 0

    def flush(self) -> None:
        self.flushes += 1
        super().flush()


def test_the_lines_of_one_turn_are_written_in_one_go() -> None:
    stream = Counting()
    handler = Lines(stream)

    async def said(turns: int) -> list[int]:
        after = []
        for _ in range(turns):
            for _ in range(3):
                handler.handle(record("said"))
            await asyncio.sleep(0)
            after.append(stream.flushes)
        return after

    assert asyncio.run(said(2)) == [1, 2]
    assert asyncio.run(said(1)) == [3]  # another loop has turns of its own
    handler.handle(record("said"))  # and where there is none, nothing waits
    assert stream.flushes == 4
    assert len(stream.getvalue().splitlines()) == 10
