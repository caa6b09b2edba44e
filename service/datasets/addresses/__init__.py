"""Datasets by address: files that stay where they are, read from there in a process of its own."""
