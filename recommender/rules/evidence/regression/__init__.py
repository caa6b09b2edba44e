"""Regression: the functional of the goal and the outliers decide."""

from recommender.rules.evidence.regression import amounts, boxes, default, robust

# Of the rows for a question, the first that applies decides.
RULES = (
    *boxes.ROWS,
    *amounts.ROWS,
    *robust.ROWS,
    *default.ROWS,
)
