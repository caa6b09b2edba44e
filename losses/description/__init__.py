"""Descriptions of a loss besides its value: its curve, code for other libraries, the map back to a probability."""
