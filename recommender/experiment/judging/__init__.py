"""Judges candidates by out-of-fold predictions or by scores: comparison, verdict, summary and plots."""
