"""Loss functions with declared contracts, and their evaluation: pure torch and pydantic, no HTTP, files or settings."""
