"""Files of the client that are made: classes of answers, from the OpenAPI document, and methods that are awaited."""

import keyword
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from service.app import create_app
from service.settings import Settings

CLIENT = Path(__file__).parents[2] / "client/lossary"
REFERENCE = "#/components/schemas/"
TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
OF_MAPPINGS = frozenset(dir(Mapping))  # which a result has as methods
ANSWERS = '''"""What the service answers, by name: made of its OpenAPI document by `make docs-tables`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lossary import result
'''


def files() -> dict[str, str]:
    """Return what should stand in each, by its name in the client."""
    methods = (CLIENT / "methods.py").read_text(encoding="utf-8")
    made = {"answers.py": answers(create_app(Settings()).openapi()), "async_methods.py": awaited(methods)}
    return {name: _formatted(text) for name, text in made.items()}


def _formatted(text: str) -> str:
    """Return a module as ruff formats it."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or "ruff"
    done = subprocess.run([ruff, "format", "-"], cwd=CLIENT, input=text, capture_output=True, text=True, check=True)  # noqa: S603 - a tool of ours
    return done.stdout


def awaited(methods: str) -> str:
    """Return the module of the methods with each of them awaited."""
    text = re.sub(
        r'^"""(.+?)"""',
        '"""The same methods, awaited: made of `methods.py` by `make docs-tables`."""',
        methods,
        count=1,
        flags=re.DOTALL,
    )
    text = text.replace("class Methods(ABC)", "class AsyncMethods(ABC)").replace(
        "methods of a client;", "methods of an AsyncClient;"
    )
    text = text.replace("    def ", "    async def ")
    return re.sub(r"^( +)(return )?self\._ask\(", r"\1\2await self._ask(", text, flags=re.MULTILINE)


def answers(document: dict[str, Any]) -> str:
    """Return the module with a class for each object that an answer of /v1 may hold, in the order of their names."""
    schemas = document["components"]["schemas"]
    wanted: dict[str, None] = {}
    for path, operations in document["paths"].items():
        if path.startswith("/v1/"):
            for operation in operations.values():
                _collect(_answered(operation), schemas, wanted)
    words = [f"{name} = {_type(schemas[name], schemas)}\n" for name in sorted(wanted) if "enum" in schemas[name]]
    classes = [f"\n\n{_class(name, schemas[name], schemas)}" for name in sorted(wanted) if _object(schemas[name])]
    return "".join([ANSWERS, "\n", *words, *classes])


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
