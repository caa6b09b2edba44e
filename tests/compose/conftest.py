"""Everything here needs a Docker Engine, and the images: `make compose-test` builds them, then runs this."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.stack import Stack

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(300))
            if "LOSSARY_COMPOSE" not in os.environ:
                item.add_marker(pytest.mark.skip(reason="needs a Docker Engine: make compose-test"))


@pytest.fixture(scope="session")
def plain() -> Iterator[Stack]:
    """The service as it comes."""
    with Stack("plain").deployed() as stack:
        yield stack


@pytest.fixture
def up(plain: Stack) -> Stack:
    """The service as it comes, healthy."""
    plain.up()
    return plain
