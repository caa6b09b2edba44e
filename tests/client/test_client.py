"""The client against a running service, and against servers that are slow, busy or gone."""

import asyncio
import json
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lossary
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from tests.service.processes import ROOT, Server, serving

PREDICTIONS, TARGETS = [1.0, 2.0, 3.5], [1.5, 0.0, 3.0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(LOSSARY_DATA=str(tmp_path_factory.mktemp("data"))) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[lossary.Client]:
    with lossary.Client(server.url) as made:
        yield made


def test_an_answer_has_its_members_as_attributes_and_as_keys(client: lossary.Client) -> None:
    answer = client.recommend(task="binary", profile={"class_imbalance": 1.1})

    assert answer.recommended
    assert answer.recommended.objective == answer["recommended"]["objective"] == "bce"
    assert answer.fired == [] or answer.fired[0].rule
    assert {"summary", "recommended"} <= set(answer)
    assert answer.to_dict()["recommended"]["objective"] == "bce"
    with pytest.raises(AttributeError, match="has no winner"):
        _ = answer.winner


FORMS = {
    "lists": (PREDICTIONS, TARGETS),
    "numpy": (np.array(PREDICTIONS), np.array(TARGETS)),
    "float32": (np.array(PREDICTIONS, np.float32), np.array(TARGETS, np.float32)),
    "torch": (torch.tensor(PREDICTIONS, requires_grad=True), torch.tensor(TARGETS)),
    "pandas": (pd.Series(PREDICTIONS), pd.Series(TARGETS)),
    "polars": (pl.Series(PREDICTIONS), pl.Series(TARGETS)),
}


@pytest.mark.parametrize("form", FORMS)
def test_arrays_of_every_library_give_one_number(client: lossary.Client, form: str) -> None:
    predictions, targets = FORMS[form]

    answer = client.evaluate(["mse", "mae"], predictions=predictions, targets=targets, options={"gradient": "summary"})

    assert [result.loss for result in answer.results] == ["mse", "mae"]
    assert answer.results[0].value == pytest.approx(1.5)
    assert answer.results[0].gradient
    assert answer.results[0].gradient.absolute_sum > 0


def test_frames_and_files_are_sent_as_they_are(client: lossary.Client, tmp_path: Path) -> None:
    frame = pd.DataFrame({"y_pred": PREDICTIONS, "label": TARGETS})
    frame.to_csv(tmp_path / "table.csv", index=False)
    roles = {"predictions": "y_pred", "targets": "label"}

    for data in (frame, pl.from_pandas(frame), tmp_path / "table.csv", str(tmp_path / "table.csv")):
        assert client.evaluate("mse", data, roles=roles).results[0].value == pytest.approx(1.5)
    assert client.profile(frame, task="regression", roles=roles)["profile"]["n"]["value"] == 3
    assert client.advise(frame, task="regression", roles=roles).recommendation.recommended


def test_datasets_stand_in_place_of_arrays(client: lossary.Client) -> None:
    sent = client.upload(pd.DataFrame({"y_pred": PREDICTIONS, "y_true": TARGETS}))

    answer = client.evaluate("mse", dataset=sent.id)
    listed = [entry.id for entry in client.datasets().datasets]
    client.delete_dataset(sent.id)

    assert answer.results[0].value == pytest.approx(1.5)
    assert sent.id in listed
    with pytest.raises(lossary.NotFound, match="no dataset"):
        client.dataset(sent.id)


def test_the_catalogue_the_rules_and_curves_are_there(client: lossary.Client) -> None:
    assert client.losses().total > 80
    assert client.loss("huber").id == "huber"
    assert len(client.curve("mse", points=11).x) == 11
    assert client.rules(task="regression")


def test_scores_of_the_callers_own_loop_are_judged(client: lossary.Client) -> None:
    scores = {"mse": [2.1, 2.3, 2.0, 2.4, 2.2], "mae": [1.1, 1.2, 1.0, 1.3, 1.1]}

    answer = client.verdict("mae", scores, folds=5)

    assert answer.chosen == "mae"
    assert answer.better


def test_what_the_service_refuses_is_raised_with_its_sentence(client: lossary.Client) -> None:
    with pytest.raises(lossary.NotFound) as unknown:
        client.loss("focl")
    with pytest.raises(lossary.Refused) as misspelt:
        client.evaluate("mse", predictions=[1.0], targets=[1.0, 2.0])

    assert unknown.value.facts["did_you_mean"] == "focal"
    assert unknown.value.request_id
    assert misspelt.value.status == 422
    assert misspelt.value.type == "urn:lossary:shape-mismatch"
    with pytest.raises(TypeError, match="not both"):
        client.evaluate("mse", "table.csv", predictions=[1.0])
    with pytest.raises(ValueError, match="suffix"):
        client.upload("table.xlsx")


def test_an_experiment_is_run_and_followed(client: lossary.Client) -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(120, 2)), columns=["a", "b"])
    frame["y"] = 2 * frame.a - frame.b + draw.normal(size=120)
    question = {"models": ["linear"], "folds": 3, "repeats": 1, "candidates": ["mse", "mae"]}

    started = client.start_experiment(client.upload(frame).id, "y", idempotency_key="k", **question)
    events = [event.event for event in client.events(started.id)]
    ended = client.experiment(started.id, wait=5)

    assert events == ["progress", "verdict"]
    assert ended.verdict
    assert ended.verdict.objective in {"mse", "mae", ended.verdict.incumbent}
    assert client.start_experiment(client.upload(frame).id, "y", idempotency_key="k", **question).id == started.id
    client.delete_experiment(started.id)


def test_a_dataset_of_any_size_is_evaluated(client: lossary.Client) -> None:
    table = client.upload(pd.DataFrame({"y_pred": PREDICTIONS, "label": TARGETS}))

    started = client.start_evaluation("mse", table.id, roles={"predictions": "y_pred", "targets": "label"})
    ended = client.evaluation(started.id, wait=30)

    assert ended.status == "succeeded"
    assert ended.results
    assert ended.results[0].value == pytest.approx(1.5)
    client.delete_evaluation(started.id)


def test_losses_are_compared_within_an_advice(client: lossary.Client) -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(200, 2)), columns=["a", "b"])
    frame["y"] = 2 * frame.a - frame.b + draw.normal(size=200)

    advice = client.advise(dataset=client.upload(frame).id, target="y", task="regression", experiment="quick")

    assert advice.experiment is not None


async def _both(url: str) -> tuple[lossary.answers.Recommendation, lossary.answers.Evaluations]:
    async with lossary.AsyncClient(url) as http:
        asked = http.recommend(task="binary", profile={"class_imbalance": 1.1})
        evaluated = http.evaluate("mse", predictions=np.array(PREDICTIONS), targets=np.array(TARGETS))
        answer, evaluation = await asyncio.gather(asked, evaluated)
    return answer, evaluation


def test_the_asynchronous_client_has_the_same_methods(server: Server) -> None:
    recommendation, evaluations = asyncio.run(_both(server.url))

    assert recommendation["recommended"]["objective"] == "bce"
    assert evaluations.results[0].value == pytest.approx(1.5)


def test_the_service_answers_in_this_process_where_it_is_installed() -> None:
    with lossary.Client(local=True) as client:
        assert client.recommend(task="binary", profile={"class_imbalance": 1.1})["recommended"]["objective"] == "bce"
        assert client.evaluate("mse", predictions=PREDICTIONS, targets=TARGETS).results[0].value == pytest.approx(1.5)


@contextmanager
def answering(*answers: bytes | None) -> Iterator[tuple[str, list[bytes]]]:
    """Serve each connection one answer, or none and close; yield the address and what was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    asked.append(connection.recv(65536))
                    if answer is not None:
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        thread.join(10)


def answer(status: str, body: dict[str, object], headers: str = "") -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(content)}\r\nconnection: close\r\n{headers}\r\n"
    return head.encode() + content


def test_a_busy_service_is_asked_again_when_it_says() -> None:
    busy = answer("429 Too Many Requests", {"detail": "wait"}, "retry-after: 0\r\n")
    gone = answer("503 Service Unavailable", {"detail": "no room"}, "retry-after: 0\r\n")

    with answering(busy, gone, None, answer("200 OK", {"losses": []})) as (url, asked), lossary.Client(url) as client:
        assert client.losses().losses == []

    assert len(asked) == 4


def test_what_stays_busy_is_raised_in_the_end() -> None:
    gone = answer("503 Service Unavailable", {"detail": "no room"}, "retry-after: 0\r\n")

    with (
        answering(gone, gone) as (url, _),
        lossary.Client(url, retries=1) as client,
        pytest.raises(lossary.Unavailable, match="no room"),
    ):
        client.losses()


def test_a_request_that_may_have_arrived_is_not_sent_twice() -> None:
    with answering(None) as (url, asked), lossary.Client(url) as client, pytest.raises(lossary.ConnectionFailed):
        client.start_experiment("ds_1", "y")

    assert len(asked) == 1


def test_a_service_that_is_not_there_or_too_slow_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with lossary.Client(url, timeout=0.1, retries=0) as client, pytest.raises(lossary.ConnectionFailed):
            client.losses()
    with lossary.Client(url, retries=0) as client, pytest.raises(lossary.ConnectionFailed, match=r"127\.0\.0\.1"):
        client.losses()


def test_importing_it_imports_no_array_library_and_nothing_of_the_service() -> None:
    others = {"numpy", "torch", "pandas", "polars", "service", "losses", "recommender"}
    command = [sys.executable, "-c", f"import sys, lossary; print(sorted({others} & set(sys.modules)))"]

    done = subprocess.run(command, cwd=ROOT / "client", capture_output=True, text=True, check=True)  # noqa: S603 - our own

    assert done.stdout.strip() == "[]"


def test_a_client_can_be_sent_to_another_process(server: Server) -> None:
    with lossary.Client(server.url, key="k", retries=1) as client:
        sent = pickle.loads(pickle.dumps(client))  # noqa: S301 - our own

    with sent:
        assert sent.losses().total > 0
