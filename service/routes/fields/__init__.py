"""Fields and query parameters that several routes have."""
