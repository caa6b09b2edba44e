"""What may stand in the place of a recommended loss: what its row names, and what fits of the catalogue."""

import math

import pytest

from losses.contract.expression import parse
from losses.contract.registry import catalogue
from losses.evaluation.evaluate import evaluate
from recommender.profile import Profile
from recommender.recommendation.alternatives import KEPT_TRAITS, fitting_losses
from recommender.recommendation.recommend import recommend
from recommender.rules import ROWS
from recommender.rules.table import Rule
from recommender.tasks import Task
from tests.losses.draw import Subject

RECOMMENDED = sorted({(task, parse(row.recommend).terms[0][1].loss.id) for row in ROWS for task in row.tasks})
FITTING = [(task, loss_id, other.id) for task, loss_id in RECOMMENDED for other in fitting_losses(task, loss_id)]


@pytest.mark.parametrize(("task", "loss_id", "other_id"), FITTING)
def test_a_loss_that_fits_takes_the_same_inputs_and_learns_the_same(task: Task, loss_id: str, other_id: str) -> None:
    chosen, other = catalogue()[loss_id], catalogue()[other_id]
    inputs = Subject(chosen.bind()).draw().inputs

    value = evaluate(parse(other_id), inputs).value

    assert value is not None
    assert math.isfinite(value)
    assert task in other.tasks
    assert (other.elicits, other.activation) == (chosen.elicits, chosen.activation)
    assert chosen.traits & KEPT_TRAITS <= other.traits


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_catalogue_adds_nothing_that_the_row_names_or_rules_out(row: Rule) -> None:
    question = row.example(row.fires)

    answer = recommend(question.task, question.scenario, question.profile, question.goal, rulebook=row.book)

    texts = {
        origin: {other.objective for other in answer.alternatives if other.origin == origin}
        for origin in ("rule", "catalogue")
    }
    assert not texts["catalogue"] & {answer.objective, *texts["rule"]}
    assert not texts["catalogue"] & {out.objective for out in answer.ruled_out}


def test_the_catalogue_comes_after_the_rules() -> None:
    answer = recommend("segmentation", profile=Profile())

    origins = [other.origin for other in answer.alternatives]

    assert origins == sorted(origins, reverse=True)
    assert set(origins) == {"rule", "catalogue"}
