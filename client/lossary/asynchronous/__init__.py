"""The methods of AsyncClient: generated from `methods.py` and `sending.py` with each method awaited."""
