"""Datasets: files that are uploaded once and named by later requests."""
