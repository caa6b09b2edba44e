"""Cases of the fault catalogue that are no fault: hard questions that have an answer, and what stands in it."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import httpx
import numpy as np
import pytest

from tests.conftest import Client
from tests.service.faults.fault import EVALUATE, JSON, NPY, OK, PROFILE, RECOMMEND, SAFETENSORS, npy, safetensors
from tests.service.problem import is_problem
from tests.service.processes import ROOT

pytestmark = pytest.mark.anyio


async def evaluated(http: httpx.AsyncClient, loss: str, **inputs: object) -> dict[str, Any]:
    """Return what one loss says; strict JSON, or the test fails."""
    answer = await http.post(EVALUATE, json={"loss": loss, **inputs})
    assert answer.is_success, answer.text
    result: dict[str, Any] = json.loads(answer.content, parse_constant=pytest.fail)["results"][0]
    return result


async def test_probabilities_sent_for_logits_are_evaluated_and_pointed_out(client: Client) -> None:  # H07
    async with client() as http:
        result = await evaluated(http, "bce", predictions=[0.2, 0.7], targets=[0, 1])
        logits = await evaluated(http, "bce", predictions=[-2.0, 0.7], targets=[0, 1])

    assert [warned["code"] for warned in result["warnings"]] == ["looks-like-probabilities"]
    assert "from_logits=false" in result["warnings"][0]["text"]
    assert logits["warnings"] == []


INFINITE: list[tuple[str, list[float], list[float]]] = [
    ("mse", [1e308], [-1e308]),
    ("bce(from_logits=false)", [0.0], [1.0]),
    ("poisson_nll", [1e308], [1.0]),
]


@pytest.mark.parametrize(("loss", "predictions", "targets"), INFINITE, ids=[row[0] for row in INFINITE])
async def test_a_value_past_every_number_is_null_with_its_reason(
    client: Client, loss: str, predictions: list[float], targets: list[float]
) -> None:  # H10
    async with client() as http:
        result = await evaluated(http, loss, predictions=predictions, targets=targets)

    # Instead of the catalogue's value_text: the reason says what happened, whatever the sign.
    assert result["value"] is None
    assert "not finite" in result["reason"]


async def test_a_nan_that_is_let_in_is_counted(client: Client) -> None:  # H09, G06
    content = npy([1.0, float("nan"), float("inf")]) + npy([1.0, 2.0, 3.0])
    headers = {"content-type": NPY}

    async with client() as http:
        refused = await http.post(f"{EVALUATE}?loss=mse", content=content, headers=headers)
        allowed = await http.post(f"{EVALUATE}?loss=mse&nonfinite=allow", content=content, headers=headers)

    assert is_problem(refused, 422)["index"] == [1]
    result = json.loads(allowed.content, parse_constant=pytest.fail)["results"][0]
    assert (result["value"], result["reason"]) == (None, "2 non-finite numbers in predictions")


NOTHING = np.zeros((1, 1, 2, 2)).tolist()
EMPTY = [
    ("jaccard(from_logits=false,smooth=0)", {"predictions": NOTHING, "targets": NOTHING}, 0.0),
    ("dice(from_logits=false,smooth=0)", {"predictions": NOTHING, "targets": NOTHING}, 0.0),
    ("dice(from_logits=false,empty=zero)", {"predictions": [[[[1.0]]]], "targets": [[[[0.0]]]]}, 0.0),
    ("mcc(from_logits=false,smooth=0)", {"predictions": NOTHING, "targets": NOTHING}, 1.0),
    ("barlow_twins", {"first": [[1.0, 2.0]] * 4, "second": [[1.0, 2.0]] * 4}, 2.0),
    ("cosine_similarity", {"predictions": [[0.0, 0.0]], "targets": [[1.0, 0.0]]}, 1.0),
]


@pytest.mark.parametrize(("loss", "inputs", "value"), EMPTY, ids=[row[0] for row in EMPTY])
async def test_nought_over_nought_has_the_value_its_page_gives_it(
    client: Client, loss: str, inputs: dict[str, object], value: float
) -> None:  # H11
    # The catalogue wants a warning beside it; what an empty mask costs is a parameter here (empty, smooth, eps).
    async with client() as http:
        result = await evaluated(http, loss, **inputs)

    assert result["value"] == value


async def test_a_mean_over_nothing_is_null_with_its_reason(client: Client) -> None:  # H11, H03
    empty = {"predictions": [[[[1.0]]]], "targets": [[[[0.0]]]]}

    async with client() as http:
        skipped = await evaluated(http, "dice(from_logits=false,empty=skip)", **empty)
        no_items = await evaluated(http, "mse", predictions=[], targets=[])

    # Instead of a refusal: a stream may well end in an empty batch, whose sums are right.
    assert (skipped["value"], no_items["value"]) == (None, None)
    assert "has weight 0" in skipped["reason"]
    assert no_items["reason"] == "there are no items"
    assert no_items["kept"] == 0


async def test_one_item_has_no_other_to_be_compared_with(client: Client) -> None:  # H16
    # Instead of a refusal: the last batch of an epoch may hold one, and the rest of its answer stands.
    async with client() as http:
        results = [
            await evaluated(http, loss, predictions=[[1.0, 2.0]], targets=[1]) for loss in ("supcon", "nt_xent_labels")
        ]

    for one in results:
        assert (one["value"], one["kept"]) == (None, 0)
        assert one["reason"] == "no item has another of its label"


async def test_weights_that_are_all_zero_leave_nothing_to_take_the_mean_of(client: Client) -> None:  # H20
    # Instead of a refusal, as an empty batch: the sums are right, and the value is undefined.
    async with client() as http:
        result = await evaluated(http, "mse", predictions=[1.0, 2.0], targets=[0.0, 0.0], weights=[0, 0])

    assert (result["value"], result["denominator"]) == (None, 0.0)
    assert "is 0" in result["reason"]


async def test_json_is_read_up_to_its_limit_and_refused_past_it(client: Client) -> None:  # B15, B23
    body = json.dumps(OK).encode()
    headers = {"content-type": JSON}

    async with client(max_json_bytes=len(body) + 100) as http:
        at_it = await http.post(EVALUATE, content=body + b" " * 100, headers=headers)
        over_it = await http.post(EVALUATE, content=body + b" " * 101, headers=headers)
        junk = await http.post(EVALUATE, content=b'{"loss": "' + b"x" * (20 << 20) + b'"}', headers=headers)

    assert at_it.is_success
    for answer in (over_it, junk):
        assert is_problem(answer, 413)["limit_name"] == "max_json_bytes"


async def test_ten_million_halves_are_summed_as_in_double_precision(client: Client) -> None:  # H17
    draw = np.random.default_rng(17)
    predictions, targets = (draw.standard_normal(10_000_000, np.float32).astype(np.float16) for _ in range(2))
    error = predictions.astype(np.float64) - targets

    async with client() as http:
        url = f"{EVALUATE}?loss=mse&loss=mae&standard_error=false"
        answer = await http.post(url, content=npy(predictions) + npy(targets), headers={"content-type": NPY})

    mse, mae = (result["value"] for result in answer.json()["results"])
    assert mse == pytest.approx((error**2).mean(), rel=1e-6)
    assert mae == pytest.approx(np.abs(error).mean(), rel=1e-6)


async def test_a_question_asked_again_has_the_same_bits_for_an_answer(client: Client) -> None:  # H18
    draw = np.random.default_rng(18)
    arrays = npy(draw.standard_normal((5000, 8))) + npy(draw.standard_normal((5000, 8)))
    url = f"{EVALUATE}?loss=mse&loss=log_cosh&loss=cosine_similarity&gradient=summary"

    async def ask(http: httpx.AsyncClient) -> str:
        answer = await http.post(url, content=arrays, headers={"content-type": NPY})
        return json.dumps(answer.json()["results"])

    async with client() as http:
        one_by_one = {await ask(http) for _ in range(100)}
        together = set(await asyncio.gather(*[ask(http) for _ in range(32)]))

    assert len(one_by_one | together) == 1


async def test_numbers_of_two_kinds_in_one_file(client: Client) -> None:  # E08
    header = {
        "predictions": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
        "targets": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]},
    }
    content = safetensors(header, np.array([0.0, 2.0], "<f4").tobytes() + np.array([1], "<i8").tobytes())

    async with client() as http:
        url, headers = f"{EVALUATE}?loss=sparse_categorical_ce", {"content-type": SAFETENSORS}
        answer = await http.post(url, content=content, headers=headers)

    assert answer.json()["results"][0]["value"] == pytest.approx(np.log1p(np.exp(-2.0)), rel=1e-6)


async def test_what_was_assumed_is_listed(client: Client) -> None:  # I04
    async with client() as http:
        answer = (await http.post(RECOMMEND, json={"task": "regression"})).json()

    assert answer["recommended"]["objective"] == "mse"
    assert {"goal.functional", "outlier_rate"} <= {said.split()[0] for said in answer["assumptions"]}


async def test_numbers_near_the_ends_of_a_double_get_finite_answers(client: Client) -> None:  # I05
    profiles: dict[str, dict[str, float]] = {
        "regression": {"n": 10**18, "outlier_rate": 1e-300, "residual_scale": 1e-300},
        "binary": {"n": 10**18, "class_imbalance": 1e300},
        "multiclass": {"n": 1, "class_imbalance": 1.7e308},
    }

    async with client() as http:
        answers = [await http.post(RECOMMEND, json={"task": task, "profile": p}) for task, p in profiles.items()]

    for answer in answers:
        assert answer.is_success, answer.text
        json.loads(answer.content, parse_constant=pytest.fail)


ODD = [
    ("one class", {"task": "binary", "targets": [1, 1, 1, 1]}, "one-class"),
    ("a constant", {"task": "regression", "targets": [1.5] * 40}, "no-spread"),
    ("two values for a regression", {"task": "regression", "targets": [0, 1, 1, 0, 1]}, "targets-look-like-labels"),
]


@pytest.mark.parametrize(("body", "code"), [row[1:] for row in ODD], ids=[row[0] for row in ODD])
@pytest.mark.parametrize("path", [PROFILE, "/v1/advise"])
async def test_targets_with_nothing_to_learn_from_are_pointed_out(
    client: Client, path: str, body: dict[str, list[float]], code: str
) -> None:  # I08, I10
    predictions = {"predictions": [0.1] * len(body["targets"])} if path != PROFILE else {}

    async with client() as http:
        answer = await http.post(path, json={**body, **predictions})

    assert answer.is_success, answer.text
    warnings = answer.json().get("warnings") or answer.json()["measured"]["warnings"]
    assert code in [warned["code"] for warned in warnings]


ASKED = {"task": "regression", "profile": {"outlier_rate": 0.08, "n": 5000}}


async def test_the_same_question_gets_the_same_bytes(client: Client) -> None:  # I09
    # No ETag: a cache may not keep the answer to a POST by one. rules_hash says which rules spoke.
    async with client() as http:
        first, second = [await http.post(RECOMMEND, json=ASKED) for _ in range(2)]
    async with client() as http:
        third = await http.post(RECOMMEND, json=ASKED)

    assert first.content == second.content == third.content
    assert first.json()["rules_hash"]


PROGRAM = f"""
import asyncio, json, sys, httpx
from service.app import create_app
from service.settings import Settings

async def main():
    app = create_app(Settings(device="cpu"))
    async with app.router.lifespan_context(app) as state:
        async def call(scope, receive, send):
            await app({{**scope, "state": dict(state)}}, receive, send)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(call), base_url="http://x") as http:
            pages = [(await http.post("{RECOMMEND}", json={ASKED!r})).content]
            pages += [(await http.get(path)).content for path in ("/v1/rules", "/v1/losses", "/openapi.json")]
            answer = await http.post("{EVALUATE}", json={OK!r})
            pages.append(json.dumps(answer.json()["results"]).encode())
    sys.stdout.buffer.write(b"\\n".join(pages))

asyncio.run(main())
"""


def test_neither_the_language_nor_the_time_zone_of_the_machine_is_in_an_answer() -> None:  # M12
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "LC_", "TZ"))}
    moods = [plain, {**plain, "LANG": "tr_TR.UTF-8", "LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7"}]

    started = [
        subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, env=mood, stdout=subprocess.PIPE)  # noqa: S603 - our own
        for mood in moods
    ]
    answers = [process.communicate(timeout=60)[0] for process in started]

    assert answers[0] == answers[1]
    assert answers[0].count(b"\n") == 4
