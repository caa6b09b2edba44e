"""The OpenAPI document as tests read it."""

from typing import Any


def body_schema(document: dict[str, Any], path: str, media: str = "application/json") -> dict[str, Any]:
    """Return the schema of the body that a POST takes, whatever it refers to put in its place."""
    schema = document["paths"][path]["post"]["requestBody"]["content"][media]["schema"]
    return resolved(document, schema)


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema, or the one that it refers to."""
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    return dict(document["components"]["schemas"][name] if name else schema)
