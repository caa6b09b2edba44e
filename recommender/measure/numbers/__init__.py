"""Facts of numbers: targets of regression, and residuals."""
