"""Which facts and goals are read, and which are refused."""

import math

import pytest
from pydantic import ValidationError

from recommender.profile import RANGES, Goal, Measured, Profile


@pytest.mark.parametrize(
    "facts",
    [
        {"outlier_rate": 1.5},
        {"outlier_rate": -0.1},
        {"outlier_rate": math.nan},
        {"outlier_rate": "0.1"},
        {"outlier_rate": True},
        {"outlier_rate": {"value": 1.5}},
        {"outlier_rate": {"value": math.nan}},
        {"outlier_rate": {"value": 0.5, "interval": [0.4, math.inf]}},
        {"outlier_rate": {"value": 0.5, "interval": [0.4, 1.1]}},
        {"outlier_rate": {"value": 0.5, "interval": [0.6, 0.7]}},
        {"outlier_rate": {"value": 0.5, "interval": [0.6, 0.4]}},
        {"outlier_rate": {"value": 0.5, "spread": 1}},
        {"outlier_rate": {"interval": [0, 1]}},
        {"residual_scale": 0},
        {"residual_scale": math.inf},
        {"class_imbalance": 0.5},
        {"class_imbalance": 10**400},
        {"positive_share": 0},
        {"positive_share": 1},
        {"mask_sparsity": 1.01},
        {"classes": 0},
        {"classes": 2.5},
        {"classes": {"value": 2.5}},
        {"n": -3},
        {"n": 10**400},
        {"label_encoding": "one-hot"},
        {"outliers": 0.1},
    ],
)
def test_a_fact_out_of_its_range_is_refused_in_one_place(facts: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        Profile.model_validate(facts)

    (error,) = refused.value.errors()
    assert error["loc"] == tuple(facts)


def test_a_refusal_names_the_range_the_unit_and_the_way_out() -> None:
    with pytest.raises(ValidationError, match=r"number of at least 1 \(ratio\), or the measured object"):
        Profile(class_imbalance=0.5)


@pytest.mark.parametrize(
    "facts",
    [
        {"outlier_rate": 0, "mask_sparsity": 1},
        {"outlier_rate": None, "n": 10**18},
        {"class_imbalance": 1, "classes": 1},
        {"classes": {"value": 3.0, "n": 10}, "class_imbalance": {"value": 2, "interval": [1, 4]}},
    ],
)
def test_the_ends_of_a_range_belong_to_it(facts: dict[str, object]) -> None:
    assert Profile.model_validate(facts).model_dump(exclude_none=True)


def test_a_measured_profile_survives_the_wire() -> None:
    profile = Profile(
        outlier_rate=Measured(value=0.1, interval=(0.05, 0.2), n=50, method="modified z-score", basis="residuals"),
        n=Measured(value=50, n=50),
    )

    again = Profile.model_validate_json(profile.model_dump_json())

    assert again == profile
    assert (again.number("outlier_rate"), again.interval("outlier_rate")) == (0.1, (0.05, 0.2))
    assert (again.number("classes"), again.interval("classes")) == (None, None)


def test_every_fact_is_described_and_every_number_has_its_unit_and_range_in_the_schema() -> None:
    facts = Profile.model_json_schema()["properties"]

    assert all(fact["description"] for fact in facts.values())
    assert set(RANGES) == {name for name, fact in facts.items() if "unit" in fact}
    number = facts["positive_share"]["anyOf"][0]
    assert number == {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}


@pytest.mark.parametrize(
    "goal",
    [
        {"functional": "mode"},
        {"quantile": 1.0},
        {"functional": "mean", "quantile": 0.5},
        {"decision": "probability"},
        {"metric": ["auc"]},
        {"functional": "mean", "coverage": 0.9},
        {"measure": "auc"},
    ],
)
def test_a_goal_that_is_none_is_refused(goal: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Goal.model_validate(goal)
