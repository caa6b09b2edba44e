"""What is killed comes back by itself, and answers as before."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.compose.stack import VALUE, Stack, docker, upload, value

KILLED = 128 + 9
MEMORY = "600m"  # the service with nothing to do has 200 to 300
TOO_MUCH = 500  # megabytes, of which one array of two is kept; over the memory


def events(stack: Stack, since: float) -> list[str]:
    """Return what happened to a container: oom, die 137."""
    chosen = ("--filter", f"container={stack.container()['Id']}", "--filter", "event=oom", "--filter", "event=die")
    output = docker("events", "--since", f"{since:.0f}", "--until", f"{time.time():.0f}", "--format", "json", *chosen)
    lines = [json.loads(line) for line in output.stdout.splitlines()]
    return [" ".join([line["Action"], *filter(None, [line["Actor"]["Attributes"].get("exitCode")])]) for line in lines]


@pytest.fixture
def small() -> Iterator[Stack]:
    """A service with little memory, that believes to have much."""
    believed = "LOSSARY_MAX_RESERVED_BYTES: 17179869184, LOSSARY_MAX_BODY_BYTES: 1073741824"
    override = f"services: {{lossary: {{environment: {{{believed}}}}}}}"
    with Stack("small", override=override, variables={"LOSSARY_MEMORY": MEMORY}).deployed() as stack:
        yield stack


def test_a_killed_server_comes_back(small: Stack) -> None:
    since = time.time() - 1

    small.kill()
    small.restarted(1)

    assert value(small.url) == VALUE
    assert events(small, since) == [f"die {KILLED}"]


def test_a_server_out_of_memory_comes_back(small: Stack) -> None:
    since = time.time() - 1

    with pytest.raises(httpx.TransportError):
        upload(small.url, TOO_MUCH)
    small.restarted(1)

    assert value(small.url) == VALUE
    assert {"oom", f"die {KILLED}"} <= set(events(small, since))
