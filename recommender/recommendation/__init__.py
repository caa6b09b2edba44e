"""The recommendation: deciding rows, alternatives, counterfactuals, checks, and a summary."""
