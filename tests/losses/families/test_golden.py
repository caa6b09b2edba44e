"""The numbers that other libraries' own tests assert.

golden/numbers/cases.json holds the cases: inputs, parameters and numbers, each with the file, the test and the licence
(Apache-2.0, BSD-3-Clause or MIT) it is from, and no code; LOSSARY_GOLDEN names another such file. golden/*.json say by
which call each is reproduced: an objective, for every role the case's input and how it is encoded, and where they are
needed a reduction and weights. `shape`: how ours are laid out; `ids`: targets to encode as masks; `lists`: the case is
one list; `clamp`: the least number the library clamps an input to; `rows`: those that can be said here, `why` what
keeps the rest; `score`: the library gives the score where we give the loss; `then`: what is done to the values. A call
that cannot be said stands there as `unsayable`, with the reason.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor

from losses.contract.expression import parse
from losses.errors import DomainViolation
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options

Case = dict[str, Any]
Call = dict[str, Any]
Encoding = Callable[[Tensor, int], Tensor]  # of the input, and the number of classes

FOLDER = Path(__file__).parent / "golden"
GOLDEN = Path(os.environ.get("LOSSARY_GOLDEN") or FOLDER / "numbers" / "cases.json")
CALLS: dict[str, Call] = {
    name: call for path in sorted(FOLDER.glob("*.json")) for name, call in json.loads(path.read_text()).items()
}
SAID = [name for name, call in CALLS.items() if "unsayable" not in call and call.get("rows") != []]
REFUSED = [name for name, call in CALLS.items() if "why" in call]
LEAST = 250  # canonical cases that are reproduced


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {case["id"]: case for case in json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]}


def listed(ids: Tensor, classes: int) -> Tensor:
    """Return 0 and 1 a class from lists of ids that end with the first -1."""
    there = (ids < 0).cumsum(1) == 0
    return (F.one_hot(ids.long().clamp(min=0), classes) * there.unsqueeze(-1)).sum(1).double()


ENCODINGS: dict[str, Encoding] = {
    "argmax": lambda x, _: x.argmax(1),
    "classes_last": lambda x, _: x.movedim(-1, 1),
    "foreground": lambda x, _: x[:, 1:],
    "listed": listed,
    "normalised": lambda x, _: x / x.sum(1, keepdim=True),
    "onehot": lambda x, classes: F.one_hot(x[:, 0].long(), classes).movedim(-1, 1).double(),
    "per_item": lambda x, _: x.reshape(-1),
    "rank": lambda x, _: x.sum(1),
    "row": lambda x, _: x.unsqueeze(0),
    "squeeze": lambda x, _: x[:, 0],
    "zero_one": lambda x, _: (x + 1) / 2,
}


def numbers(values: Any) -> Tensor:  # noqa: ANN401 - lists of lists of numbers, or of the words JSON has for infinities
    if isinstance(values, list):
        return torch.stack([numbers(each) for each in values])
    return torch.tensor(float("nan" if values is None else values), dtype=torch.float64)


def encoded(case: Case, source: Any, classes: int) -> Tensor:  # noqa: ANN401 - as the mapping spells it
    """Return one input as a role takes it: the case's, several one after the other, or a given one."""
    theirs = case["params"] | case["inputs"]
    if isinstance(source, list):
        return torch.cat([numbers(theirs[name]) for name in source])
    how: dict[str, Any] = {"from": source} if isinstance(source, str) else source
    if "identity" in how:
        return torch.eye(how["identity"], dtype=torch.float64)
    tensor = numbers(how["value"] if "value" in how else theirs[how.get("parameter", how.get("from"))])
    for name in how.get("as", []):
        tensor = ENCODINGS[name](tensor, classes)
    return tensor


def inputs(case: Case, call: Call) -> dict[str, Tensor]:
    """Return the case's inputs by role."""
    first = next(iter(call["roles"].values()))
    plain = encoded(case, {**first, "as": []} if isinstance(first, dict) else first, 0)
    classes = plain.shape[1] if plain.ndim > 1 else 1
    given = {role: encoded(case, source, classes) for role, source in call["roles"].items()}
    for role, least in call.get("clamp", {}).items():
        given[role] = given[role].clamp(min=least)
    if call.get("lists"):
        given = {role: tensor.unsqueeze(0) if tensor.ndim == 1 else tensor for role, tensor in given.items()}
    if "shape" in call:
        given = {role: tensor.reshape(call["shape"]) for role, tensor in given.items()}
    if call.get("ids"):
        shape = given["predictions"].shape
        flat = given["targets"].reshape(len(given["targets"]), *shape[2:]).long()
        given["targets"] = F.one_hot(flat, shape[1]).movedim(-1, 1).double()
    if given.keys() >= {"predictions", "targets"} and len(given["targets"]) == 1:
        given["targets"] = given["targets"].expand(len(given["predictions"]), *given["targets"].shape[1:])
    return given  # a library may broadcast one box to all


def weights(case: Case, call: Call, first: Tensor) -> Tensor | None:
    """Return a weight an item, or where the library has one a class, an element."""
    if "weights" not in call:
        return None
    given = encoded(case, call["weights"], 0) if "per_class" not in str(call["weights"]) else None
    if given is None:
        along = numbers(case["params"][call["weights"]["parameter"]])
        return along.reshape(1, -1, *[1] * (first.ndim - 2)).expand_as(first)
    if given.numel() == 1:
        return given.reshape(()).expand(len(first))
    return given.reshape(-1) if given.ndim > 1 and given.shape[1] == 1 else given


@pytest.mark.parametrize("name", SAID)
def test_the_number_is_that_of_the_library(name: str, cases: dict[str, Case]) -> None:
    case, call = cases[name], CALLS[name]
    rows = call.get("rows", slice(None))
    given = {role: tensor[rows] for role, tensor in inputs(case, call).items()}
    options = Options(reduction=call.get("reduction", "mean"))

    evaluation = evaluate(
        parse(call["objective"]), given, weights=weights(case, call, next(iter(given.values()))), options=options
    )

    shown = numbers(evaluation.value) if evaluation.values is None else evaluation.values
    shown = shown.mean(-1) if call.get("then") == "mean_last" else shown
    shown = 1 - shown if call.get("score") else shown
    expected = numbers(case["expected"])
    expected = expected[rows] if expected.ndim else expected
    torch.testing.assert_close(shown.flatten(), expected.flatten(), rtol=case["rtol"], atol=case["atol"])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_distribution_is_refused(name: str, cases: dict[str, Case]) -> None:
    call = CALLS[name]

    with pytest.raises(DomainViolation):
        evaluate(parse(call["objective"]), inputs(cases[name], call))


def test_every_canonical_case_is_said_or_has_its_reason(cases: dict[str, Case]) -> None:
    canonical = {name for name, case in cases.items() if case["usage"] == "canonical"}

    reproduced = canonical & set(SAID) - set(REFUSED)
    missing = canonical - set(CALLS)

    print(f"{len(reproduced)} of {len(canonical)} canonical cases reproduced")  # noqa: T201 - the figure itself
    assert not missing
    assert len(reproduced) >= LEAST
