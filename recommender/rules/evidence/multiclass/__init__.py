"""Multi-class classification: the encoding decides the form of cross-entropy; noise and goals, other losses."""

from recommender.rules.evidence.multiclass import encodings, noise, structure

# Of the rows for a question, the first that applies decides.
RULES = (
    *structure.ROWS,
    *noise.ROWS,
    *encodings.ROWS,
)
