"""The catalogue of faults and the tests that show them keep to one another."""

import json
import re

import pytest

from tests.service.faults.cases import SHOWN_BY, TESTS, elsewhere, labels
from tests.service.faults.test_catalogue import FAULTS
from tests.service.processes import ROOT

CATALOGUE = ROOT.parent / "shared/research/reliability_cases.json"


@pytest.mark.parametrize(("case", "where"), SHOWN_BY.items(), ids=SHOWN_BY)
def test_a_test_that_is_said_to_show_a_case_exists(case: str, where: str) -> None:
    file, _, test = where.partition("::")
    name, _, parameter = test.partition("[")
    text = (TESTS / file).read_text()

    assert f"def {name}(" in text, case
    assert not parameter or f'"{parameter.removesuffix("]")}"' in text, case


def test_no_case_is_both_shown_and_said_to_be_shown_by_another() -> None:
    assert not {case for case in SHOWN_BY if elsewhere(case)}
    assert not set(SHOWN_BY) & set(labels())


@pytest.mark.skipif(not CATALOGUE.exists(), reason="the catalogue is not beside the repository")
def test_every_case_of_what_is_built_is_shown() -> None:
    cases = {entry["id"] for entry in json.loads(CATALOGUE.read_text())}
    shown = set(labels()) | set(SHOWN_BY)

    assert set(SHOWN_BY) <= cases
    assert not sorted(case for case in cases - shown if not elsewhere(case))


@pytest.mark.skipif(not CATALOGUE.exists(), reason="the catalogue is not beside the repository")
def test_a_fault_that_is_answered_otherwise_than_in_the_catalogue_says_why() -> None:
    entries = json.loads(CATALOGUE.read_text())
    wanted = {entry["id"]: re.findall(r"\b[2-5]\d\d\b", entry["answer"]) for entry in entries}
    otherwise = [fault for fault in FAULTS if fault.id in wanted and str(fault.status) not in wanted[fault.id]]

    assert not [str(fault) for fault in otherwise if not fault.instead]
