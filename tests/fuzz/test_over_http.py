"""Broken files over HTTP: a few of every decoder; make fuzz sends thousands."""

from pathlib import Path

from service.uploads.formats.registry import formats
from tests.fuzz import over_http


def test_no_broken_file_of_any_decoder_is_answered_by_a_fault_of_the_service(tmp_path: Path) -> None:
    answers = over_http.run(tmp_path / "http", requests=30)

    assert {f"format{entry.suffix}" for entry in formats().values()} <= {each.decoder for each in answers}
    assert {each.decoder: each.statuses for each in answers if each.faults} == {}
    assert all(sum(each.statuses.values()) == 30 for each in answers)
    assert sum(each.statuses[200] for each in answers) > 0
