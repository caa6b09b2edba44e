"""Datasets by address: files that are read where they are stored, by a separate process."""
