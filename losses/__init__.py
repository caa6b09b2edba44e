"""Losses as a map, a sum and a finish: pure torch and pydantic, no HTTP, no files, no settings."""
