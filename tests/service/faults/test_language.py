"""A refusal is in the language that is asked for, with the same facts."""

import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from losses.errors import Refusal
from tests.conftest import Client
from tests.service.faults.catalogue import arrow_, files, json_, meaning, multipart_
from tests.service.faults.test_refusals import GOOD
from tests.service.problem import is_problem

pytestmark = pytest.mark.anyio
CHINESE = re.compile("[一-鿿]")
ENGLISH = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")  # three words in a row are a sentence
EVALUATE, RECOMMEND, PROFILE = "/v1/evaluate", "/v1/recommend", "/v1/profile"

WRONG = [
    ("a typo in the loss", EVALUATE, {**GOOD, "loss": "focl"}, "focal"),
    ("a missing input", EVALUATE, {"loss": "mse", "predictions": [1.0]}, "targets"),
    ("a wrong shape", EVALUATE, {**GOOD, "targets": [[1.5], [0.0]]}, "[2, 1]"),
    ("a label out of its domain", EVALUATE, {**GOOD, "loss": "bce", "targets": [1.0, 7.0]}, "[1]"),
    ("a class id too high", EVALUATE, {"loss": "cross_entropy", "predictions": [[0.0, 1.0]], "targets": [2]}, "0 到 1"),
    ("a parameter out of its range", EVALUATE, {**GOOD, "loss": "smooth_l1(beta=-1)"}, "0"),
    ("an unknown parameter", EVALUATE, {**GOOD, "loss": "smooth_l1(bta=1)"}, "beta"),
    ("a misspelt member", EVALUATE, {**GOOD, "optoins": {}}, "options"),
    ("a fact out of its range", RECOMMEND, {"task": "binary", "profile": {"outlier_rate": 1.5}}, "0.08"),
    ("an unknown task", RECOMMEND, {"task": "clasification"}, "multiclass"),
    ("an unknown scenario", RECOMMEND, {"scenario": "salaris"}, "salaries"),
    ("an unknown threshold", RECOMMEND, {"task": "binary", "thresholds": {"outlier.some": 1}}, "/outlier.some"),
    ("a threshold out of its range", RECOMMEND, {"task": "binary", "thresholds": {"outliers.some": 2}}, "1"),
    ("no task", RECOMMEND, {}, "regression"),
]


def kinds(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    """Yield every class of refusals; those of the service are imported with its application."""
    yield kind
    for other in kind.__subclasses__():
        yield from kinds(other)


def test_every_refusal_has_a_title_in_both_languages() -> None:
    titles = {kind.title for kind in kinds()}

    assert len(titles) > 40
    assert {title for title in titles if not CHINESE.search(title.zh) or CHINESE.search(title.en)} == set()


@pytest.mark.parametrize(("path", "body", "fact"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
async def test_a_refusal_is_chinese_where_that_is_asked_for(
    client: Client, path: str, body: dict[str, object], fact: str
) -> None:
    async with client() as http:
        english = is_problem(await http.post(path, json=body), 422)
        answer = await http.post(path, json=body, headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})

    chinese = is_problem(answer, 422)
    assert {**english, **dict.fromkeys(("title", "detail", "instance"))} == {
        **chinese,
        **dict.fromkeys(("title", "detail", "instance")),
    }
    assert CHINESE.search(chinese["title"])
    assert CHINESE.search(chinese["detail"])
    assert not ENGLISH.search(chinese["detail"])
    assert fact in chinese["detail"]
    assert "Accept-Language" in answer.headers["vary"]


async def test_a_body_that_is_too_large_is_refused_in_chinese(client: Client) -> None:
    async with client(max_json_bytes=50) as http:
        answer = await http.post(EVALUATE, json=GOOD, headers={"accept-language": "zh"})

    problem = is_problem(answer, 413)
    assert problem["detail"] == "请求体超过 50。请以 .npy 或 Arrow 格式发送数组,或调高 LOSSARY_MAX_JSON_BYTES。"
    assert (problem["title"], problem["limit"]) == ("过大", 50)


async def test_a_path_and_a_method_that_there_are_not_are_refused_in_chinese(client: Client) -> None:
    async with client() as http:
        path = await http.get("/v1/losess", headers={"accept-language": "zh"})
        method = await http.delete("/v1/losses", headers={"accept-language": "zh"})

    assert "/v1/losses" in is_problem(path, 404)["detail"]
    assert is_problem(method, 405)["title"] == "不允许的方法"
    assert not any(ENGLISH.search(answer.json()["detail"]) for answer in (path, method))


async def test_a_line_of_a_batch_is_refused_in_the_language_of_the_batch(client: Client) -> None:
    line = b'{"recommend": {"task": "clasification"}}\n'

    async with client() as http:
        answer = await http.post(
            "/v1/batch", content=line, headers={"content-type": "application/x-ndjson", "accept-language": "zh"}
        )

    assert answer.json()["problem"]["title"] == "没有这个任务"


@pytest.mark.parametrize("part", [arrow_, files, json_, meaning, multipart_], ids=lambda part: part.__name__)
async def test_every_fault_of_the_catalogue_is_answered_in_chinese(client: Client, part: ModuleType) -> None:
    english = []

    async with client() as http:
        for fault in part.FAULTS:
            asked = {**fault.headers, "accept-language": "zh"}
            answer = await http.request(fault.method, fault.path, headers=asked, content=fault.body)
            detail = answer.json().get("detail", "")
            if answer.is_client_error and (not CHINESE.search(detail) or ENGLISH.search(detail)):
                english.append((str(fault), detail))

    assert english == []
