"""Files of columns: whoever wrote them, the number is that of .npy arrays of the values as they were printed."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

from tests.conftest import Client
from tests.service.files import npy_body
from tests.service.uploads.table_files import (
    CSV,
    FEATHER,
    MSE,
    NDJSON,
    NPY,
    PARQUET,
    ROWS,
    WRITERS,
    as_printed,
    evaluated,
    written,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("writer", WRITERS)
async def test_every_writer_gives_the_number_of_what_it_printed(client: Client, writer: str, tmp_path: Path) -> None:
    media, write = WRITERS[writer]
    printed = as_printed(writer)
    arrays = npy_body(printed["y_pred"]) + npy_body(printed["y_true"])

    async with client() as http:
        answer = await evaluated(http, write(tmp_path / "file"), media)
        expected = await evaluated(http, arrays, NPY)

    assert answer["results"][0]["value"] == expected["results"][0]["value"]
    assert answer["assumed"]["roles"] == {"targets": "y_true", "predictions": "y_pred"}
    assert answer["assumed"].get("ignored", ["id"]) == ["id"]


@pytest.mark.parametrize(
    ("body", "query", "value"),
    [
        (b"1,2\n3,4\n", "", 1.0),  # no header: the roles in order
        (b"1,9,2\n3,9,4\n", "&roles=predictions:1,targets:3", 1.0),
        (b"a,b\n1,2\n3,5.5\n", "&roles=predictions:a,targets:b", 3.625),
        (b'"y,true";"y ""pred"""\n1;2\n3;5.5\n', "&roles=targets:y?true,predictions:y*pred*", 3.625),
        (b"\n\ny_true,y_pred\r1,2\r3,5.5\r", "", 3.625),
        (b"Y True,Y-PRED,\n1,2,0\n3,5.5,0\n", "", 3.625),
        (b"y_true,y_pred,sample_weight\n1,2,1\n3,5.5,0\n", "", 1.0),
        (b"targets,predictions,mask\n1,2,true\n3,5.5,false\n", "", 1.0),
        (b'y_true,y_pred,notes\n1,2,"two\nlines"\n3,5.5,\n', "", 3.625),
        (b"y_true,y_pred,who\n1,2,M\xfcller\n3,5.5,\n", "", 3.625),  # Windows' encoding
        (b"y_true|y_pred\n1|2\n3|5.5\n", "", 3.625),
    ],
)
async def test_columns_are_found(client: Client, body: bytes, query: str, value: float) -> None:
    async with client() as http:
        answer = await evaluated(http, body, CSV, "loss=mse" + query)

    assert answer["results"][0]["value"] == value


async def test_several_columns_make_one_array_and_texts_are_class_names(client: Client) -> None:
    body = b"label,p_cat,p_dog\ndog,0.2,0.8\ncat,0.7,0.3\n"

    async with client() as http:
        answer = await evaluated(http, body, CSV, "loss=cross_entropy&roles=predictions:p_*,targets:label")
        arrays = {"predictions": [[0.2, 0.8], [0.7, 0.3]], "targets": [1, 0]}
        expected = (await http.post("/v1/evaluate", json={"loss": "cross_entropy", **arrays})).json()

    assert answer["results"][0]["value"] == expected["results"][0]["value"]
    assert answer["assumed"] == {"labels": ["cat", "dog"]}


async def test_a_class_name_has_one_id_in_every_file_of_a_form(client: Client) -> None:
    files = {"targets": ("t.csv", b"label\nb\na\n"), "predictions": ("p.csv", b"predicted\nb\nc\n")}

    async with client() as http:
        answer = await http.post("/v1/evaluate", files=files, data={"loss": "mse"})

    assert answer.json()["assumed"]["labels"] == ["a", "b", "c"]
    assert answer.json()["results"][0]["value"] == (0 + 4) / 2


@pytest.mark.parametrize("filename", ["scores.csv", "scores.CSV", "scores.txt"])
async def test_a_form_takes_one_table(client: Client, filename: str) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate", files={"table": (filename, ROWS)}, data={"loss": "mse"})
        named = await http.post(
            "/v1/evaluate",
            files={"table": (filename, ROWS.replace(b"y_", b"z_"))},
            data={"loss": "mse", "roles": "predictions:z_pred,targets:z_true"},
        )

    assert [row["value"] for row in answer.json()["results"]] == MSE
    assert [row["value"] for row in named.json()["results"]] == MSE


async def test_lists_in_a_column_are_axes(client: Client) -> None:
    table = pa.table({"y_pred": [[0.2, 0.8], [0.7, 0.3]], "y_true": pa.array([1, 0], pa.uint64())})
    body = written(lambda to: pyarrow.parquet.write_table(table, to))

    async with client() as http:
        answer = await evaluated(http, body, PARQUET, "loss=cross_entropy")

    assert answer["results"][0]["value"] == pytest.approx(0.4752516014429192)


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        ("", {"y_true": [1, 3], "y_pred": [2, 5.5]}),
        ("roles=predictions:p,targets:t", {"t": [1, 3], "p": [2, 5.5]}),
        ("roles=predictions:p,targets:t", {"t": [1, 3], "p": [2, 5.5], "targets": [0, 0]}),
    ],
)
async def test_members_of_json_have_names_of_ones_own(client: Client, asked: str, body: dict[str, Any]) -> None:
    extra = {name: body[name] for name in body if name == "targets"}

    async with client() as http:
        answer = await http.post(f"/v1/evaluate?{asked}", json={"loss": "mse", **body})

    if extra:  # not one of those asked for, and no field either
        assert answer.status_code == 422
    else:
        assert [row["value"] for row in answer.json()["results"]] == MSE


async def test_every_route_that_takes_arrays_takes_a_table(client: Client) -> None:
    async with client() as http:
        for path in ("profile", "advise"):
            answer = await http.post(f"/v1/{path}", content=ROWS * 1, headers={"content-type": CSV})
            assert answer.status_code == 200, answer.text
            assert answer.json()["assumed"]["roles"] == {"targets": "y_true", "predictions": "y_pred"}


@pytest.mark.parametrize(
    ("body", "query", "says"),
    [
        (b"y_true,y_pred\n1,\n3,5.5\n", "", ["y_pred has 1 missing", "row 1", "mask"]),
        (b"y_true,y_pred\n1,2\n3,NA\n", "", ["y_pred has 1 missing", "row 2"]),
        (b"y_true,y_pred\n1,2\n3,many\n", "", ["y_pred has a text in row 2"]),
        (b'y_true,y_pred\n1,2\n3,"1,234.5"\n', "", ["y_pred has a text in row 2"]),
        (b"y_true;y_pred\n1,5;2.5\n3;5\n", "", ["after a point and after a comma"]),
        (b"y_true,y_pred\n1,2\n3\n", "", ["cannot be read as CSV", "as many fields"]),
        (b"y_true,y_prd\n1,2\n3,4\n", "", ["y_prd is no input", "y_pred"]),
        (b"y_true,y_pred,weigths\n1,2,1\n3,4,1\n", "", ["weigths is no input", "weights"]),
        (b"foo,bar\n1,2\n3,4\n", "", ["foo, bar", "roles=predictions:COLUMN,targets:COLUMN"]),
        (b"y_true,label,y_pred\n1,2,3\n", "", ["y_true and label may both be the targets", "roles=targets:"]),
        (b"y_true,y_pred,y_pred\n1,2,3\n", "", ["y_pred", "twice"]),
        (ROWS, "&roles=predictions:y_prd,targets:y_true", ["predictions", "Did you mean y_pred?"]),
        (ROWS, "&roles=predictions,targets:y_true", ["for each role", "for none"]),
        (ROWS, "&roles=predicitons:y_pred", ["/predicitons", "Did you mean predictions?"]),
        (b"1,2,3\n4,5,6\n", "", ["no header and 3 columns", "roles=predictions:1,targets:2"]),
        (b"y_true,y_pred\n9007199254740993,2\n3.5,4\n", "", ["2^63"]),
        (b"\x1f\x8bnonsense", "", ["gzip", "damaged"]),
        (b"", "", ["without a row"]),
        (b"sep=M\xff9l", "", []),
        (b"y_true,y_pred\n", "", []),
    ],
)
async def test_what_is_not_plain_is_refused_by_its_column(
    client: Client, body: bytes, query: str, says: list[str]
) -> None:
    async with client() as http:
        answer = await http.post(f"/v1/evaluate?loss=mse{query}", content=body, headers={"content-type": CSV})

    if says:
        assert answer.status_code == 422, answer.text
    assert all(part in answer.json()["detail"] for part in says), answer.text
    assert len(answer.content) <= 4096


@pytest.mark.parametrize(
    "body",
    [
        b'{"y_true": "\xff", "y_pred": 1}\n',
        b'{"y_tr\xffue": 1, "y_pred": 1}\n',
        b'{"y_true": 1, "y_true": 1}\n',
        b"[1, 2]\n",
        b"null\xf2",  # which ends the process that reads it
        b'{"y_true": 1\n',
        b"",
    ],
)
async def test_what_is_no_ndjson_is_refused(client: Client, body: bytes) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate?loss=mse", content=body, headers={"content-type": NDJSON})

    assert answer.status_code == 422, answer.text
    assert "cannot be read as NDJSON" in answer.json()["detail"]


async def test_whole_numbers_of_64_bits_stay_apart(client: Client) -> None:
    ids = [2**62 + place for place in range(4)]
    body = "\n".join(["labels,e_0,e_1", *(f"{label},{place},1" for place, label in enumerate(ids))]).encode()

    async with client() as http:
        answer = await evaluated(http, body, CSV, "loss=supcon&roles=predictions:e_*,targets:labels")

    assert answer["results"][0]["value"] is None  # no two have one label


def _bomb_of_rows() -> bytes:
    table = pa.table({"y_true": pa.array([0.0]).take(pa.array([0] * 1000)), "y_pred": [0.0] * 1000})
    return written(lambda to: [pyarrow.parquet.write_table(pa.concat_tables([table] * 4000), to, compression="zstd")])


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (PARQUET, _bomb_of_rows()),
        (CSV, gzip.compress(b"y_true,y_pred\n" + b"0,0\n" * 4_000_000)),
        (
            FEATHER,
            written(
                lambda to: pyarrow.feather.write_feather(
                    pa.table({"y_true": np.zeros(4_000_000), "y_pred": np.zeros(4_000_000)}), to, compression="zstd"
                )
            ),
        ),
    ],
    ids=["parquet", "gzip", "feather"],
)
async def test_what_becomes_too_long_is_refused_before_it_is_decoded(client: Client, media: str, body: bytes) -> None:
    assert len(body) < 1 << 20

    async with client(max_decoded_bytes=10_000_000) as http:
        answer = await http.post("/v1/evaluate?loss=mse", content=body, headers={"content-type": media})

    assert answer.status_code == 413, answer.text
    assert answer.json()["limit"] == 10_000_000


@pytest.mark.parametrize("media", [PARQUET, FEATHER])
async def test_damaged_files_are_refused(client: Client, media: str) -> None:
    table = pa.table({"y_true": [1.0, 3.0], "y_pred": [2.0, 5.5]})
    write = pyarrow.parquet.write_table if media == PARQUET else pyarrow.feather.write_feather
    whole = written(lambda to: write(table, to, compression="zstd"))

    async with client() as http:
        for place in range(0, len(whole), 3):
            body = whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]
            answer = await http.post("/v1/evaluate?loss=mse", content=body, headers={"content-type": media})
            assert answer.status_code in {200, 413, 415, 422}, (place, answer.text)
            cut = await http.post("/v1/evaluate?loss=mse", content=whole[:place], headers={"content-type": media})
            assert cut.status_code in {415, 422}, (place, cut.text)
