"""The docs page needs nothing from outside, and what it offers works as it stands."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from losses.errors import refusal_kinds
from service.server.heads import HeadRefusal
from tests.conftest import Client
from tests.service.document import body_schema, resolved
from tests.service.files import Files, npy

pytestmark = pytest.mark.anyio


async def test_the_page_loads_nothing_from_outside(client: Client) -> None:
    async with client() as http:
        page = await http.get("/docs")
        links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        answers = [await http.get(link) for link in links]

    assert len(links) >= 3
    assert all(link.startswith("/") for link in links)
    assert all(answer.is_success for answer in answers)


@pytest.mark.parametrize("written", ["/lossary", "lossary", "/lossary/"])
@pytest.mark.parametrize("stripped", [True, False])
async def test_all_of_it_works_below_the_prefix_of_a_proxy(client: Client, written: str, *, stripped: bool) -> None:
    async with client(root_path=written) as http:

        async def through_proxy(path: str) -> httpx.Response:
            assert path.startswith("/lossary/")
            return await http.get(path.removeprefix("/lossary") if stripped else path)

        page = await through_proxy("/lossary/docs")
        links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        files = [await through_proxy(link) for link in links]
        [root] = re.findall(r'data-root="([^"]+)"', page.text)
        document = (await through_proxy(f"{root}/openapi.json")).json()
        server = document["servers"][0]["url"]
        answers = [await through_proxy(f"{server}{path}") for path in ("/v1/losses/mse/", "/v1/limits", "/healthz")]

    assert len(links) >= 3
    assert server == "/lossary"
    assert {answer.status_code for answer in [*files, *answers]} == {200}


async def test_a_path_that_only_begins_like_the_prefix_is_none(client: Client) -> None:
    async with client(root_path="/v1") as http:
        answers = [await http.get(path) for path in ("/v1/v1/limits", "/v1/limits", "/v12/limits", "/v1")]

    assert [answer.status_code for answer in answers] == [200, 404, 404, 404]


async def test_operations_are_named_for_what_generated_clients_call(client: Client) -> None:
    async with client() as http:
        paths = (await http.get("/openapi.json")).json()["paths"]

    ids = [operation["operationId"] for operations in paths.values() for operation in operations.values()]
    assert len(ids) == len(set(ids))
    assert {"recommend", "profile", "evaluate", "advise", "losses", "loss", "curve", "create_experiment"} <= set(ids)
    assert all(name.isidentifier() for name in ids)


async def test_models_have_names_of_their_own(client: Client) -> None:
    async with client() as http:
        schemas = (await http.get("/openapi.json")).json()["components"]["schemas"]

    assert not [name for name in schemas if "__" in name]  # which two models of one name get, with their modules


async def test_json_is_what_an_operation_answers_first(client: Client) -> None:
    async with client() as http:
        paths = (await http.get("/openapi.json")).json()["paths"]

    contents = [response.get("content", {}) for _, responses in _responses(paths) for response in responses.values()]
    assert all(next(iter(content)) == "application/json" for content in contents if "application/json" in content)


async def test_bodies_are_schemas_with_a_name(client: Client) -> None:
    async with client() as http:
        document = (await http.get("/openapi.json")).json()

    bodies = [
        described["schema"]
        for operations in document["paths"].values()
        for operation in operations.values()
        for described in operation.get("requestBody", {}).get("content", {}).values()
    ]
    assert len(bodies) >= 10
    assert all("$ref" in schema or schema.get("format") == "binary" for schema in bodies)
    assert not [schema for schema in bodies if "$ref" in schema and "anyOf" in resolved(document, schema)]


async def test_what_a_url_may_say_beside_a_body_is_declared(client: Client) -> None:
    async with client() as http:
        paths = (await http.get("/openapi.json")).json()["paths"]

    parameters = {entry["name"]: entry["schema"] for entry in paths["/v1/evaluate"]["post"]["parameters"]}
    assert {"loss", "roles", "dataset", "brief", "reduction", "gradient", "dtype", "class_axis"} <= set(parameters)
    assert parameters["loss"]["type"] == "array"
    assert not [name for name, schema in parameters.items() if "default" in schema]  # which generated clients send


async def test_every_example_works_as_it_stands(client: Client, tmp_path: Path) -> None:
    async with client(data=tmp_path) as http:
        document = (await http.get("/openapi.json")).json()
        answers = [
            (method, path, await _execute(http, method, path, operation))
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if not any(name in path for name in ("{experiment_id}", "{evaluation_id}"))  # it is a new one each time
        ]

    assert len(answers) >= 8
    for method, path, answer in answers:
        assert answer.is_success, (method, path, answer.text)


async def _execute(http: httpx.AsyncClient, method: str, path: str, operation: dict[str, Any]) -> httpx.Response:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", next(iter(parameter["examples"].values()))["value"])
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return await http.request(method, path)
    media, described = next((media, each) for media, each in content.items() if "examples" in each)
    sent = [
        json.dumps(example["value"]) if media == "application/json" else example["value"]
        for example in described["examples"].values()
    ]
    answers = [await http.request(method, path, content=each, headers={"content-type": media}) for each in sent]
    return next((answer for answer in answers if not answer.is_success), answers[0])


@pytest.mark.parametrize("path", ["/v1/evaluate", "/v1/profile", "/v1/advise"])
async def test_files_are_chosen_by_name_and_sent_with_the_example_beside_them(client: Client, path: str) -> None:
    async with client() as http:
        document = (await http.get("/openapi.json")).json()
        form = body_schema(document, path, "multipart/form-data")["properties"]
        files: Files = {"request": (None, json.dumps(resolved(document, form["request"])["example"]))}
        files |= {role: npy([1.0, 2.0]) for role in ("predictions", "targets")}
        answer = await http.post(path, files=files)

    others = {"embeddings", "labels"} if path == "/v1/profile" else {"anchor", "real", "weights", "mask"}
    assert {"predictions", "targets", *others} <= set(form)
    assert all(part["format"] == "binary" for name, part in form.items() if name != "request")
    assert answer.is_success


def _responses(paths: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(path, each["responses"]) for path, operations in paths.items() for each in operations.values()]


async def test_every_refusal_is_documented_as_a_problem(client: Client) -> None:
    async with client() as http:
        document = (await http.get("/openapi.json")).json()

    for path in ("/v1/evaluate", "/v1/recommend", "/v1/profile", "/v1/advise"):
        responses = document["paths"][path]["post"]["responses"]
        assert {"400", "413", "415", "422"} <= set(responses)
        assert "application/problem+json" in responses["422"]["content"]


async def test_every_refusal_has_an_example_that_reads_as_it_is_answered(client: Client) -> None:
    async with client() as http:
        document = (await http.get("/openapi.json")).json()
        answered = (await http.get("/v1/losses/hubber")).json()

    examples = document["components"]["examples"]
    for path, responses in _responses(document["paths"]):
        for status, response in responses.items():
            if status >= "400":
                listed = response["content"]["application/problem+json"]["examples"]
                names = [example["$ref"].rpartition("/")[2] for example in listed.values()]
                assert set(listed) == set(response["description"].split("; ")), path
                assert {examples[name]["value"]["status"] for name in names} == {int(status)}
    shown = examples["unknown-path"]["value"]
    assert set(shown) == set(answered)
    assert (shown["type"], shown["title"]) == (answered["type"], answered["title"])


def test_every_refusal_states_the_example_that_the_document_shows() -> None:
    ours = [kind for kind in refusal_kinds() if kind.__module__.startswith(("losses.", "recommender.", "service."))]

    titled = [kind for kind in ours if "title" in vars(kind)]
    messages = {kind.__name__: kind(**kind.example).message for kind in titled}  # a TypeError names what lacks one

    assert set(ours) - set(titled) == {HeadRefusal}  # titled by its status; no route raises it
    assert all(messages.values())


async def test_every_operation_that_takes_a_url_of_any_length_says_what_becomes_of_a_long_one(client: Client) -> None:
    async with client() as http:
        paths = (await http.get("/openapi.json")).json()["paths"]

    for path, operations in paths.items():
        for operation in operations.values():
            takes = bool(operation.get("parameters")) or "requestBody" in operation
            assert ("414" in operation["responses"]) == takes, path


async def test_every_refusal_in_the_document_is_a_problem(client: Client) -> None:
    async with client() as http:
        document = (await http.get("/openapi.json")).json()

    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert set(response["content"]) == {"application/problem+json"}
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])


@pytest.mark.parametrize("path", ["/v2/models/mse", "/v2/models/mse/ready", "/v2/models/mse/versions/1"])
async def test_a_model_takes_its_version_from_the_path_alone(client: Client, path: str) -> None:
    async with client() as http:
        plain, versioned = await http.get(path), await http.get(f"{path}?version=2")

    assert plain.status_code == 200
    assert versioned.status_code == 422
    assert "version" in versioned.json()["detail"]


async def test_others_are_answered_while_the_document_is_made(client: Client) -> None:
    async with client() as http:
        making = asyncio.create_task(http.get("/openapi.json"))
        meanwhile = 0
        while not making.done():
            assert (await http.get("/healthz")).is_success
            await asyncio.sleep(0)  # nothing else here waits for anything
            meanwhile += 1

    assert (await making).is_success
    assert meanwhile > 10
