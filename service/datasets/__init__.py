"""Datasets: files that were uploaded once, and are named by the requests that use them."""
