"""The evaluation of losses: chunks add up to totals, and these give the value, its standard error and its gradient."""
