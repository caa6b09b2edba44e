"""Files that are not read here are told what they are, and the way out, followed as it stands, gives the number."""

import io
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather

from losses.errors import Refusal
from service.uploads.formats import npy
from service.uploads.formats.foreign import BEGINNINGS, MEMBERS, foreign
from service.uploads.formats.npy_header import DTYPES, MAGIC, NAMES
from service.uploads.formats.registry import formats
from tests.conftest import Client
from tests.service.files import npy as npy_part
from tests.service.problem import is_problem

pytestmark = pytest.mark.anyio
PREDICTIONS, TARGETS = [1.0, 2.0], [1.5, 0.0]
VALUE = 2.125  # of mse
EVALUATE = "/v1/evaluate?loss=mse"


def saved(save: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()


def write(path: Path, content: bytes) -> bytes:
    path.write_bytes(content)
    return content


def archive(*members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for member in members:
            file.writestr(member, "x")
    return buffer.getvalue()


def code(detail: str, call: str) -> str:
    """Return the call that a sentence tells one to make, up to the bracket that closes it."""
    start, depth = detail.index(call), 0
    for end, letter in enumerate(detail[start:], start):
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and not depth:
            return detail[start : end + 1]
    pytest.fail(f"no whole call of {call} in {detail}")


def followed(text: str, makes: str, **variables: object) -> bytes:
    """Do what a refusal says, and return the file that comes of it."""
    libraries = {"numpy": np, "torch": torch}
    exec(text, {**libraries, **variables})  # noqa: S102 - our own sentence
    return Path(makes).read_bytes()


async def sent(http: httpx.AsyncClient, predictions: bytes, filename: str = "predictions") -> httpx.Response:
    files = {"predictions": (filename, predictions), "targets": npy_part(TARGETS)}
    return await http.post(EVALUATE, files=files)


OBJECTS = np.array(PREDICTIONS, object)
FOREIGN: list[tuple[str, bytes, dict[str, Any], str]] = [
    ("file.pt", saved(lambda file: torch.save(torch.tensor(PREDICTIONS, requires_grad=True), file)), {}, ".pt"),
    ("file.pkl", pickle.dumps(PREDICTIONS), {"values": PREDICTIONS}, "a pickle"),
    ("file.npy", saved(lambda file: np.save(file, OBJECTS, allow_pickle=True)), {"array": OBJECTS}, "an object array"),
]


@pytest.mark.parametrize(("filename", "content", "variables", "said"), FOREIGN, ids=[row[0] for row in FOREIGN])
async def test_the_way_out_followed_to_the_letter_gives_the_right_number(
    client: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    filename: str,
    content: bytes,
    variables: dict[str, Any],
    said: str,
) -> None:
    for name in (filename, "predictions.pt"):
        write(tmp_path / name, content)
    monkeypatch.chdir(tmp_path)

    async with client() as http:
        problem = is_problem(await sent(http, content, filename), 415)
        way_out = code(problem["detail"], "numpy.save(")
        answer = await sent(http, followed(way_out, "predictions.npy", file="predictions.npy", **variables))

    assert said in problem["detail"]
    assert answer.json()["results"][0]["value"] == VALUE


def tables() -> dict[str, bytes]:
    table = pa.table({"predictions": PREDICTIONS, "targets": TARGETS})
    return {
        "application/vnd.apache.parquet": saved(lambda file: pq.write_table(table, file)),
        "application/vnd.apache.arrow.file": saved(lambda file: feather.write_feather(table, file, "uncompressed")),
        "text/csv": b"predictions,targets\n1,1.5\n2,0\n",
        "application/x-ndjson": b'{"predictions":1,"targets":1.5}\n{"predictions":2,"targets":0}\n',
    }


@pytest.mark.parametrize("called", ["application/x-npz", "application/x-npy", "text/csv"])
@pytest.mark.parametrize("media", tables())
async def test_a_file_of_another_name_is_told_the_media_type_that_it_has(
    client: Client, media: str, called: str
) -> None:
    content = tables()[media]

    async with client() as http:
        refused = await http.post(EVALUATE, content=content, headers={"Content-Type": called})
        told = media if called == media else is_problem(refused, 415)["detail"]
        answer = await http.post(EVALUATE, content=content, headers={"Content-Type": media})

    assert media in told
    assert answer.json()["results"][0]["value"] == VALUE


async def test_a_workbook_that_is_called_csv_is_told_to_be_one(client: Client) -> None:
    async with client() as http:
        answer = await sent(http, archive("xl/workbook.xml"), "predictions.csv")

    assert "to_csv('file.csv', index=False)" in is_problem(answer, 415)["detail"]


async def test_text_in_a_part_is_told_the_filename_that_makes_it_csv(client: Client) -> None:
    async with client() as http:
        refused = await sent(http, b"1.0\n2.0\n")
        answer = await sent(http, b"1.0\n2.0\n", "predictions.csv")

    assert "filename ends in .csv" in is_problem(refused, 415)["detail"]
    assert answer.json()["results"][0]["value"] == VALUE


@pytest.mark.parametrize("media", ["application/x-npz", "application/x-npy", "application/x-safetensors"])
@pytest.mark.parametrize("of", ["a tensor", "a dictionary", "a module"])
async def test_a_file_of_torch_is_told_from_an_archive_of_numpy_whatever_it_is_called(
    client: Client, media: str, of: str
) -> None:
    kinds: dict[str, object] = {
        "a tensor": torch.tensor(PREDICTIONS),
        "a dictionary": {"predictions": torch.tensor(PREDICTIONS)},
        "a module": torch.nn.Linear(2, 2).state_dict(),
    }
    body = saved(lambda file: torch.save(kinds[of], file))

    async with client() as http:
        answer = await http.post(EVALUATE, content=body, headers={"Content-Type": media})

    assert "a file of torch.save (.pt)" in is_problem(answer, 415)["detail"]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"), "an Excel workbook"),
        (("mimetype", "content.xml"), "an OpenDocument file"),
        (("config.json", "metadata.json", "model.weights.h5"), "a Keras model"),
        (("2024/a.csv", "2024/b.csv"), "CSV files"),
        (("notes.md",), "that numpy did not write"),
    ],
)
async def test_other_archives_are_told_by_their_members(client: Client, members: tuple[str, ...], said: str) -> None:
    async with client() as http:
        part = await sent(http, archive(*members), "predictions.npz")
        body = await http.post(EVALUATE, content=archive(*members), headers={"Content-Type": "application/x-npz"})

    assert said in is_problem(part, 415)["detail"]
    assert said in is_problem(body, 415)["detail"]


@pytest.mark.parametrize(
    ("beginning", "said"),
    [(beginning, kind.called.en) for beginnings, kind in BEGINNINGS for beginning in beginnings],
)
def test_every_other_file_is_told_by_its_first_bytes(beginning: bytes, said: str) -> None:
    kind = foreign(beginning + b"\0" * 100)

    assert kind is not None
    assert kind.called.en == said


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 99, b"PK\x03\x04 no archive", archive("predictions.npy")])
def test_nothing_is_said_of_what_is_not_known(content: bytes) -> None:
    assert foreign(content) is None


def test_every_way_out_ends_in_a_file_that_is_read_here() -> None:
    kinds = {kind for _, kind in (*BEGINNINGS, *MEMBERS)}

    for kind in kinds:
        assert re.search(r"numpy\.savez?\W|[Ss]end |Unpack|Unzip|to_csv", kind.way_out.en), kind
        assert kind.read_as in ("", *formats())


orders = st.sampled_from(["<", ">", "=", "|", ""])
shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@given(st.sampled_from(sorted(NAMES)), orders, shapes, st.booleans(), st.sampled_from(["1", "2", "3", "1L", "2L"]))
def test_whatever_numpy_reads_is_read_alike(
    name: str,
    order: str,
    shape: tuple[int, ...],
    fortran: bool,  # noqa: FBT001 - a case
    written: str,
) -> None:
    version, long = int(written[0]), written[1:]  # Python 2 wrote long numbers so
    kind = f"{order}{NAMES[name] if order else name}"
    lengths = "".join(f"{length}{long}, " for length in shape)
    text = f"{{'shape': ({lengths}), 'fortran_order': {fortran}, 'descr': '{kind}'}}\n".encode()
    numbers = bytes(np.arange(1, 1 + int(np.prod(shape)), dtype=np.uint8)) * np.dtype(kind).itemsize
    size = len(text).to_bytes(2 if version == 1 else 4, "little")
    file = MAGIC + bytes([version, 0]) + size + text + numbers[: int(np.prod(shape)) * np.dtype(kind).itemsize]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns of what Python 2 wrote
        theirs = np.load(io.BytesIO(file))

    if theirs.dtype.kind == "u" and theirs.dtype.itemsize == 8 and theirs.size and theirs.max() >= 1 << 63:
        with pytest.raises(Refusal, match="2\\^63"):
            npy.decode("predictions", bytearray(file))
        return
    ours = npy.decode("predictions", bytearray(file)).numpy()

    assert ours.shape == theirs.shape
    assert np.array_equal(ours.astype(float), theirs.astype(float), equal_nan=True)


def test_every_dtype_has_the_name_that_numpy_gives_it() -> None:
    assert {NAMES[np.dtype(kind).name] for kind in DTYPES} == set(DTYPES)


def test_a_structured_array_is_sent_by_its_fields() -> None:
    array = np.array([(1.0, 2), (3.0, 4)], [("y", "f8"), ("fold", "i8")])
    with pytest.raises(Refusal) as refused:
        npy.decode("predictions", bytearray(saved(lambda file: np.save(file, array))))

    (way_out,) = re.findall(r"array\[array\S+\]", refused.value.message)
    field = eval(way_out, {"array": array})  # noqa: S307 - our own sentence

    assert field.tolist() == [1.0, 3.0]
