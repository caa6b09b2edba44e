"""What single rules claim: every record asks a question that its rule decides, and what is stored belongs to it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.regret.tables import Table
from benchmarks.rules.__main__ import records, shown
from benchmarks.rules.data import known, real
from benchmarks.rules.record import WrongRuleError
from losses.contract.expression import parse
from recommender.profile import Profile
from recommender.recommendation.recommend import recommend
from recommender.rules import ROWS
from recommender.rules.measured_comparisons import comparison, measured_comparisons
from recommender.rules.measured_regret import measured_regrets

RULES = {row.name: row for row in ROWS if row.book == "evidence"}
STORED = measured_comparisons().rules
FEWEST_MEASURED = 50  # rules of the evidence book with a measurement of our own


def test_every_record_is_of_a_rule_and_of_losses_that_exist() -> None:
    assert set(records()) <= set(RULES)
    for record in records().values():
        assert record.task in RULES[record.rule].tasks
        assert all(parse(rival.objective) for rival in record.against)


@pytest.mark.parametrize("name", sorted(STORED))
def test_what_is_stored_belongs_to_a_record_and_to_what_its_rule_recommends(name: str) -> None:
    record, entry = records()[name], STORED[name]

    assert [str(parse(rival.objective)) for rival in record.against] == [one.objective for one in entry.against]
    assert (record.data, record.metric, record.repeats) == (entry.data, entry.metric, entry.repeats)
    assert _losses(entry.objective) == _losses(RULES[name].recommend)
    assert all(one.interval[0] <= one.difference <= one.interval[1] for one in entry.against)


def _losses(objective: str) -> list[str]:
    return [term.loss.id for _, term in parse(objective).terms]


def test_a_claim_is_measured_as_the_recommender_answers_it() -> None:
    record = replace(records()["evidence.regression.angles"], repeats=2)

    entry = record.measured()

    assert (entry.objective, entry.repeats, entry.origins, entry.holds) == ("von_mises", 2, 2, True)
    assert entry.against[0].objective == "mse"
    assert entry.against[0].difference < -0.2  # an angle past the end of the circle is far for mse alone
    assert "`von_mises`" in shown(record.rule, entry)


def test_a_record_whose_question_another_rule_decides_is_refused() -> None:
    record = replace(records()["evidence.regression.angles"], rule="evidence.regression.quantile")

    with pytest.raises(WrongRuleError, match=r"is decided by evidence\.regression\.angles"):
        record.objective(record.case(0).sample)


def test_repeats_on_real_tables_take_turns_and_split_anew() -> None:
    rows = np.arange(40.0)
    listed = [Table(name, name, rows[:, None], rows) for name in ("one", "two")]
    case = real(lambda: listed, known(support="counts"))

    cases = [case(number) for number in range(3)]

    assert [origin for origin, _ in cases] == ["one", "two", "one"]
    assert cases[0].sample.profile.support == "counts"
    assert not torch.equal(cases[0].sample.test.targets, cases[2].sample.test.targets)
    parts = (cases[0].sample.train, cases[0].sample.validation, cases[0].sample.test)
    assert [len(part.targets) for part in parts] == [20, 8, 12]


def test_an_answer_cites_what_was_measured_of_the_rule_that_decided() -> None:
    answer = recommend("regression", profile=Profile(support="circular"))

    assert answer.evidence is not None
    assert answer.evidence.compared == [comparison("evidence.regression.angles")]
    assert answer.evidence.compared[0].command == "python -m benchmarks.rules evidence.regression.angles"


def test_most_rules_of_the_evidence_have_a_measurement_of_our_own() -> None:
    measured = (set(STORED) | set(measured_regrets().rules)) & set(RULES)

    assert len(measured) >= FEWEST_MEASURED


def test_claims_that_do_not_hold_are_counted_as_such() -> None:
    for entry in STORED.values():
        assert entry.holds == all(one.interval[0] <= 0.002 for one in entry.against)
