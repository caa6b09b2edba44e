"""The answers of a real server and its document agree; make fuzz asks it some ten thousand questions."""

from pathlib import Path

import pytest

from tests.fuzz import api


@pytest.mark.timeout(300)  # most of it is two interpreters that import torch
@pytest.mark.parametrize("cases", [3, pytest.param(12, marks=pytest.mark.long)])
def test_the_answers_are_as_the_document_says(tmp_path: Path, cases: int) -> None:
    report = api.run(tmp_path, cases=cases, phases="examples,fuzzing", seed=1)

    assert report.findings == 0, report.text
    assert report.operations >= 19
    assert report.cases >= 3 * report.operations
