"""/v1/datasets: upload a file once, and name it in later requests."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from anyio import to_thread
from fastapi import APIRouter, Path, Request, Response
from fastapi.openapi.models import Example
from pydantic import BaseModel, Field

from losses.text import Text
from service.datasets.addresses.allowed import allowed
from service.datasets.addresses.table import FORMAT as ADDRESSED
from service.datasets.addresses.table import list_files
from service.datasets.description import describe
from service.datasets.store import identifier
from service.dependencies import DatasetsInForce, SettingsInForce
from service.pipeline.properties import properties
from service.problems import (
    AddressNotAllowed,
    BadEnvelope,
    BadRequest,
    InsufficientStorage,
    TooLarge,
    UnknownDataset,
    UnsupportedFormat,
    responses,
)
from service.request_record import current
from service.routes.fields.parameters import KNOWN_PARAMETERS
from service.scheduling import beside_the_loop
from service.settings import Settings
from service.uploads.bodies.body import body_of
from service.uploads.formats import ndjson
from service.uploads.formats import registry as formats
from service.uploads.formats.foreign import LOOKED_AT
from service.uploads.formats.registry import DecodingLimit
from service.uploads.json_bodies.text import parsed
from service.uploads.media_type import JSON, OCTETS, require
from service.uploads.openapi import BINARY, CODING_PARAMETER, body_of_json, listed_formats

if TYPE_CHECKING:
    from service.datasets.index import DatasetRow

router = APIRouter(prefix="/v1", tags=["datasets"], dependencies=KNOWN_PARAMETERS)
EXAMPLE: list[dict[str, float]] = [{"y_true": 1, "y_pred": 2}, {"y_true": 3, "y_pred": 5.5}]
# What a flat costs by its size and its floor, one typed with a digit too many: 40 rows to compare losses on.
MISTYPED = 17
TABLE = [
    {
        "size": 30 + 3 * k,
        "floor": k % 5,
        "price": (100 + 9 * k + 11 * (k % 5) + 7 * (k % 3)) * (10 if k == MISTYPED else 1),
    }
    for k in range(40)
]
EXAMPLES: dict[str, Example] = {"two rows": {"value": identifier(ndjson.MEDIA, ndjson.text_of(EXAMPLE))}}
Identifier = Annotated[str, Path(description="As POST /v1/datasets answered it.", openapi_examples=EXAMPLES)]


class Column(BaseModel):
    """A column of a table."""

    name: str
    type: str
    missing: Annotated[int | None, Field(description="How many values are missing; not counted by address.")] = None


class StoredArray(BaseModel):
    """An array of a file; .npy has no name for it."""

    name: str | None = None
    dtype: str
    shape: list[int]


class DatasetRequest(BaseModel):
    """A table as JSON rows, or the address of files; exactly one of the two."""

    rows: Annotated[list[dict[str, Any]] | None, Field(min_length=1, description="Objects with the same members.")] = (
        None
    )
    uri: Annotated[
        str | None,
        Field(description="Files such as s3://bucket/folder/*.parquet, below a prefix that LOSSARY_SOURCES names."),
    ] = None


class Dataset(BaseModel):
    """A stored file and what it contains: columns or arrays."""

    id: str
    media: str
    bytes: int
    created: datetime
    expires: datetime
    rows: int | None = None
    columns: list[Column] | None = None
    arrays: list[StoredArray] | None = None
    uri: Annotated[str | None, Field(description="Where it lies, of a dataset by address.")] = None
    files: Annotated[int | None, Field(description="How many files lie there.")] = None
    roles: Annotated[
        dict[str, list[str]] | None, Field(description="The columns that would be each input, without roles=.")
    ] = None


class DatasetList(BaseModel):
    """The datasets of the key that asks, the newest first."""

    datasets: list[Dataset]


def _shown(row: "DatasetRow") -> Dataset:
    """Return a dataset as it is answered."""
    times: dict[str, Any] = {name: datetime.fromtimestamp(getattr(row, name), UTC) for name in ("created", "expires")}
    return Dataset(**{"id": row.id, "media": row.media, "bytes": row.bytes, **times, **row.described})


async def _file(http: Request, settings: Settings) -> tuple[str, AsyncIterator[bytes]]:
    """Return the media type and the bytes of the file that a request sends; JSON rows become NDJSON.

    Raises: UnsupportedFormat, BadEnvelope, BadRequest, TooLarge.
    """
    media, body = require(http, JSON, OCTETS, *formats.formats()), body_of(http)
    if media == JSON:
        text = await body.read(settings.max_json_bytes, "max_json_bytes")
        ndjson.refuse_long(text)
        members = await beside_the_loop(lambda: parsed(text), len(text))
        if "uri" in members:
            return ADDRESSED.media, _joined(await _listing(members, settings), None)
        lines = await beside_the_loop(lambda: ndjson.text_of(_rows(members)), len(text))
        return ndjson.MEDIA, _joined(lines, None)
    chunks = body.chunks(settings.max_body_bytes, "max_body_bytes")
    if media != OCTETS:
        return media, chunks
    beginning = bytearray()
    async for chunk in chunks:
        beginning += chunk
        if len(beginning) >= LOOKED_AT:
            break
    return formats.told_format("The body", beginning).media, _joined(bytes(beginning), chunks)


async def _listing(members: Mapping[str, Any], settings: Settings) -> bytes:
    """Return the list of the files at an address, which is stored in place of the files.

    Raises: BadRequest, AddressNotAllowed.
    """
    if len(members) > 1 or not isinstance(members["uri"], str):
        raise BadRequest(
            Text(
                'By address a dataset is {"uri": "s3://bucket/folder/*.parquet"}, and nothing beside it.',
                '以地址给出的数据集为 {"uri": "s3://bucket/folder/*.parquet"},此外没有其他成员。',
            )
        )
    address = allowed(members["uri"], settings.sources, settings.private_hosts)
    return orjson.dumps(await to_thread.run_sync(list_files, address, settings.max_decoded_bytes))


def _rows(members: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a table that was sent as JSON; a pydantic model would be too slow for a million rows.

    Raises: BadRequest.
    """
    rows = members.get("rows")
    if len(members) > 1 or not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BadRequest(
            Text(
                'As JSON a dataset is {"rows": [...]}, one or more objects with the same members.',
                '以 JSON 给出的数据集为 {"rows": [...]},即一个或多个成员相同的对象。',
            )
        )
    return rows


async def _joined(beginning: bytes, rest: AsyncIterator[bytes] | None) -> AsyncIterator[bytes]:
    """Yield the bytes that were read already, then the rest."""
    yield beginning
    if rest is not None:
        async for chunk in rest:
            yield chunk


@router.post(
    "/datasets",
    summary="Create a dataset from a file or an address",
    status_code=201,
    response_model_exclude_none=True,
    openapi_extra={
        "parameters": [CODING_PARAMETER],
        **body_of_json(
            DatasetRequest,
            {"two rows": {"rows": EXAMPLE}, "forty flats": {"rows": TABLE}},
            **{OCTETS: {"schema": {**BINARY, "description": listed_formats()}}},
        ),
    },
    responses=responses(BadEnvelope, BadRequest, AddressNotAllowed, TooLarge, UnsupportedFormat, InsufficientStorage)
    | {200: {"model": Dataset, "description": "It was there already, and is kept anew."}},
)
@properties("evaluate")
async def create_dataset(
    http: Request, response: Response, datasets: DatasetsInForce, settings: SettingsInForce
) -> Dataset:
    """Keep a file of columns or arrays, or rows sent as JSON, and say what it holds and until when it is kept.

    With `uri` in place of a file nothing is copied: the files of Parquet, CSV or Arrow that the address names are read
    where they lie, and refused once they have changed.
    Its id is made of what it holds: the same file sent twice is one dataset, kept anew (200). Name it as `dataset` in
    place of arrays in evaluate, profile and advise.
    """
    media, chunks = await _file(http, settings)
    incoming = await datasets.receive(media, chunks)
    try:
        limit = DecodingLimit(settings.max_decoded_bytes)
        described = await to_thread.run_sync(describe, media, str(incoming.path), limit)
        row, is_new = await to_thread.run_sync(datasets.keep, incoming, current().key or "", media, described)
    finally:
        incoming.path.unlink(missing_ok=True)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"{settings.root_path}/v1/datasets/{row.id}"
    return _shown(row)


@router.get("/datasets", summary="List datasets", response_model_exclude_none=True)
@properties("evaluate")
async def list_datasets(datasets: DatasetsInForce) -> DatasetList:
    """List the datasets of the key that asks."""
    rows = await to_thread.run_sync(datasets.listed, current().key or "")
    return DatasetList(datasets=[_shown(row) for row in rows])


@router.get(
    "/datasets/{dataset_id}",
    summary="Describe a dataset",
    response_model_exclude_none=True,
    responses=responses(UnknownDataset),
)
@properties("evaluate")
async def get_dataset(dataset_id: Identifier, datasets: DatasetsInForce) -> Dataset:
    """Say what a dataset holds, and until when it is kept."""
    return _shown(await to_thread.run_sync(datasets.get, dataset_id, current().key or ""))


@router.delete(
    "/datasets/{dataset_id}", summary="Delete a dataset", status_code=204, responses=responses(UnknownDataset)
)
@properties("evaluate")
async def delete_dataset(dataset_id: Identifier, datasets: DatasetsInForce) -> None:
    """Delete a dataset; another key that sent the same file keeps its own."""
    await to_thread.run_sync(datasets.remove, dataset_id, current().key or "")
