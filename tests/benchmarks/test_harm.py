"""Recommendations for the mean keep the total wherever squared errors do, on data drawn from stated generators."""

import pytest

from benchmarks.harm import GENERATORS, HIGH, LOW, STATED, data_set, judge, stated


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.__name__)
def test_no_evidence_answer_misses_the_total_where_squared_errors_keep_it(generator: object) -> None:
    judged = [judge(data_set(generator, 10_000 + seed), pilot=seed % 4 > 0) for seed in range(12)]  # type: ignore[arg-type] # one of GENERATORS

    assert [one for one in judged if one.harmed("evidence")] == []


@pytest.mark.parametrize("name", STATED)
def test_claims_demand_and_salaries_add_up(name: str) -> None:
    judged = stated(name, STATED[name])

    assert LOW <= judged.ratios["evidence"] <= HIGH
    assert judged.ratios["article"] < judged.ratios["evidence"]
