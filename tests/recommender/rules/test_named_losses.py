"""Every loss of the catalogue is named by a rule, or a line says why not."""

import re

from losses.contract.expression import parse
from losses.contract.registry import catalogue
from recommender.rules import ROWS
from recommender.rules.unnamed import WHY_UNNAMED


def test_every_loss_is_named_by_a_rule_or_a_line_says_why_not() -> None:
    texts = {row.recommend for row in ROWS} | {other.recommend for row in ROWS for other in row.alternatives}
    texts |= {out.objective for row in ROWS for out in row.ruled_out}  # with a line of its own
    named = {term.loss.id for text in texts for _, term in parse(text).terms}

    assert named | set(WHY_UNNAMED) == set(catalogue())
    assert not named & set(WHY_UNNAMED)
    for why in WHY_UNNAMED.values():
        assert why.en.isascii()
        assert re.search("[\u4e00-\u9fff]", why.zh)
