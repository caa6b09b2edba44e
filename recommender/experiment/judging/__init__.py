"""From out-of-fold predictions, or scores, to a verdict: by which rows, how sure, in which words and pictures."""
