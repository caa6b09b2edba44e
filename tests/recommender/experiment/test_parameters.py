"""Parameters that rules compute: each fold has those of its own training rows, and of no others."""

from typing import Any

import numpy as np
import pytest
import torch

from losses.contract.expression import parse
from recommender.experiment import ExperimentQuestion, Plan, plan, run_unit
from recommender.experiment.candidates import candidates_of
from recommender.experiment.run import solve_unit
from recommender.experiment.target import read_target
from recommender.experiment.training.inputs import convex_starts, trained
from recommender.experiment.training.reading import Reading
from recommender.experiment.training.replica_losses import Trained, mean_loss
from recommender.profile import Goal, Measured, Profile
from recommender.recommendation.recommend import recommend

SCALED = ("tukey_biweight", "smooth_l1", "barron_general")


def table(n: int = 300) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    return {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": x @ np.array([2.0, -1.0, 0.5]) + rng.normal(size=n)}


def asked(**fields: Any) -> ExperimentQuestion:  # noqa: ANN401 - any field of the question
    return ExperimentQuestion(**{"target": "y", "models": ["linear"], "folds": 3, "repeats": 2, **fields})


def parameters(planned: Plan) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return by the name of the loss what is computed for every fold of every repeat."""
    return {own.objective.split("(")[0]: own.by_fold for own in planned.candidates if own.by_fold}


def test_a_scale_is_that_of_the_training_rows_of_each_fold() -> None:
    noise = np.where(np.arange(300) % 2, 1.0, 5.0)
    columns = {**table(), "y": table()["y"] * noise}

    computed = parameters(plan(asked(), columns))

    assert set(SCALED) <= set(computed)
    for folds in computed.values():
        assert [len(own) for own in folds] == [3, 3]
        assert len({text for own in folds for text in own}) > 1


def test_no_target_of_the_rows_that_a_fold_holds_out_enters_its_parameters() -> None:
    columns = table()
    question = asked()
    is_held_out = plan(question, columns).partitions[0] == 1
    moved = {**columns, "y": np.where(is_held_out, columns["y"] + np.arange(300) % 3, columns["y"])}

    first, second = parameters(plan(question, columns)), parameters(plan(question, moved))

    for name in SCALED:
        assert first[name][0][1] == second[name][0][1]
        assert first[name][0][0] != second[name][0][0]


@pytest.mark.parametrize("run", [run_unit, solve_unit])
def test_no_target_of_the_rows_that_a_fold_holds_out_enters_models_of_computed_losses(run: Any) -> None:  # noqa: ANN401 - either
    columns = table()
    question = asked(repeats=1)
    is_held_out = plan(question, columns).partitions[0] == 0
    moved = {**columns, "y": np.where(is_held_out, columns["y"] + np.arange(300) % 3, columns["y"])}

    first, second = (_predicted(plan(question, own), run) for own in (columns, moved))

    for name in SCALED:
        apart = abs(first[name] - second[name]).max((0, 1))
        assert apart[is_held_out].max() < 1e-3  # rounding: other candidates may take part
        assert apart[~is_held_out].max() > 0.1


def _predicted(planned: Plan, run: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    output = run(planned, planned.units[0])
    return {own.objective.split("(")[0]: output.predictions[place] for place, own in enumerate(planned.candidates)}


def test_a_weight_of_positives_is_that_of_the_training_rows_of_each_fold() -> None:
    columns = {**table(), "y": np.arange(300) % 13 == 0, "order": np.arange(300) ** 2 % 97}

    planned = plan(asked(goal={"decision": "balanced"}, order="order"), columns)

    weighted = [own for own in planned.candidates if "pos_weight" in own.objective]
    for candidate in weighted:
        (folds,) = candidate.by_fold
        for fold, text in enumerate(folds):
            own = columns["y"][planned.training_rows(0, fold)]
            shown = float(str(parse(text).terms[0][1].params["pos_weight"]))
            ratio = (1 - own.mean()) / own.mean()
            assert shown in (pytest.approx(ratio, rel=0.01), pytest.approx(ratio**0.5, rel=0.01))
    assert weighted


def test_what_follows_from_no_row_is_the_same_in_every_fold() -> None:
    computed = parameters(plan(asked(candidates=["mae", "huber(delta=2)"]), table()))

    assert not {"mae", "huber"} & set(computed)


def test_replicas_are_trained_under_the_parameters_of_their_fold() -> None:
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn(2, 3, 4, 1, generator=generator)
    targets = torch.randn(8, generator=generator)
    rows = torch.arange(8).reshape(2, 4)
    zeros = torch.zeros(2, 1, 1, 1)
    texts = ("huber(delta=0.5)", "huber(delta=2)")
    entry = Trained(parse(texts[0]), Reading("identity", zeros, zeros + 1), targets, tuple(map(parse, texts)))

    means = mean_loss(entry, raw, rows, None)

    for fold, text in enumerate(texts):
        alone = Trained(parse(text), Reading("identity", zeros[:1], zeros[:1] + 1), targets)
        part = slice(fold, fold + 1)
        assert torch.equal(means[part], mean_loss(alone, raw[part], rows[part], None))


def test_probabilities_are_repaired_by_the_parameters_of_their_fold() -> None:
    zeros = torch.zeros(2, 1, 1, 1)
    texts = ("bce(pos_weight=2)", "bce(pos_weight=8)")
    bent = Reading("logit", zeros, zeros + 1, bent=lambda given: given)
    entry = Trained(parse(texts[0]), bent, torch.zeros(4), tuple(map(parse, texts)))

    first, second = (entry.of_fold(fold).reading.predicted(torch.zeros(1, 1, 1, 1)).item() for fold in range(2))

    assert first == pytest.approx(1 / 3)  # an output of 0 is a probability of 1 / (1 + weight)
    assert second == pytest.approx(1 / 9)


def test_convex_starts_have_no_parameters_of_other_losses() -> None:
    planned = plan(asked(repeats=1), table())

    assert all(not start.by_fold for start in convex_starts(planned, 0))
    assert any(trained(planned, 0, candidate).by_fold for candidate in planned.candidates)


@pytest.mark.parametrize(
    ("task", "goal"),
    [("regression", Goal()), ("regression", Goal(outliers="errors")), ("binary", Goal(decision="balanced"))],
)
def test_the_answers_of_the_books_are_those_of_a_recommendation(task: str, goal: Goal) -> None:
    target, _ = read_target(table()["y"] if task == "regression" else table()["y"] > 2, task)
    profile = Profile(
        n=Measured(value=300, n=300, method="count", basis="targets"),
        outlier_rate=0.08,
        residual_scale=2.1,
        class_imbalance=12,
    )

    _, books = candidates_of(None, target, profile, goal)

    answer = recommend(task, profile=profile, goal=goal, rulebook="evidence")
    named = {"article": answer.article, "evidence": answer.evidence}
    assert books == {name: book.objective for name, book in named.items() if book is not None}
