"""POST /v1/batch: every line is answered as its request alone, in order, and costs no other line its answer."""

import hashlib
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Client
from tests.service.problem import broken, is_problem
from tests.service.processes import PATIENCE_S, Server, serving

NDJSON = {"content-type": "application/x-ndjson"}
RECOMMEND = {"task": "binary", "profile": {"class_imbalance": 12}}
ARRAYS = {"targets": [1.0, 2.0, 3.0, 4.0, 5.0, 60.0], "predictions": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}
EVALUATE = {"loss": "mae", **ARRAYS}
QUESTIONS: dict[str, dict[str, Any]] = {
    "recommend": RECOMMEND,
    "profile": {"task": "regression", **ARRAYS},
    "evaluate": EVALUATE,
    "advise": {"task": "regression", **ARRAYS},
}
LONG = {"loss": "mae", "predictions": [0.125] * 5_000, "targets": [0.5] * 5_000, "options": {"reduction": "none"}}


def lines(*questions: object) -> bytes:
    """Return a line of JSON each; a text is a line as it stands."""
    return b"".join((text if isinstance(text, bytes) else json.dumps(text).encode()) + b"\n" for text in questions)


async def asked(http: httpx.AsyncClient, body: bytes, **more: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - httpx's
    answer = await http.post("/v1/batch", content=body, headers={**NDJSON, **more.pop("headers", {})}, **more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line, parse_constant=pytest.fail) for line in answer.content.splitlines()]


@pytest.mark.anyio
@pytest.mark.parametrize("media", ["application/x-ndjson", "application/octet-stream"])
async def test_the_answer_is_called_what_the_lines_were_called(client: Client, media: str) -> None:
    async with client() as http:
        answer = await http.post("/v1/batch", content=lines({"recommend": RECOMMEND}), headers={"content-type": media})

    assert (answer.status_code, answer.headers["content-type"]) == (200, media)
    assert "recommend" in json.loads(answer.content)


def without_times(value: Any) -> Any:  # noqa: ANN401 - any JSON
    return {name: member for name, member in value.items() if name != "timing_ms"}


@pytest.mark.anyio
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_line_is_answered_as_its_request_alone(client: Client, language: str) -> None:
    headers = {"accept-language": language}
    async with client() as http:
        alone = [
            (await http.post(f"/v1/{name}", json=question, headers=headers)).json()
            for name, question in QUESTIONS.items()
        ]
        together = await asked(http, lines(*({name: body} for name, body in QUESTIONS.items())), headers=headers)

    assert [list(answer) for answer in together] == [[name] for name in QUESTIONS]
    for single, (answer,) in zip(alone, (answer.values() for answer in together), strict=True):
        assert without_times(answer) == without_times(single)


@pytest.mark.anyio
async def test_brief_leaves_nulls_out_of_recommendations(client: Client) -> None:
    async with client() as http:
        (answer,) = await asked(http, lines({"recommend": RECOMMEND}), params={"brief": "1"})
        alone = await http.post("/v1/recommend?brief=1", json=RECOMMEND)

    assert answer == {"recommend": alone.json()}


@pytest.mark.anyio
async def test_a_line_may_name_a_dataset(client: Client, tmp_path: Path) -> None:
    async with client(data=tmp_path) as http:
        dataset = await http.post(
            "/v1/datasets", content=b"y_true,y_pred\n1,2\n3,5.5\n", headers={"content-type": "text/csv"}
        )
        (answer,) = await asked(http, lines({"evaluate": {"loss": "mse", "dataset": dataset.json()["id"]}}))

    assert answer["evaluate"]["results"][0]["value"] == 3.625


WRONG: dict[str, tuple[object, int, str]] = {
    "no JSON": (b'{"evaluate": {"loss": "mae", "predictions": [1.0, x]}}', 400, "character 50"),
    "half a line": (b'{"evaluate": {"loss": "mae", "pre', 400, "character 33"),
    "a list": ([1], 422, "object"),
    "two members": ({"evaluate": EVALUATE, "profile": {}}, 422, "one member"),
    "no member": ({}, 422, "one member"),
    "a slip of a finger": ({"evalute": EVALUATE}, 422, "Did you mean evaluate?"),
    "an unknown loss": ({"evaluate": {**EVALUATE, "loss": "maee"}}, 422, "Did you mean mae?"),
    "an unknown dataset": ({"profile": {"dataset": "ds_0"}}, 404, "no dataset"),
    "too long": ({"profile": {"targets": [0.25] * 1_000}}, 413, "over 4000"),
    "a question too long to recommend on": ({"recommend": {"task": "b" * 3_990}}, 413, "over 4000"),
}


@pytest.mark.anyio
@pytest.mark.parametrize("case", WRONG)
async def test_one_bad_line_is_one_problem_line(client: Client, tmp_path: Path, case: str) -> None:
    wrong, status, detail = WRONG[case]
    good = {"evaluate": {"loss": "mae", "predictions": [1.0], "targets": [0.0]}}
    async with client(data=tmp_path, max_json_bytes=4_000) as http:
        before, problem, after = await asked(http, lines(good, b"", wrong, b" \r", good))

    assert problem["problem"]["status"] == status
    assert problem["problem"]["line"] == 3
    assert detail in problem["problem"]["detail"]
    assert without_times(before["evaluate"]) == without_times(after["evaluate"])


@pytest.mark.anyio
async def test_a_long_line_of_another_kind_is_refused_without_being_read_again(client: Client) -> None:
    async with client() as http:
        refused, answered = await asked(http, lines(b"[%s1]" % (b"1," * (1 << 20)), {"recommend": RECOMMEND}))

    assert "one member" in refused["problem"]["detail"]
    assert "recommend" in answered


@pytest.mark.anyio
async def test_a_fault_of_ours_in_one_line_is_its_problem_alone(client: Client) -> None:
    async with client(broken) as http:
        crashed, answered = await asked(http, lines({"evaluate": EVALUATE}, {"recommend": RECOMMEND}))

    assert crashed["problem"]["status"] == 500
    assert "recommend" in answered


@pytest.mark.anyio
async def test_a_body_without_a_line_and_one_of_another_type_are_refused(client: Client) -> None:
    async with client() as http:
        empty = await http.post("/v1/batch", content=b"\n \n", headers=NDJSON)
        other = await http.post("/v1/batch", json={"recommend": RECOMMEND})

    is_problem(empty, 422)
    is_problem(other, 415)


@pytest.mark.anyio
async def test_a_line_needs_the_scope_of_its_route_and_counts_against_the_rate(client: Client, tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    hashed = hashlib.sha256(b"lossary_key").hexdigest()
    keys.write_text(f'[[key]]\nname = "a"\nsha256 = "{hashed}"\nscopes = ["recommend"]\nrate = 4\n')
    ask = {"recommend": RECOMMEND}
    async with client(keys=keys) as http:
        nobody = await http.post("/v1/batch", content=lines(ask), headers=NDJSON)
        answers = await asked(
            http, lines(ask, {"evaluate": EVALUATE}, ask, ask, ask), headers={"x-api-key": "lossary_key"}
        )

    is_problem(nobody, 401)
    assert [answer.get("problem", {}).get("status") for answer in answers] == [None, 403, None, None, 429]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(LOSSARY_DATA=str(tmp_path_factory.mktemp("data")), LOSSARY_IDLE_SECONDS="1") as running:
        yield running


def begun(server: Server) -> http.client.HTTPConnection:
    """Return a connection on which a batch without a stated length has begun."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    connection.putrequest("POST", "/v1/batch")
    connection.putheader("Content-Type", "application/x-ndjson")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    return connection


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_each_answer_comes_before_the_next_question_is_asked(server: Server) -> None:
    connection = begun(server)
    connection.send(chunk(lines({"recommend": RECOMMEND})))

    answer = connection.getresponse()
    first = json.loads(answer.readline())
    connection.send(chunk(lines({"evaluate": EVALUATE})) + b"0\r\n\r\n")
    second = json.loads(answer.readline())
    rest = answer.read()

    assert [list(first), list(second), rest] == [["recommend"], ["evaluate"], b""]
    connection.close()


def test_a_client_that_sends_everything_before_it_reads_anything_is_answered(server: Server) -> None:
    body, count = lines({"evaluate": LONG}), 400  # 30 MB, more than the buffers of both sockets hold
    head = "POST /v1/batch HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(f"{head}Content-Length: {len(body) * count}\r\n\r\n".encode())
        for _ in range(count):
            connection.sendall(body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answers = answer.read().splitlines()

    assert len(answers) == count
    assert all(line.startswith(b'{"evaluate":') for line in answers)


def test_what_was_asked_before_the_body_stalled_is_answered(server: Server) -> None:
    connection = begun(server)
    connection.send(chunk(lines({"evaluate": EVALUATE}) + b'{"evaluate": {"loss"'))

    answers = [json.loads(line) for line in connection.getresponse().read().splitlines()]

    assert "evaluate" in answers[0]
    assert [answer["problem"]["status"] for answer in answers[1:]] == [408]
    connection.close()


def test_a_client_that_leaves_midway_harms_nobody(server: Server) -> None:
    for body in (lines({"evaluate": LONG}) * 20, lines({"evaluate": EVALUATE}) + b'{"evaluate": {"l'):
        connection = begun(server)
        connection.send(chunk(body))
        connection.getresponse().readline()
        connection.close()

    left = httpx.post(f"{server.url}/v1/batch", content=lines({"recommend": RECOMMEND}), headers=NDJSON)

    assert left.is_success
    assert "crashed" not in Path(server.log).read_text()
    assert "Traceback" not in Path(server.log).read_text()
