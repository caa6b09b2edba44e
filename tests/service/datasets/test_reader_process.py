"""Each question about an address has a process of its own, which is started before it is asked."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.datasets.addresses.process import Readers
from service.problems import BadRequest


@pytest.fixture
def readers() -> Iterator[Readers]:
    readers = Readers()
    yield readers
    readers.end()


def listing_of(path: Path) -> dict[str, Any]:
    address = {"scheme": "file", "host": "", "path": str(path), "root": str(path.parent), "private": False}
    return {"do": "list", "address": address, "max_bytes": 1 << 30}


def asked(readers: Readers, path: Path) -> Any:  # noqa: ANN401 - any JSON
    with readers.asked(listing_of(path)) as answer:
        return json.loads(answer.read() or "null")


def test_the_process_that_answers_next_is_started_ahead_and_answers_once(readers: Readers, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("targets,predictions\n1,2\n")

    listed = asked(readers, file)
    ahead = readers.waiting
    again = asked(readers, file)

    assert listed == again
    assert ahead is not None
    assert not Path(f"/proc/{ahead}").exists()
    assert readers.waiting not in {None, ahead}


def test_a_process_with_other_credentials_is_not_asked(
    readers: Readers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadRequest):
        asked(readers, tmp_path / "missing.csv")
    before = readers.waiting
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")

    with pytest.raises(BadRequest):
        asked(readers, tmp_path / "missing.csv")

    assert before != readers.waiting
    environment = Path(f"/proc/{readers.waiting}/environ").read_bytes().split(b"\0")
    assert os.fsencode("AWS_ACCESS_KEY_ID=another") in environment
