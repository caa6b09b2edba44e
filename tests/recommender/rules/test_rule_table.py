"""Laws over the whole rule table; a new row is under them as soon as it exists."""

import re
import sys
from collections import Counter
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from losses.contract.expression import parse
from losses.text import Text
from recommender.profile import RANGES, Profile
from recommender.question import Question
from recommender.rules import ROWS, find_rows
from recommender.rules.rulebook import Rulebook
from recommender.rules.table import Rule, Threshold, fact
from recommender.rules.thresholds import THRESHOLDS, bounds_in_force
from recommender.tasks import PLACES, Scenario, Task

BOUNDS = bounds_in_force()
HEADS = sorted({(row.book, task, row.head) for row in ROWS for task in row.tasks})


def shown(side: Profile | Question) -> str:
    profile = side if isinstance(side, Profile) else side.profile
    facts = ", ".join(f"{name}={value}" for name, value in profile.model_dump(exclude_none=True).items())
    if isinstance(side, Profile):
        return facts or "nothing"
    return ", ".join(filter(None, [side.task, side.scenario, facts]))


every_row = pytest.mark.parametrize(
    "row", ROWS, ids=[f"{row.name} fires on {shown(row.fires)} but not on {shown(row.silent)}" for row in ROWS]
)


def texts(part: object) -> list[Text]:
    if isinstance(part, Text):
        return [part]
    if isinstance(part, tuple):
        return [text for item in part for text in texts(item)]
    if is_dataclass(part):
        return [text for field in fields(part) for text in texts(getattr(part, field.name))]
    return []


def test_names_are_unique() -> None:
    counts = Counter(row.name for row in ROWS)

    assert [name for name, count in counts.items() if count > 1] == []


@every_row
def test_a_row_applies_on_one_side_of_its_edge_only(row: Rule) -> None:
    assert row.applies(row.example(row.fires), BOUNDS)
    assert not row.applies(row.example(row.silent), BOUNDS)


@every_row
def test_a_row_decides_where_it_says_it_fires(row: Rule) -> None:
    deciding = Rulebook(row.book, BOUNDS).decide(row.example(row.fires))

    assert deciding[row.head].name == row.name


@every_row
def test_the_silent_side_stands_next_to_the_bound(row: Rule) -> None:
    for condition in row.when:
        if isinstance(condition.bound, Threshold):
            fires, silent = (row.example(side).value_of(condition.fact) for side in (row.fires, row.silent))
            step = 1 if RANGES[condition.fact].whole else 0
            assert silent == pytest.approx(fires, rel=0.04, abs=step)


@every_row
def test_every_sentence_stands_in_both_languages(row: Rule) -> None:
    said = texts(row)

    assert said
    for text in said:
        assert text.en.isascii(), text.en
        assert re.search("[\u4e00-\u9fff]", text.zh), text.zh


@every_row
def test_every_objective_of_a_row_can_be_evaluated(row: Rule) -> None:
    others = [other.recommend for other in row.alternatives]
    out = [ruled.objective for ruled in row.ruled_out]

    for text in (row.recommend, *others, *out):
        assert str(parse(text)) == text
    assert not {row.recommend, *others} & set(out)


@every_row
def test_a_row_computes_only_parameters_its_loss_has(row: Rule) -> None:
    known = parse(row.recommend).terms[0][1].loss.parameters.model_fields

    assert set(row.computed) <= set(known)


@pytest.mark.parametrize(("book", "task", "head"), HEADS)
def test_every_head_has_one_default_and_it_comes_last(book: str, task: Task, head: str) -> None:
    rows = [row for row in ROWS if (row.book, row.head) == (book, head) and task in row.tasks]

    if task is Task.GENERATION:
        return  # what kind of model it is decides which heads there are; the goal has a default

    assert [not row.when for row in rows] == [False] * (len(rows) - 1) + [True]


@pytest.mark.parametrize("task", [task for task in Task if task.row.in_article])
def test_every_task_of_the_article_has_a_default_in_its_book_that_states_its_assumption(task: Task) -> None:
    defaults = [row for row in Rulebook("article", BOUNDS).rows(task) if not row.when]

    assert any(row.assumption for row in defaults)


def test_every_scenario_has_a_place_in_the_article() -> None:
    assert set(PLACES) == set(Scenario)


def test_a_rule_in_a_new_file_is_found_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "more_rules"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "counting.py").write_text("RULES = ('a row',)")
    (package / "helpers.py").write_text("SOMETHING = 'else'")
    monkeypatch.syspath_prepend(tmp_path)

    rows = find_rows("more_rules", [str(package)])

    assert [str(row) for row in rows] == ["a row"]
    for name in ("more_rules", "more_rules.counting", "more_rules.helpers"):
        sys.modules.pop(name)


@pytest.mark.parametrize("name", ["outlier_rat", "goal.median", "rooms"])
def test_a_rule_cannot_ask_for_a_fact_that_does_not_exist(name: str) -> None:
    with pytest.raises(ValueError, match="no fact"):
        fact(name)


def test_a_rule_cannot_compare_words() -> None:
    threshold, _ = THRESHOLDS["outliers.some"]

    with pytest.raises(ValueError, match="is no number"):
        _ = fact("label_encoding") >= threshold


@pytest.mark.parametrize("name", THRESHOLDS)
def test_every_threshold_lies_in_the_range_of_its_fact_and_says_why(name: str) -> None:
    threshold, about = THRESHOLDS[name]

    assert RANGES[about].holds(threshold.default)
    assert threshold.source
    assert all(texts(threshold))
