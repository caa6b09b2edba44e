"""Makes the recommendation: deciding rows, alternatives, counterfactuals, checks, and a summary."""
