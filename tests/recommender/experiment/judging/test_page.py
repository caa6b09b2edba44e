"""The report as a page: whole, escaped, and with a table behind each picture."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from recommender.experiment import ExperimentQuestion, plan, run_unit, verdict
from recommender.experiment.judging.page import report_page
from recommender.experiment.judging.plots import differences_plot
from recommender.experiment.judging.report import ExperimentReport


def report(target: str = "y") -> ExperimentReport:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(120, 2))
    y = x @ np.array([2.0, -1.0]) + draw.normal(size=120)
    y[:5] += 40
    question = ExperimentQuestion(target=target, models=["linear"], folds=3, repeats=1, candidates=["mse", "mae"])
    planned = plan(question, {"a": x[:, 0], "b": x[:, 1], target: y})
    return verdict(planned, [run_unit(planned, unit, rates=(0.03,), steps=40) for unit in planned.units])


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, _: object) -> None:
        self.seen.append(tag)


def test_a_page_needs_nothing_else_and_has_a_table_for_each_picture() -> None:
    text = report_page(report())

    tags = _Tags()
    tags.feed(text)
    assert tags.seen.count("svg") == 2
    assert tags.seen.count("table") >= 4
    assert not {"script", "link", "img", "iframe"} & set(tags.seen)
    assert re.findall(r'https?://[^\s"<]+', text) == ["http://www.w3.org/2000/svg"] * 2


def test_names_of_the_users_own_are_escaped_and_the_page_speaks_chinese() -> None:
    text = report_page(report("<b>price</b>"), "zh")

    assert "<b>price" not in text
    assert "&lt;b&gt;price" in text
    assert "应使用哪种损失" in text


def test_the_picture_of_differences_has_the_chosen_one_at_zero_and_says_what_is_tied() -> None:
    example = report()
    chosen = next(row for row in example.standings if row.objective == example.verdict.objective)
    worst = next(row for row in example.standings if row.objective == "mse")

    assert (chosen.difference, chosen.difference_interval) == (0.0, None)
    assert worst.difference is not None
    assert worst.difference_interval is not None
    assert worst.difference_interval[0] < worst.difference < worst.difference_interval[1]
    assert worst.difference == pytest.approx(worst.value / chosen.value - 1)  # type: ignore[operator] # both ended
    assert "Distance from the chosen one" in differences_plot(example, "linear")
    assert "无法区分" in differences_plot(example, "linear", "zh")
