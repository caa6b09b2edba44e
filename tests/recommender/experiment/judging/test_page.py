"""The report as a page: whole, escaped, and with a table behind each picture."""

import re
from html.parser import HTMLParser

import numpy as np

from recommender.experiment import ExperimentQuestion, plan, run_unit, verdict
from recommender.experiment.judging.page import page
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
    text = page(report())

    tags = _Tags()
    tags.feed(text)
    assert tags.seen.count("svg") == 2
    assert tags.seen.count("table") >= 3
    assert not {"script", "link", "img", "iframe"} & set(tags.seen)
    assert re.findall(r'https?://[^\s"<]+', text) == ["http://www.w3.org/2000/svg"] * 2


def test_names_of_the_users_own_are_escaped_and_the_page_speaks_chinese() -> None:
    text = page(report("<b>price</b>"), "zh")

    assert "<b>price" not in text
    assert "&lt;b&gt;price" in text
    assert "应使用哪种损失" in text
