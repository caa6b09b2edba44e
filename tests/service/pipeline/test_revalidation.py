"""Answers that change with the service alone have a tag, and one that a client has is not sent again."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Client
from tests.service.pipeline.test_auth import line

pytestmark = pytest.mark.anyio
QUESTION = {"task": "regression", "profile": {"outlier_rate": 0.08}}
TAGGED = {
    "/v1/losses": "GET",
    "/v1/losses?task=binary": "GET",
    "/v1/losses/mse": "GET",
    "/v1/losses/mse/curve": "GET",
    "/v1/losses/mse/curve?format=svg": "GET",
    "/v1/rules": "GET",
    "/v1/rules?task=binary": "GET",
    "/v1/recommend": "POST",
    "/openapi.json": "GET",
    "/docs": "GET",
    "/favicon.ico": "GET",
}
every_tagged = pytest.mark.parametrize("path", TAGGED)


async def ask(http: httpx.AsyncClient, path: str, **headers: str) -> httpx.Response:
    body: dict[str, Any] = {"json": QUESTION} if TAGGED[path] == "POST" else {}
    return await http.request(TAGGED[path], path, headers={"accept-encoding": "identity", **headers}, **body)


async def test_one_answer_has_one_tag_and_two_answers_have_two(client: Client) -> None:
    async with client() as http:
        first = {path: await ask(http, path) for path in TAGGED}
        second = {path: await ask(http, path) for path in TAGGED}

    tags = {path: answer.headers["etag"] for path, answer in first.items()}
    assert tags == {path: answer.headers["etag"] for path, answer in second.items()}
    assert len(set(tags.values())) == len(TAGGED)
    assert {answer.headers["cache-control"] for answer in first.values()} == {"no-cache"}


@every_tagged
async def test_a_client_that_has_the_answer_is_told_so(client: Client, path: str) -> None:
    async with client() as http:
        whole = await ask(http, path)
        tag = whole.headers["etag"]
        names = (tag, f"W/{tag}", f'"x", {tag}', f'"x",W/{tag} , "y"', "*")
        answers = [await ask(http, path, **{"if-none-match": named}) for named in names]

    kept = {"etag", "cache-control", "vary"} & set(whole.headers)
    for again in answers:
        assert (again.status_code, again.content) == (304, b"")
        assert {name: again.headers[name] for name in kept} == {name: whole.headers[name] for name in kept}
        assert again.headers["x-request-id"]
        assert not {"content-type", "content-length", "content-encoding"} & set(again.headers)


@every_tagged
async def test_a_client_that_has_another_answer_gets_this_one(client: Client, path: str) -> None:
    async with client() as http:
        whole = await ask(http, path)
        answers = [await ask(http, path, **{"if-none-match": named}) for named in ('"x"', "", "x", '"*"', "W/")]

    assert {(answer.status_code, answer.content) for answer in answers} == {(200, whole.content)}


async def test_the_document_says_so_of_the_same_operations(client: Client) -> None:
    async with client() as http:
        paths = (await http.get("/openapi.json")).json()["paths"]

    said = {path for path, operations in paths.items() for each in operations.values() if "304" in each["responses"]}
    shown = {"/v1/losses/{loss_id}", "/v1/losses/{loss_id}/curve", "/v1/losses", "/v1/rules", "/v1/recommend"}
    shown |= {"/v1/experiments/{experiment_id}", "/v1/evaluations/{evaluation_id}"}
    assert said == shown


async def test_a_refusal_has_no_tag(client: Client) -> None:
    async with client() as http:
        refused = await http.get("/v1/losses/focl", headers={"if-none-match": "*"})

    assert refused.status_code == 404
    assert "etag" not in refused.headers


async def test_head_has_the_tag_of_get(client: Client) -> None:
    async with client() as http:
        got, head = await http.get("/v1/rules"), await http.head("/v1/rules")
        again = await http.head("/v1/rules", headers={"if-none-match": got.headers["etag"]})

    assert head.headers["etag"] == got.headers["etag"]
    assert again.status_code == 304


async def test_an_answer_in_another_language_is_another(client: Client) -> None:
    async with client() as http:
        english = await ask(http, "/v1/recommend")
        chinese = await ask(http, "/v1/recommend", **{"accept-language": "zh"})

    assert english.headers["etag"] != chinese.headers["etag"]
    assert "Accept-Language" in english.headers["vary"]


@asynccontextmanager
async def guarded(client: Client, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    file = folder / "keys.toml"
    file.write_text(line("one", "lossary_one", "rate = 60"))
    async with client(keys=file) as http:
        yield http


async def test_where_keys_are_asked_for_no_shared_cache_keeps_an_answer(client: Client, tmp_path: Path) -> None:
    async with guarded(client, tmp_path) as http:
        mine = await http.get("/v1/rules", headers={"x-api-key": "lossary_one"})
        again = await http.get("/v1/rules", headers={"x-api-key": "lossary_one", "if-none-match": mine.headers["etag"]})
        stranger = await http.get("/v1/rules", headers={"if-none-match": mine.headers["etag"]})

    assert mine.headers["cache-control"] == "private, no-cache"
    assert (again.status_code, stranger.status_code) == (304, 401)
    assert again.headers["ratelimit"] == '"default";r=58;t=2'


async def test_other_thresholds_are_other_rules(client: Client, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[thresholds]\noutliers.some = 0.1\n")

    async with client() as http, client(rules=rules) as other:
        usual, changed = await http.get("/v1/rules"), await other.get("/v1/rules")

    assert json.loads(usual.content)["rules_hash"] != json.loads(changed.content)["rules_hash"]
    assert usual.headers["etag"] != changed.headers["etag"]
