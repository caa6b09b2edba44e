"""The classes of the client's answers, generated from the OpenAPI document: a module for each tag of its operations."""

import keyword
from collections.abc import Iterator, Mapping
from typing import Any

REFERENCE = "#/components/schemas/"
TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
OF_MAPPINGS = frozenset(dir(Mapping))  # which a result has as methods
# What several tags answer stands with the first of these, so that each module imports from those before it alone.
TAGS = ("profile", "recommend", "losses", "evaluate", "datasets", "experiments", "evaluations", "advise", "health")
IMPORTS = """
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lossary import result
"""


def modules(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of each module by its name: the classes in the order of their names, and `__init__` with all."""
    schemas = document["components"]["schemas"]
    places = _places(document)
    texts = {tag: _module(tag, places, schemas) for tag in TAGS}
    imports = "\n".join(f"from lossary.answers.{tag} import {', '.join(_of(tag, places))}" for tag in TAGS)
    names = "\n".join(f'    "{name}",' for name in sorted(places))
    texts["__init__"] = f'"""What the service answers, by name."""\n\n{imports}\n\n__all__ = [\n{names}\n]\n'
    return texts


def _places(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the tag with which each object and word list stands that an answer of /v1 may hold.

    Raises: ValueError for a tag without a module.
    """
    schemas = document["components"]["schemas"]
    answered: dict[str, dict[str, None]] = {}
    for path, operations in document["paths"].items():
        if path.startswith("/v1/"):
            for operation in operations.values():
                _collect(_answered(operation), schemas, answered.setdefault(operation["tags"][0], {}))
    missing = {tag for tag, names in answered.items() if names} - {*TAGS}
    if missing:
        raise ValueError(f"TAGS lacks {', '.join(sorted(missing))}.")
    places: dict[str, str] = {}
    for tag in TAGS:
        for name in answered.get(tag, ()):
            if _object(schemas[name]) or "enum" in schemas[name]:
                places.setdefault(name, tag)
    return places


def _of(tag: str, places: Mapping[str, str]) -> list[str]:
    return sorted(name for name, place in places.items() if place == tag)


def _module(tag: str, places: Mapping[str, str], schemas: Mapping[str, Any]) -> str:
    """Return the module of a tag."""
    names = _of(tag, places)
    named = sorted({each for name in names for each in _references(schemas[name]) if places.get(each, tag) != tag})
    imports = [f"from lossary.answers.{places[each]} import {each}\n" for each in named]
    words = [f"{name} = {_type(schemas[name], schemas)}\n" for name in names if "enum" in schemas[name]]
    classes = [f"\n\n{_class(name, schemas[name], schemas)}" for name in names if _object(schemas[name])]
    title = f'"""The answers of the operations with the tag {tag}."""\n'
    return "".join([title, IMPORTS, *imports, "\n", *words, *classes])


def _answered(operation: Mapping[str, Any]) -> list[Any]:
    contents = [each.get("content", {}) for status, each in operation["responses"].items() if status < "300"]
    return [content["application/json"]["schema"] for content in contents if "application/json" in content]


def _collect(node: object, schemas: Mapping[str, Any], wanted: dict[str, None]) -> None:
    """Add the names of all schemas that are referred to below a node."""
    for name in _references(node):
        if name not in wanted:
            wanted[name] = None
            _collect(schemas[name], schemas, wanted)


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].removeprefix(REFERENCE)
        node = list(node.values())
    if isinstance(node, list):
        for entry in node:
            yield from _references(entry)


def _object(schema: Mapping[str, Any]) -> bool:
    return "properties" in schema


def _class(name: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    first, *rest = schema.get("description", name).strip().splitlines()
    docstring = (
        f'    """{first}"""'
        if not rest
        else "\n".join([f'    """{first}', *(f"    {line}".rstrip() for line in rest), '    """'])
    )
    lines = [f"class {name}(result.Result):", docstring, "", "    __slots__ = ()", ""]
    required = schema.get("required", [])
    for member, described in schema["properties"].items():
        if member in OF_MAPPINGS or keyword.iskeyword(member):
            lines.append(f'    # ["{member}"] is a member by its key alone')
            continue
        kind = _type(described, schemas)
        null = "default" not in described and member not in required and "None" not in kind.split(" | ")
        lines.append(f"    {member}: {kind}{' | None' if null else ''}")
    return "\n".join(lines) + "\n"


def _type(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Return the annotation of a schema."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        return name if _object(schemas[name]) or "enum" in schemas[name] else _type(schemas[name], schemas)
    if "anyOf" in schema or "oneOf" in schema:
        return " | ".join(dict.fromkeys(_type(each, schemas) for each in schema.get("anyOf", schema.get("oneOf"))))
    if "const" in schema or "enum" in schema:
        return f"Literal[{', '.join(_quoted(value) for value in schema.get('enum', [schema.get('const')]))}]"
    if schema.get("type") == "array":
        inside = _type(schema.get("items", {}), schemas)
        return f"list[{inside}]"
    if schema.get("type") == "object":
        more = schema.get("additionalProperties")
        return f"Mapping[str, {_type(more, schemas) if isinstance(more, dict) else 'Any'}]"
    return TYPES.get(str(schema.get("type")), "Any")


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
