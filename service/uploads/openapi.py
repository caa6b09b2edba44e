"""The request bodies in the OpenAPI document, declared by hand where FastAPI cannot derive them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from service.uploads.bodies.codings import CODINGS
from service.uploads.formats import registry as formats
from service.uploads.media_type import JSON, MULTIPART, OCTETS
from service.uploads.multipart import TABLE
from service.uploads.roles import MEASURED, known_roles

COMPONENT = "#/components/schemas/"
NULL = {"type": "null"}
BINARY = {"type": "string", "format": "binary"}
BODY = (
    "Its arrays are named for their roles, or .npy arrays stand one after the other: the inputs of the loss in order, "
    "or those that roles=a,b names. The columns of a table are inputs by the name of the role or one that libraries "
    "use (y_true, y_pred), or as roles=predictions:p_*,targets:label says. The other fields are query parameters."
)
ROLES_PARAMETER = {
    "name": "roles",
    "in": "query",
    "description": "Which arrays are which inputs: a,b of .npy; otherwise predictions:p_*,targets:label.",
    "schema": {"type": "string"},
}
DatasetParameter = Annotated[
    str | None, Field(description="The id of a dataset in place of arrays; roles= says which column is which.")
]
CODING_PARAMETER = {
    "name": "Content-Encoding",
    "in": "header",
    "description": "How the body is compressed, where it is.",
    "schema": {"type": "string", "enum": [*CODINGS]},
}
TABLE_PART = {**BINARY, "description": "A file whose columns are the inputs."}
ASSUMED = (
    "What was taken for granted of a table: roles (which columns they are), labels (class names in the order of their "
    "ids), ignored (columns that nobody asked for), decimal, encoding. Absent where nothing was."
)


def allowed_texts(values: Iterable[str]) -> Callable[[dict[str, Any]], None]:
    """Return the `json_schema_extra` of a field whose allowed texts are listed; the field may also be null."""

    def say(schema: dict[str, Any]) -> None:
        """List the allowed texts in the schema."""
        schema["anyOf"][0]["enum"] = [*values]

    return say


def schema_of(model: type[BaseModel], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return the schema of a body; its definitions are under `$defs`, until `share_schemas` moves them."""
    return {**model.model_json_schema(ref_template=COMPONENT + "{model}"), **changes}


def share_schemas(document: dict[str, Any]) -> None:
    """Move the schemas of request bodies, and what they refer to, to the components of the document.

    Raises: ValueError where two of one name differ.
    """
    shared = document["components"]["schemas"]
    for operation in (each for operations in document["paths"].values() for each in operations.values()):
        for described in operation.get("requestBody", {}).get("content", {}).values():
            schema = described["schema"]
            parts = schema.pop("$defs", {})
            if "title" in schema:
                parts[schema["title"]] = schema
                described["schema"] = {"$ref": COMPONENT + schema["title"]}
            for name, part in parts.items():
                if name in shared and _in_floats(shared[name]) != _in_floats(part):
                    raise ValueError(f"Two schemas have the name {name}.")
                shared[name] = part


def _in_floats(schema: object) -> object:
    """Return a schema with its numbers as floats, as FastAPI's OpenAPI models hold them."""
    return json.loads(json.dumps(schema), parse_int=float)


def body_of_json(model: type[BaseModel], examples: Mapping[str, Any], **others: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return the `openapi_extra` of a route that reads JSON; `others` are bodies of other media types."""
    shown = {name: {"summary": name, "value": value} for name, value in examples.items()}
    content = {JSON: {"schema": schema_of(model), "examples": shown}, **others}
    return {"requestBody": {"required": True, "content": content}}


def _either(array: dict[str, Any], field: dict[str, Any] | None) -> dict[str, Any]:
    """Return the schema of a member that is an array, or a field of the same name."""
    return array if field is None else {"anyOf": [array, field]}


def declared(
    model: type[BaseModel],
    examples: Mapping[str, Mapping[str, Any]],
    parts: Mapping[str, Any],
    needed: tuple[str, ...] = (),
    taken: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads an Upload whose other fields are `model`.

    Args:
        model: The fields besides the arrays.
        examples: Named JSON bodies that are valid as they stand.
        parts: An example of the request part of a multipart body.
        needed: The roles that must be sent.
        taken: The roles that are read; None for all roles of losses.
    """
    names = taken or tuple(name for name in known_roles() if name not in MEASURED)
    stem = model.__name__.removesuffix("Request")
    fields = schema_of(model, title=f"{stem}Fields", example=dict(parts))
    definitions = fields.pop("$defs", {})
    required = fields.get("required", [])
    array = {"type": "array", "items": {}, "description": "Numbers, nested one list an axis."}
    suffixes = ", ".join(entry.suffix for entry in formats.formats().values())
    files = {role: {**BINARY, "description": f"{role}, a file: {suffixes}"} for role in names}
    body = {name: value for name, value in fields.items() if name != "example"}
    body |= {
        "title": f"{stem}Request",
        "properties": {
            **fields["properties"],
            **{name: _either(array, fields["properties"].get(name)) for name in names},
        },
        "required": [*required, *needed],
        "$defs": definitions,
    }
    form = {
        "title": f"{stem}Form",
        "type": "object",
        "properties": {"request": {"$ref": f"{COMPONENT}{stem}Fields"}, TABLE: TABLE_PART, **files},
        "required": [*(["request"] if required else []), *needed],
        "$defs": {f"{stem}Fields": fields},
    }
    return {
        "parameters": [*_parameters(fields["properties"], definitions), ROLES_PARAMETER, CODING_PARAMETER],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": body,
                    "examples": {name: {"summary": name, "value": value} for name, value in examples.items()},
                },
                MULTIPART: {"schema": form, "encoding": {"request": {"contentType": JSON}}},
                OCTETS: {"schema": {**BINARY, "description": f"{listed_formats()} {BODY}"}},
            },
        },
    }


def listed_formats() -> str:
    """Return the sentence that lists the supported file formats and their names."""
    listed = ", ".join(f"{entry.suffix} ({entry.media})" for entry in formats.formats().values())
    return f"A file, told by its first bytes or by a Content-Type of its own: {listed}."


def _parameters(properties: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the fields of a request that a query can contain, those of its options individually."""
    for name, schema in properties.items():
        kinds = [kind for kind in schema.get("anyOf", [schema]) if kind != NULL]
        kind = next((each for each in kinds if each.get("type") == "array"), kinds[0])
        if "$ref" in kind:
            referred = definitions[kind["$ref"].removeprefix(COMPONENT)]
            if name == "options":
                yield from _parameters(referred["properties"], definitions)
            if "enum" not in referred:
                continue
            kind = referred
        if kind.get("type") == "object":
            continue
        stated = {key: value for key, value in kind.items() if key not in ("default", "title", "description")}
        yield {"name": name, "in": "query", "description": stated.get("description", ""), "schema": stated}
