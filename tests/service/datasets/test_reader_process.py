"""Questions about addresses go to a process that waits for the next; one that refused, or was left, is ended."""

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
    return {"do": "list", "address": address, "max_bytes": 1 << 30, "piece_bytes": 1 << 30}


def asked(readers: Readers, path: Path) -> Any:  # noqa: ANN401 - any JSON
    with readers.asked(listing_of(path)) as answer:
        return json.loads(answer.readline() or "null")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("targets,predictions\n1,2\n")
    return path


def test_a_process_that_has_answered_answers_the_next_question(readers: Readers, file: Path) -> None:
    listed = asked(readers, file)
    first = readers.waiting
    again = asked(readers, file)

    assert listed == again
    assert first is not None
    assert readers.waiting == first


def test_a_process_that_refused_is_ended_and_another_waits(readers: Readers, file: Path) -> None:
    asked(readers, file)
    first = readers.waiting
    with pytest.raises(BadRequest):
        asked(readers, file.with_name("missing.csv"))

    assert not Path(f"/proc/{first}").exists()
    assert readers.waiting not in {None, first}
    assert asked(readers, file)["rows"] is None


def test_a_process_whose_answer_is_not_read_to_its_end_is_ended(readers: Readers, file: Path) -> None:
    asked(readers, file)
    first = readers.waiting
    with pytest.raises(KeyError), readers.asked(listing_of(file)):
        raise KeyError

    assert not Path(f"/proc/{first}").exists()
    assert readers.waiting not in {None, first}


def test_who_asks_while_another_is_answered_has_a_process_of_its_own(readers: Readers, file: Path) -> None:
    with readers.asked(listing_of(file)) as answer:
        listed = asked(readers, file)

        assert json.loads(answer.readline()) == listed


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
