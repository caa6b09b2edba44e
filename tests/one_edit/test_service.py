"""A format, a setting, a metric, a route and a refusal are one edit each; everything else finds them."""

import hashlib
import json

from tests.one_edit.copies import Copy

FORMAT = '''"""Numbers as decimal text, one a line; a blank line ends an array."""

from collections.abc import Mapping

import torch
from torch import Tensor

from service.uploads.formats.registry import Arrays, Buffer, DecodingLimit, ArrayFormat


def _matches(data: Buffer, filename: str, media: str) -> bool:
    return filename.endswith(".digits") or media == "application/x-digits"


def _decode(name: str, data: Buffer, limit: DecodingLimit) -> Arrays:
    for part in bytes(data).decode().split("\\n\\n"):
        yield None, torch.tensor([float(line) for line in part.split()], dtype=torch.float64)


def _encode(arrays: Mapping[str, Tensor], answer: bytes) -> bytes:
    return "\\n\\n".join("\\n".join(map(str, array.tolist())) for array in arrays.values()).encode()


FORMAT = ArrayFormat(
    suffix=".digits",
    media="application/x-digits",
    matches=_matches,
    decode=_decode,
    encode=_encode,
    inflates=8,
    has_names=False,
)
'''
ROUTE = '''"""GET /v1/coin: heads or tails?"""

from fastapi import APIRouter
from pydantic import BaseModel

from service.pipeline.properties import properties

router = APIRouter(prefix="/v1", tags=["chance"])


class Coin(BaseModel):
    """One throw."""

    side: str


@router.get("/coin", summary="Which side is up?")
@properties("recommend")
async def coin() -> Coin:
    """Throw a coin that has one side."""
    return Coin(side="heads")
'''
REFUSAL = """

class NoWish(HttpRefusal):
    status = HTTPStatus.CONFLICT
    title = Text("The fairy grants no more wishes", "仙女不再实现愿望")
    example: ClassVar = {"granted": 3}

    def __init__(self, granted: int) -> None:
        super().__init__(Text(f"{granted} wishes were granted.", f"已实现 {granted} 个愿望。"), granted=granted)
"""
KEY = "a key of this test"
LINES = b"1\n2\n\n0\n0\n"


def test_a_format_is_read_as_a_body_and_as_a_part_written_and_described(copy: Copy) -> None:
    copy.append("service/uploads/formats/digits.py", FORMAT)
    url, media = "/v1/evaluate", "application/x-digits"

    listings = copy.listings(
        {"method": "POST", "url": url, "params": {"loss": "mse"}, "content": LINES, "headers": {"Content-Type": media}},
        {
            "method": "POST",
            "url": url,
            "files": [
                ("request", ("", b'{"loss": "mse"}', "application/json")),
                ("predictions", ("p.digits", b"1\n2\n")),
                ("targets", ("t.digits", b"0\n0\n")),
            ],
        },
        {
            "method": "POST",
            "url": url,
            "params": {"loss": "mse", "reduction": "none"},
            "content": LINES,
            "headers": {"Content-Type": media, "Accept": media},
        },
        {
            "method": "POST",
            "url": url,
            "files": [
                ("request", ("", b'{"loss": "mse"}', "application/json")),
                ("predictions", ("p.pickle", b"no format")),
                ("targets", ("t.digits", b"0\n0\n")),
            ],
        },
    )
    body, part, written, unknown = listings.answers

    assert [json.loads(answer)["results"][0]["value"] for _, answer in (body, part)] == [2.5, 2.5]
    assert written == (200, b"1.0\n4.0")
    assert unknown[0] == 415
    assert ".digits" in json.loads(unknown[1])["detail"]
    assert listings.places(media) >= {"/openapi.json", "docs: formats"}


def test_a_setting_is_read_from_the_environment_listed_and_described(copy: Copy) -> None:
    copy.insert(
        "service/settings.py",
        '    host: Annotated[str, Field(description="The address',
        '    max_wishes: Annotated[int, Field(ge=1, description="The most wishes of one fairy.")] = 3\n',
    )

    listings = copy.listings({"method": "GET", "url": "/v1/limits"}, LOSSARY_MAX_WISHES="7")
    limits = {limit["name"]: limit for limit in json.loads(listings.answers[0][1])["limits"]}

    assert limits["max_wishes"] == {
        "name": "max_wishes",
        "value": 7,
        "meaning": "The most wishes of one fairy.",
        "variable": "LOSSARY_MAX_WISHES",
    }
    assert listings.places("LOSSARY_MAX_WISHES") >= {"docs: settings", "/v1/limits"}


def test_a_metric_is_counted_shown_and_described(copy: Copy) -> None:
    metrics = "service/observability/metrics.py"
    copy.insert(
        metrics,
        "        self.evaluations = Counter(\n",
        '        self.doors = Counter("lossary_doors_total", "Doors that were opened.", registry=own)\n',
    )
    copy.insert(metrics, "        kind.requests.inc()\n", "        self.doors.inc()\n")

    listings = copy.listings()
    panel = next(each for each in json.loads(listings.texts["dashboard"])["panels"] if each["title"] == "Doors")

    assert "lossary_doors_total 0.0" not in listings.texts["/metrics"]
    assert listings.places("lossary_doors_total") >= {"/metrics", "docs: metrics", "dashboard"}
    assert listings.places("Doors that were opened.") >= {"docs: panels"}
    assert panel["targets"][0]["expr"] == 'sum(rate(lossary_doors_total{service=~"$service"}[$__rate_interval]))'


def test_a_route_is_served_guarded_counted_and_described(copy: Copy) -> None:
    copy.append("service/routes/coin.py", ROUTE)
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    copy.append("keys.toml", f'[[key]]\nname = "a"\nsha256 = "{digest}"\nscopes = ["recommend"]\n')
    copy.append("other.toml", f'[[key]]\nname = "a"\nsha256 = "{digest}"\nscopes = ["evaluate"]\n')
    key = {"Authorization": f"Bearer {KEY}"}

    throw = {"method": "GET", "url": "/v1/coin"}
    listings = copy.listings(throw, {"method": "GET", "url": "/v1/coyn"})
    guarded = copy.listings(throw, {**throw, "headers": key}, LOSSARY_KEYS="keys.toml")
    other = copy.listings({**throw, "headers": key}, LOSSARY_KEYS="other.toml")

    (status, side), (unknown, problem) = listings.answers
    assert (status, json.loads(side)) == (200, {"side": "heads"})
    assert (unknown, json.loads(problem)["did_you_mean"]) == (404, "/v1/coin")
    assert [status for status, _ in (*guarded.answers, *other.answers)] == [401, 200, 403]
    assert listings.places("/v1/coin") >= {"/openapi.json", "docs: endpoints"}


def test_a_refusal_is_listed_and_has_its_example_in_the_document(copy: Copy) -> None:
    copy.append("service/problems/stored.py", REFUSAL)

    listings = copy.listings()
    example = json.loads(listings.texts["/openapi.json"])["components"]["examples"]["no-wish"]["value"]

    assert listings.places("urn:lossary:no-wish") >= {"/openapi.json", "docs: refusals"}
    assert (example["status"], example["detail"], example["granted"]) == (409, "3 wishes were granted.", 3)
