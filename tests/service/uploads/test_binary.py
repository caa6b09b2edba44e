"""Bodies that are arrays alone, and files of several arrays: the same answer as JSON, or a refusal before memory."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from losses.errors import Refusal
from service.problems import TooLarge
from service.uploads.formats import npz, safetensors
from service.uploads.formats.registry import DecodingLimit, formats
from service.uploads.formats.registry import written as answered_in
from tests.conftest import Client
from tests.service.files import npy

pytestmark = pytest.mark.anyio
Z, Y = np.array([2.0, -1.0, 0.5]), np.array([1.0, 0.0, 1.0])
OCTETS = "application/octet-stream"
NPY, NPZ, SAFE = "application/x-npy", "application/x-npz", "application/x-safetensors"


def written(*arrays: np.ndarray) -> bytes:
    return b"".join(data for _, data in map(npy, arrays) if isinstance(data, bytes))


def zipped(*, compress: bool = False, **arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(buffer, **arrays)  # type: ignore[arg-type] # numpy's stub
    return buffer.getvalue()


def safe(**arrays: np.ndarray | torch.Tensor) -> bytes:
    return save_safetensors({name: torch.as_tensor(array) for name, array in arrays.items()})


BODIES = [
    (NPY, written(Z, Y), ""),
    (NPY, written(Y, Z), "&roles=targets,predictions"),
    (NPZ, zipped(predictions=Z, targets=Y), ""),
    (NPZ, zipped(predictions=Z, targets=Y, compress=True), ""),
    (SAFE, safe(predictions=Z, targets=Y), ""),
]


@pytest.mark.parametrize(("media", "body", "more"), BODIES)
async def test_a_binary_body_says_what_json_says(client: Client, media: str, body: bytes, more: str) -> None:
    asked = {
        "loss": ["bce", "focal(gamma=2)"],
        "predictions": Z.tolist(),
        "targets": Y.tolist(),
        "options": {"gradient": "summary", "standard_error": False},
    }
    url = f"/v1/evaluate?loss=bce&loss=focal(gamma=2)&gradient=summary&standard_error=false{more}"

    async with client() as http:
        as_json = (await http.post("/v1/evaluate", json=asked)).json()
        as_bytes = (await http.post(url, content=body, headers={"content-type": media})).json()

    assert as_bytes["results"] == as_json["results"]


@pytest.mark.parametrize(("media", "body", "more"), BODIES)
async def test_a_file_that_is_called_bytes_is_told_by_its_beginning(
    client: Client, media: str, body: bytes, more: str
) -> None:
    url = f"/v1/evaluate?loss=bce{more}"

    async with client() as http:
        answers = [await http.post(url, content=body, headers={"content-type": named}) for named in (media, OCTETS)]

    assert answers[1].json()["results"] == answers[0].json()["results"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"y_true,y_pred\n1,2\n", 200, ""),
        (b'{"y_true": 1, "y_pred": 2}\n', 200, ""),
        (b"\x80\x04K\x01.", 415, "pickle"),
        (b"\x01\x02", 415, "is none of"),
        (b"", 415, "is none of"),
    ],
)
async def test_text_that_is_called_bytes_is_a_table_and_anything_else_is_refused(
    client: Client, body: bytes, status: int, says: str
) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate?loss=mse", content=body, headers={"content-type": OCTETS})

    assert answer.status_code == status
    assert says in answer.json().get("detail", "")
    assert says or answer.json()["results"][0]["value"] == 1.0


async def test_a_sum_in_the_query_may_lose_its_plus(client: Client) -> None:
    body = written(Z[None, None], Y[None, None])

    async with client() as http:
        answer = await http.post("/v1/evaluate?loss=dice+bce", content=body, headers={"content-type": NPY})

    assert answer.json()["results"][0]["loss"] == "dice + bce"


@pytest.mark.parametrize(
    ("name", "data"),
    [("y.npz", zipped(anything=Y)), ("y.npz", zipped(targets=Y, others=Z)), ("y.safetensors", safe(targets=Y))],
)
async def test_a_part_may_be_any_format(client: Client, name: str, data: bytes) -> None:
    files = {"request": (None, '{"loss": "bce"}'), "predictions": npy(Z), "targets": (name, data)}

    async with client() as http:
        answer = await http.post("/v1/evaluate", files=files)

    assert answer.json()["results"][0]["kept"] == 3


async def test_a_profile_is_measured_from_a_binary_body(client: Client) -> None:
    async with client() as http:
        url = "/v1/profile?task=binary&roles=targets"
        answer = await http.post(url, content=written(Y), headers={"content-type": NPY})

    assert answer.json()["profile"]["positive_share"]["value"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "dtype",
    list(safetensors.DTYPES.values()),
)
def test_every_dtype_that_the_library_writes_is_read(dtype: torch.dtype) -> None:
    values = torch.tensor([[0, 1], [2, 3]]).to(dtype)
    odd = torch.tensor([1], dtype=torch.uint8)

    read = dict(safetensors.FORMAT.decode("x", bytearray(safe(a=odd, values=values, z=odd.clone())), DecodingLimit(1)))

    assert read["values"].tolist() == values.to(torch.float64).tolist()
    assert read["values"].data_ptr() % read["values"].element_size() == 0


def header(said: object, numbers: bytes = b"") -> bytes:
    text = said if isinstance(said, bytes) else json.dumps(said).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def entry(begin: int = 0, end: int = 4, shape: tuple[object, ...] = (1,), dtype: object = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


HOSTILE_SAFETENSORS = [
    ("length of 2^63", struct.pack("<Q", 2**63) + b"{}", "header"),
    ("header past the cap", header(b"{" + b" " * (1 << 20)), "header"),
    ("no JSON", header(b"{x"), "no JSON"),
    ("an array for a header", header([1]), "no JSON object"),
    ("overlap", header({"a": entry(), "b": entry()}, b"\0" * 4), "overlap"),
    ("hole", header({"a": entry(4, 8)}, b"\0" * 8), "hole"),
    ("bytes that follow", header({"a": entry()}, b"\0" * 8), "follow"),
    ("shape that lies", header({"a": entry(shape=(2**32, 2**32))}, b"\0" * 4), "lie"),
    ("negative length", header({"a": entry(shape=(-1,))}), "whole numbers"),
    ("true for a length", header({"a": entry(shape=(True,))}), "whole numbers"),
    ("nine axes", header({"a": entry(shape=(1,) * 9)}), "at most 8"),
    ("unknown dtype", header({"a": entry(dtype="C64")}), "dtype"),
    ("list for a dtype", header({"a": entry(dtype=["F32"])}), "dtype"),
    ("number for a tensor", header({"a": 1}), "dtype"),
]


@pytest.mark.parametrize(
    ("data", "says"), [row[1:] for row in HOSTILE_SAFETENSORS], ids=[r[0] for r in HOSTILE_SAFETENSORS]
)
def test_hostile_safetensors_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        list(safetensors.FORMAT.decode("x", bytearray(data), DecodingLimit(1 << 30)))


def archive(name: str = "predictions.npy", data: bytes | None = None, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr(name, written(Z) if data is None else data)
    return buffer.getvalue()


def _twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.npy", b"")
    return buffer.getvalue()


def _encrypted() -> bytes:
    data = bytearray(archive())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    return bytes(data)


def _lying() -> bytes:
    data = bytearray(archive(data=b"\0" * 4096, method=zipfile.ZIP_DEFLATED))
    place = data.index(b"PK\x01\x02") + 24  # the size that the directory declares
    data[place : place + 4] = struct.pack("<I", 8)
    return bytes(data)


HOSTILE_NPZ = [
    ("cut short", archive()[:-10], "damaged"),
    ("a size that lies", _lying(), "damaged"),
    ("a path", archive("../x.npy"), "not named"),
    ("no .npy", archive("predictions.txt"), "numpy did not write"),
    ("LZMA", archive(method=zipfile.ZIP_LZMA), "method"),
    ("encrypted", _encrypted(), "encrypted"),
    ("no array inside", archive(data=b"\x80\x04K\x01."), "no .npy file"),
]


@pytest.mark.parametrize(("data", "says"), [row[1:] for row in HOSTILE_NPZ], ids=[row[0] for row in HOSTILE_NPZ])
def test_a_hostile_npz_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        list(npz.FORMAT.decode("x", bytearray(data), DecodingLimit(1 << 30)))


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.raises(Refusal, match="same name"):
        list(npz.FORMAT.decode("x", bytearray(_twice()), DecodingLimit(1 << 30)))


def test_a_bomb_is_refused_by_its_directory() -> None:
    bomb = zipped(predictions=np.zeros(1 << 20), compress=True)

    with pytest.raises(TooLarge):
        list(npz.FORMAT.decode("x", bytearray(bomb), DecodingLimit(1 << 20)))
    assert len(bomb) < 1 << 14


WRONG = [
    (NPY, written(Z), "?loss=mse", 422, "targets"),
    (NPY, written(Z, Y, Y), "?loss=mse", 422, "3 arrays"),
    (NPY, written(Z, Y), "?loss=mse&roles=predictions,tagets", 422, "Did you mean targets?"),
    (NPY, written(Z, Y), "?loss=mse&reducton=sum", 422, "Did you mean reduction?"),
    (NPY, written(Z, Y), "?loss=focl", 422, "Did you mean focal?"),
    (NPY, written(Z, Y), "", 422, "loss"),
    (NPZ, zipped(predictions=Z, tagets=Y), "?loss=mse", 422, "Did you mean targets?"),
    (NPZ, b"PK", "?loss=mse", 422, "damaged"),
    (SAFE, b"", "?loss=mse", 422, "header"),
    ("application/x-pickle", b"\x80\x04K\x01.", "?loss=mse", 415, "Content-Type"),
]


@pytest.mark.parametrize(("media", "body", "query", "status", "says"), WRONG)
async def test_a_wrong_binary_body_is_refused(
    client: Client, media: str, body: bytes, query: str, status: int, says: str
) -> None:
    async with client() as http:
        answer = await http.post(f"/v1/evaluate{query}", content=body, headers={"content-type": media})

    assert answer.status_code == status
    assert says in answer.json()["detail"]
    assert len(answer.content) <= 4096


async def test_the_docs_offer_every_format(client: Client) -> None:
    async with client() as http:
        paths = (await http.get("/openapi.json")).json()["paths"]

    for path in ("/v1/evaluate", "/v1/profile", "/v1/datasets"):
        file = paths[path]["post"]["requestBody"]["content"]["application/octet-stream"]["schema"]
        assert all(media in file["description"] for media in formats())


def _opened(media: str, body: bytes) -> tuple[dict[str, np.ndarray], bytes | None]:
    if media == NPY:
        return {"values": np.load(io.BytesIO(body))}, None
    if media == NPZ:
        with np.load(io.BytesIO(body)) as file:
            return {name: file[name] for name in file.files if name != "answer.json"}, file["answer.json"]
    length = int.from_bytes(body[:8], "little")
    said = json.loads(body[8 : 8 + length])["__metadata__"]["answer"]
    return {name: tensor.numpy() for name, tensor in load_safetensors(body).items()}, said


@pytest.mark.parametrize("media", [NPY, NPZ, SAFE])
async def test_values_come_back_as_a_file_where_accept_asks_for_one(client: Client, media: str) -> None:
    url, headers = "/v1/evaluate?loss=mse&reduction=none", {"content-type": NPY, "accept": f"{media}, */*"}

    async with client(max_answer_numbers=1) as http:
        answer = await http.post(url, content=written(Z, Y), headers=headers)

    assert answer.headers["content-type"] == media
    arrays, said = _opened(media, answer.content)
    assert arrays["values"].tolist() == ((Z - Y) ** 2).tolist()
    if said:
        assert json.loads(said)["results"][0]["kept"] == 3


@pytest.mark.parametrize("media", [NPZ, SAFE])
async def test_gradients_of_several_losses_come_back_by_place_and_role(client: Client, media: str) -> None:
    url = "/v1/evaluate?loss=mse&loss=mae&gradient=full"

    async with client() as http:
        answer = await http.post(url, content=written(Z, Y), headers={"content-type": NPY, "accept": media})

    arrays, _ = _opened(media, answer.content)
    assert set(arrays) == {"0.gradients.predictions", "1.gradients.predictions"}
    assert arrays["0.gradients.predictions"] == pytest.approx(2 * (Z - Y) / 3)


async def test_an_answer_without_arrays_stays_json(client: Client) -> None:
    async with client() as http:
        url = "/v1/evaluate?loss=mse"
        answer = await http.post(url, content=written(Z, Y), headers={"content-type": NPY, "accept": NPZ})

    assert answer.headers["content-type"] == "application/json"


async def test_two_arrays_are_too_many_for_a_npy(client: Client) -> None:
    url, headers = "/v1/evaluate?loss=mse&loss=mae&reduction=none", {"content-type": NPY, "accept": NPY}

    async with client() as http:
        answer = await http.post(url, content=written(Z, Y), headers=headers)

    assert answer.status_code == 422
    assert ".npz several" in answer.json()["detail"]


def test_half_precision_is_written_as_it_is_or_wider() -> None:
    tensor = torch.tensor([1.5, -2.0], dtype=torch.bfloat16)

    written_npy = answered_in()[NPY].encode({"values": tensor}, b"{}")
    written_safe = answered_in()[SAFE].encode({"values": tensor}, b"{}")

    assert np.load(io.BytesIO(written_npy)).dtype == np.float32
    assert load_safetensors(written_safe)["values"].dtype == torch.bfloat16
