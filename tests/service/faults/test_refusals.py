"""Every way a request can be wrong is answered by a small, true problem, and the next request works."""

import pytest

from tests.conftest import Client
from tests.service.files import Files, npy
from tests.service.problem import broken, is_problem

pytestmark = pytest.mark.anyio

GOOD = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}
UNUSUAL = "do-not-echo-me"
EVALUATE, RECOMMEND, PROFILE = "/v1/evaluate", "/v1/recommend", "/v1/profile"

BODIES = [
    ("unknown loss", EVALUATE, {**GOOD, "loss": "focl"}, 422, "unknown-loss", "Did you mean focal?"),
    ("unknown parameter", EVALUATE, {**GOOD, "loss": "smooth_l1(bta=1)"}, 422, "bad-parameter", "it has beta"),
    ("parameter out of range", EVALUATE, {**GOOD, "loss": "smooth_l1(beta=-1)"}, 422, "bad-parameter", "equal to 0"),
    ("expression cut short", EVALUATE, {**GOOD, "loss": "mse +"}, 422, "bad-expression", "dice + 0.5*bce"),
    ("code for a loss", EVALUATE, {**GOOD, "loss": "__import__('os').system('true')"}, 422, "bad-expression", "a loss"),
    ("different lengths", EVALUATE, {**GOOD, "targets": [1.5]}, 422, "shape-mismatch", "got shape [1]. [2] would fit"),
    ("column for row", EVALUATE, {**GOOD, "targets": [[1.5], [0.0]]}, 422, "shape-mismatch", "got shape [2, 1]"),
    ("ragged rows", EVALUATE, {**GOOD, "targets": [[1.5], []]}, 422, "bad-request", "same length"),
    ("text among numbers", EVALUATE, {**GOOD, "targets": [1.5, UNUSUAL]}, 422, "bad-request", "numbers only"),
    ("true among numbers", EVALUATE, {**GOOD, "targets": [1.5, True]}, 422, "bad-request", "numbers only"),
    ("null among numbers", EVALUATE, {**GOOD, "targets": [1.5, None]}, 422, "bad-request", "numbers only"),
    ("no targets", EVALUATE, {"loss": "mse", "predictions": [1.0]}, 422, "missing-input", "mse needs targets"),
    ("no loss", EVALUATE, {"predictions": [1.0], "targets": [1.0]}, 422, "bad-request", "/loss"),
    ("misspelt member", EVALUATE, {**GOOD, "optoins": {}}, 422, "bad-request", "Did you mean options?"),
    ("misspelt option", EVALUATE, {**GOOD, "options": {"reducton": "sum"}}, 422, "bad-request", "reduction"),
    ("input of no loss", EVALUATE, {**GOOD, "anchor": [[1.0]]}, 422, "bad-option", "anchor"),
    (
        "label out of range",
        EVALUATE,
        {**GOOD, "loss": "bce", "targets": [1.0, 7.0]},
        422,
        "domain-violation",
        "index [1]",
    ),
    (
        "class id out of range",
        EVALUATE,
        {"loss": "sparse_categorical_ce", "predictions": [[0.0, 1.0]], "targets": [2]},
        422,
        "domain-violation",
        "0 to 1",
    ),
    ("no task", RECOMMEND, {}, 422, "no-task", "regression"),
    ("misspelt task", RECOMMEND, {"task": "clasification"}, 422, "unknown-task", "The tasks are"),
    ("misspelt scenario", RECOMMEND, {"scenario": "salaris"}, 422, "unknown-scenario", "Did you mean salaries?"),
    (
        "rate above one",
        RECOMMEND,
        {"task": "regression", "profile": {"outlier_rate": 1.5}},
        422,
        "bad-request",
        "between 0",
    ),
    (
        "imbalance below one",
        RECOMMEND,
        {"task": "binary", "profile": {"class_imbalance": 0.5}},
        422,
        "bad-request",
        "least 1",
    ),
    ("unknown fact", RECOMMEND, {"task": "binary", "profile": {"outlier_rat": 0}}, 422, "bad-request", "outlier_rate"),
    (
        "unknown threshold",
        RECOMMEND,
        {"task": "binary", "thresholds": {"outlier.some": 1}},
        422,
        "unknown-threshold",
        "some",
    ),
    ("nothing to measure", PROFILE, {"task": "regression"}, 422, "missing-input", "targets"),
]


@pytest.mark.parametrize(
    ("path", "body", "status", "kind", "says"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES]
)
async def test_a_wrong_body_is_refused_with_the_way_out(
    client: Client, path: str, body: dict[str, object], status: int, kind: str, says: str
) -> None:
    async with client() as http:
        answer = await http.post(path, json=body)
        after = await http.post(EVALUATE, json=GOOD)

    problem = is_problem(answer, status)
    assert problem["type"] == f"urn:lossary:{kind}"
    assert says in problem["detail"]
    assert after.json()["results"][0]["value"] == 2.125


RAW = [
    ("truncated JSON", b'{"loss": "mse"', "application/json", 400, "bad-envelope", "character 14"),
    ("NaN in JSON", b'{"loss": "mse", "predictions": [NaN]}', "application/json", 400, "bad-envelope", "no NaN"),
    ("bytes that are no UTF-8", b'{"loss": "\xff"}', "application/json", 400, "bad-envelope", "JSON"),
    ("deep nesting", b"[" * 100_000, "application/json", 400, "bad-envelope", "JSON"),
    ("a list", b"[1]", "application/json", 422, "bad-request", "JSON object"),
    ("nothing", b"", "application/json", 422, "bad-request", "empty"),
    ("an overflowing number", b'{"loss":"mse","predictions":[1e400],"targets":[1]}', "application/json", 400, "", ""),
    ("text", b"mse", "text/plain", 415, "unsupported-format", "application/json"),
    ("no boundary", b"--x--", "multipart/form-data", 400, "bad-envelope", "boundary"),
    ("a body cut short", b"--x\r\n", "multipart/form-data; boundary=x", 400, "bad-envelope", "closing boundary"),
    ("a long boundary", b"", "multipart/form-data; boundary=" + "x" * 300, 400, "bad-envelope", "boundary"),
]


@pytest.mark.parametrize(
    ("body", "media", "status", "kind", "says"), [row[1:] for row in RAW], ids=[row[0] for row in RAW]
)
async def test_an_unreadable_body_is_refused_with_the_way_out(
    client: Client, body: bytes, media: str, status: int, kind: str, says: str
) -> None:
    async with client() as http:
        answer = await http.post(EVALUATE, content=body, headers={"content-type": media})

    problem = is_problem(answer, status)
    assert kind in problem["type"]
    assert says in problem["detail"]


async def test_no_refusal_echoes_a_value_that_was_sent(client: Client) -> None:
    bodies = [
        {**GOOD, "loss": UNUSUAL},
        {**GOOD, "options": {"reduction": UNUSUAL}},
        {**GOOD, "targets": UNUSUAL},
        {**GOOD, "loss": f"mse(convention={UNUSUAL.replace('-', '_')})"},
    ]

    async with client() as http:
        answers = [await http.post(EVALUATE, json=body) for body in bodies]

    for answer in answers:
        assert answer.is_client_error
        assert UNUSUAL not in answer.text
        assert UNUSUAL.replace("-", "_") not in answer.text


async def test_two_hundred_thousand_wrong_numbers_get_a_small_answer(client: Client) -> None:
    body = {**GOOD, "predictions": ["x"] * 200_000}

    async with client() as http:
        answer = await http.post(EVALUATE, json=body)

    is_problem(answer, 422)


async def test_a_number_that_is_not_finite_is_refused_with_its_first_index(client: Client) -> None:
    files: Files = {"predictions": npy([1.0, float("nan")]), "targets": npy([1.0, 2.0])}
    strict: Files = {"request": (None, '{"loss": "mse"}')}
    lenient: Files = {"request": (None, '{"loss": "mse", "options": {"nonfinite": "allow"}}')}

    async with client() as http:
        refused = await http.post(EVALUATE, files={**strict, **files})
        allowed = await http.post(EVALUATE, files={**lenient, **files})

    problem = is_problem(refused, 422)
    assert (problem["type"], problem["role"], problem["index"]) == ("urn:lossary:non-finite-input", "predictions", [1])
    result = allowed.json()["results"][0]
    assert result["value"] is None
    assert result["reason"] == "1 non-finite numbers in predictions"


async def test_unknown_paths_and_methods_are_problems(client: Client) -> None:
    async with client() as http:
        path = await http.get("/v1/nothing")
        method = await http.get(EVALUATE)
        loss = await http.get("/v1/losses/focl")

    assert "/docs" in is_problem(path, 404)["detail"]
    assert is_problem(method, 405)["title"] == "Method Not Allowed"
    assert method.headers["allow"] == "OPTIONS, POST"
    assert is_problem(loss, 404)["did_you_mean"] == "focal"


async def test_a_body_over_the_limit_is_refused(client: Client) -> None:
    async def endless() -> object:
        for _ in range(100):
            yield b" " * 100

    async with client(max_json_bytes=1000) as http:
        declared = await http.post(EVALUATE, content=b" " * 1001, headers={"content-type": "application/json"})
        streamed = await http.post(EVALUATE, content=endless(), headers={"content-type": "application/json"})  # type: ignore[arg-type] # an asynchronous iterator of bytes

    for answer in (declared, streamed):
        assert is_problem(answer, 413)["limit"] == 1000


async def test_a_fault_of_ours_says_nothing_but_where_to_look(client: Client) -> None:
    async with client(broken) as http:
        answer = await http.post(EVALUATE, json=GOOD)

    problem = is_problem(answer, 500)
    assert "TypeError" not in answer.text
    assert problem["instance"] == f"urn:lossary:request:{answer.headers['x-request-id']}"
