"""Two replicas behind the proxy: one may leave or die, and no request is lost."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.compose.load import load
from tests.compose.stack import PATIENCE_S, REQUEST, VALUE, Stack, upload, value

PROXY = Path(__file__).parents[2] / "proxy/haproxy.cfg"
REPLICAS = ("replica-1", "replica-2")
SOME = 50  # requests: both replicas have served
CALLERS = 8  # each with one request under way


@pytest.fixture(scope="module")
def replicas() -> Iterator[Stack]:
    with Stack("replicas", service="proxy").deployed() as stack:
        yield stack


def test_it_answers_as_one_service(replicas: Stack) -> None:
    assert value(replicas.url) == VALUE


def test_a_rolling_restart_loses_no_request(replicas: Stack) -> None:
    before = {name: replicas.container(name)["Id"] for name in REPLICAS}

    with load(replicas.url) as asked:
        asked.wait_for(SOME)
        for name in REPLICAS:
            replicas.up("--no-deps", "--force-recreate", service=name)
        asked.wait_for(SOME)

    assert asked.failed == {}
    assert asked.answers["right"] > SOME * 2
    assert all(replicas.container(name)["Id"] != old for name, old in before.items())


def test_a_killed_replica_loses_no_request_but_those_it_was_at(replicas: Stack) -> None:
    with load(replicas.url, CALLERS) as asked:
        asked.wait_for(SOME)
        replicas.kill("replica-1")
        replicas.restarted(1, "replica-1")
        asked.wait_for(SOME)

    lost = (
        "urn:lossary:replica-lost",
        "without sending complete message body",
        "without sending a response",  # haproxy ends a connection that served before in silence: the client is to retry
    )
    assert [failure for failure in asked.failed if not any(words in failure for words in lost)] == []
    assert asked.failed.total() <= CALLERS


def test_what_a_replica_died_of_is_not_given_to_the_other() -> None:
    retried = re.search(r"^\s*retry-on (.*)$", PROXY.read_text(), re.MULTILINE)

    assert retried is not None
    assert set(retried[1].split()) <= {"conn-failure", "503"}


def test_a_body_passes_as_it_arrives(replicas: Stack) -> None:
    host, port = replicas.url.removeprefix("http://").split(":")
    head = f"POST /v1/evaluate?loss=mse HTTP/1.1\r\nHost: {host}\r\nContent-Length: {1 << 40}\r\n"

    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        connection.sendall(f"{head}Content-Type: application/x-npy\r\n\r\n".encode())  # and no byte of the body
        answer = connection.recv(1 << 16)

    assert b" 413 " in answer.partition(b"\r\n")[0]


def test_a_long_body_is_served(replicas: Stack) -> None:
    answer = upload(replicas.url, megabytes=64)

    assert answer.json()["results"][0]["value"] == 0


def test_the_proxy_is_as_confined_as_the_service(replicas: Stack) -> None:
    status = replicas.inside("sh", "-c", "cat /proc/[0-9]*/status")
    refused = replicas.run("exec", "-T", "--user", "0", "proxy", "touch", "/etc/haproxy/file")
    published = replicas.container()["NetworkSettings"]["Ports"]

    assert set(re.findall(r"^(?:Uid|Gid):\t(\d+)", status, re.MULTILINE)) == {"10001"}
    assert set(re.findall(r"^Cap(?:Eff|Prm|Bnd):\t(.*)$", status, re.MULTILINE)) == {"0" * 16}
    assert set(re.findall(r"^NoNewPrivs:\t(.*)$", status, re.MULTILINE)) == {"1"}
    assert "Read-only file system" in refused.stderr
    assert [port["HostIp"] for ports in published.values() for port in ports or ()] == ["127.0.0.1"]


def test_replicas_are_reached_through_the_proxy_only(replicas: Stack) -> None:
    published = [replicas.container(name)["NetworkSettings"]["Ports"] for name in REPLICAS]

    assert [any(ports.values()) for ports in published] == [False, False]


def test_with_no_replica_the_proxy_refuses_in_the_form_of_the_service() -> None:
    with Stack("no-replica", service="proxy").deployed() as stack:
        stack.compose("kill", *REPLICAS)

        refused = httpx.post(f"{stack.url}/v1/evaluate", json=REQUEST, timeout=PATIENCE_S)

    assert refused.status_code == refused.json()["status"] == httpx.codes.SERVICE_UNAVAILABLE
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert int(refused.headers["Retry-After"]) > 0
