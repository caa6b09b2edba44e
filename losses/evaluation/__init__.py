"""The one place that reduces: chunks become totals, and totals a value, its error bar and its gradient."""
