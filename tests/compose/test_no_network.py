"""The service on a network that leads nowhere: nothing is fetched, when it starts or when it is read."""

from collections.abc import Iterator

import pytest

from tests.compose.stack import Stack

READ = """
import http.client, re, socket

def get(path):
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode("utf-8", "replace")

for address in ("192.0.2.1", "1.1.1.1"):
    try:
        socket.create_connection((address, 443), timeout=2)
    except OSError as error:
        print("unreachable")
status, page = get("/docs")
print(status)
links = re.findall(r'(?:src|href)="([^"#][^"]*)"', page)
print(len(links) > 1, all(link.startswith("/") and not link.startswith("//") for link in links))
print({get(link)[0] for link in links})
"""


@pytest.fixture(scope="module")
def alone() -> Iterator[Stack]:
    with Stack("alone", override="networks: {default: {internal: true}}").deployed() as stack:
        yield stack


def test_it_starts_and_shows_its_docs(alone: Stack) -> None:
    page = alone.inside("python", "-c", READ)

    assert page.splitlines() == ["unreachable", "unreachable", "200", "True True", "{200}"]
