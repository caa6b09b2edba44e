"""Segmentation: Dice with cross-entropy, over the batch where empty masks occur; a softmax over exclusive classes."""

from recommender.rules.evidence.segmentation import classes, goals, shapes

# Of the rows for a question, the first that applies decides.
RULES = (
    *classes.ROWS,
    *goals.ROWS,
    *shapes.ROWS,
)
