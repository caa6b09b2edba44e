"""What each method answers is a class that editors and type checkers know, made of the service's own document."""

import inspect
from collections.abc import Mapping
from typing import Any, assert_type

import lossary
import pytest
from lossary.asking import ApiRequest
from lossary.asynchronous.methods import AsyncMethods
from lossary.methods import Methods
from lossary.result import Answer, Result

from service.app import create_app
from service.settings import Settings
from tests.service.document import resolved

ARRAYS = {"predictions": [1.0], "targets": [0.0]}
CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "recommend": (("binary",), {}),
    "profile": ((), ARRAYS),
    "evaluate": (("mse",), ARRAYS),
    "advise": ((), ARRAYS),
    "loss": (("mse",), {}),
    "curve": (("mse",), {}),
    "upload": ((b"a,b\n1,2\n",), {}),
    "dataset": (("ds_1",), {}),
    "delete_dataset": (("ds_1",), {}),
    "experiment": (("ex_1",), {}),
    "start_experiment": (("ds_1", "price"), {}),
    "start_evaluation": (("mse", "ds_1"), {}),
    "evaluation": (("ev_1",), {}),
    "cancel_evaluation": (("ev_1",), {}),
    "delete_evaluation": (("ev_1",), {}),
    "verdict": (("mae", {"mse": [1.0]}), {"folds": 1}),
    "cancel_experiment": (("ex_1",), {}),
    "delete_experiment": (("ex_1",), {}),
}
METHODS = [name for name, _ in inspect.getmembers(Methods, inspect.isfunction) if not name.startswith("_")]
NAMED = {"ds_1": "{dataset_id}", "ex_1": "{experiment_id}", "ev_1": "{evaluation_id}", "mse": "{loss_id}"}


class Recorded(Methods):
    """Records the requests, and the classes of their answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[ApiRequest, type[Result]]] = []

    def _ask(self, request: ApiRequest, kind: type[Answer]) -> Answer:
        self.requests.append((request, kind))
        return kind({})


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings()).openapi()


@pytest.mark.parametrize("name", METHODS)
def test_the_class_of_an_answer_is_that_of_the_document(document: dict[str, Any], name: str) -> None:
    recorded = Recorded()
    args, kwargs = CALLS.get(name, ((), {}))

    getattr(recorded, name)(*args, **kwargs)

    [(asked, kind)] = recorded.requests
    path = "/".join(NAMED.get(part, part) for part in asked.path.split("/"))
    responses = document["paths"][path][asked.method.lower()]["responses"]
    contents = [each.get("content", {}) for status, each in responses.items() if status < "300"]
    schemas = [content["application/json"]["schema"] for content in contents if "application/json" in content]
    assert [schema["$ref"].rpartition("/")[2] for schema in schemas[:1] if "$ref" in schema] == (
        [] if kind is Result else [kind.__name__]
    )


@pytest.mark.parametrize("name", METHODS)
def test_both_clients_have_the_same_methods(name: str) -> None:
    waited, awaited = getattr(Methods, name), getattr(AsyncMethods, name)

    assert inspect.iscoroutinefunction(awaited)
    assert inspect.signature(waited) == inspect.signature(awaited)
    assert (waited.__doc__, name in dir(lossary.AsyncClient)) == (awaited.__doc__, True)


def test_every_member_of_the_document_is_known(document: dict[str, Any]) -> None:
    schema = resolved(document, {"$ref": "#/components/schemas/Recommendation"})

    assert set(lossary.answers.Recommendation.__annotations__) == set(schema["properties"])


def test_what_stands_inside_an_answer_is_a_class_too() -> None:
    members: Mapping[str, Any] = {
        "recommended": {"objective": "bce", "heads": [{"head": "output"}]},
        "fired": [{"rule": "a"}],
        "new": {"member": 1},
    }

    answer = lossary.answers.Recommendation(members)

    assert_type(lossary.answers.Recommendation({"summary": "so"}).summary, str)  # which mypy checks
    assert_type(answer.recommended, lossary.answers.Recommended | None)
    assert isinstance(answer.recommended, lossary.answers.Recommended)
    assert isinstance(answer.recommended.heads[0], lossary.answers.HeadAnswer)
    assert isinstance(answer.fired[0], lossary.answers.Fired)
    assert answer.evidence is None  # left out
    assert answer["new"].member == 1


def test_a_client_without_a_way_to_send_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Methods()  # type: ignore[abstract] # which is what is tested
