"""The request bodies of the OpenAPI document that FastAPI cannot derive: declared by hand from models and roles."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from service.uploads.formats import registry as formats
from service.uploads.media_type import JSON, MULTIPART
from service.uploads.multipart import TABLE
from service.uploads.roles import MEASURED, known_roles

BODY = (
    "Arrays named for their roles (of an Arrow stream, columns), or .npy arrays one after the other: the inputs of the "
    "loss in order, or those that roles=a,b names. The other fields are query parameters, such as "
    "?loss=mse&reduction=sum."
)
COLUMNS = (
    "A table whose columns are the inputs, by the name of the role or one that libraries use (y_true, y_pred), or as "
    "roles=predictions:p_*,targets:label says. The other fields are query parameters, such as ?loss=mse&reduction=sum."
)
Dataset = Annotated[
    str | None, Field(description="The id of a dataset in place of arrays; roles= says which column is which.")
]
TABLE_PART = {"type": "string", "format": "binary", "description": "A file whose columns are the inputs."}
ASSUMED = (
    "What was taken for granted of a table: roles (which columns they are), labels (class names in the order of their "
    "ids), ignored (columns that nobody asked for), decimal, encoding. Absent where nothing was."
)


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a model with every reference replaced by what it refers to."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(node, list):
            return [resolve(entry) for entry in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return resolve({**parts[node["$ref"].rsplit("/", 1)[-1]], **{k: v for k, v in node.items() if k != "$ref"}})
        return {key: resolve(value) for key, value in node.items()}

    resolved: dict[str, Any] = resolve(schema)
    return resolved


def declared(
    model: type[BaseModel],
    examples: Mapping[str, Mapping[str, Any]],
    parts: Mapping[str, Any],
    needed: tuple[str, ...] = (),
    taken: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads an Upload whose other fields are `model`.

    `examples`: named JSON bodies that work as they stand. `parts`: an example of the request part. `needed`: the
    roles without which nothing can be said. `taken`: those that mean anything, if not all that losses have.
    """
    names = taken or tuple(name for name in known_roles() if name not in MEASURED)
    fields = inlined(model)
    array = {"type": "array", "items": {}, "description": "Numbers, nested one list an axis."}
    properties = {**fields["properties"], **dict.fromkeys(names, array)}
    binary = formats.formats()
    suffixes = ", ".join(entry.suffix for entry in binary.values())
    files = {
        role: {"type": "string", "format": "binary", "description": f"{role}, a file: {suffixes}"} for role in names
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": {**fields, "properties": properties, "required": [*fields.get("required", []), *needed]},
                    "examples": {name: {"summary": name, "value": value} for name, value in examples.items()},
                },
                MULTIPART: {
                    "schema": {
                        "type": "object",
                        "properties": {"request": {**fields, "example": parts}, TABLE: TABLE_PART, **files},
                        "required": [*(["request"] if fields.get("required") else []), *needed],
                    },
                    "encoding": {"request": {"contentType": JSON}},
                },
                **{
                    media: {
                        "schema": {
                            "type": "string",
                            "format": "binary",
                            "description": COLUMNS if isinstance(entry, formats.TableFormat) else BODY,
                        }
                    }
                    for media, entry in binary.items()
                },
            },
        }
    }
