"""Clients that generators make of the document, without a warning, against a real server."""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.generators.generators import BIN, FOLDER, GENERATORS, NODE, WORKS, Generator

ARRAYS = {"targets": [2.1, 3.9, 6.2, 7.8, 10.1, 40.0], "predictions": [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]}
ROWS = {"rows": [{"y_true": 1, "y_pred": 2}, {"y_true": 3, "y_pred": 5.5}]}
WARNING = re.compile(r"^(?!.*\bINFO\b).*\bwarn(?:ing)?\b.*", re.IGNORECASE | re.MULTILINE)
# A small document: what a generator warns of in this one, it warns of in every one.
WORD = {"type": "object", "properties": {"word": {"type": "string"}}}
WELL = {"description": "Well.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Word"}}}}
SMALL = {
    "openapi": "3.1.0",
    "info": {"title": "Small", "version": "1"},
    "paths": {"/": {"get": {"operationId": "root", "responses": {"200": WELL}}}},
    "components": {"schemas": {"Word": WORD}},
}


def asked(url: str, path: str, body: object | None = None) -> dict[str, object]:
    """Return what the service answers to a request that nothing generated."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}{path}", data, {"content-type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
        return dict(json.load(answer))


@pytest.fixture(scope="session")
def wanted(url: str) -> dict[str, object]:
    """What each operation answers to what the scripts send."""
    recommendation = asked(url, "/v1/recommend", {"task": "binary", "profile": {"class_imbalance": 1.1}})
    facts = asked(url, "/v1/profile", {"task": "regression", **ARRAYS})
    advice = asked(url, "/v1/advise", {"task": "regression", **ARRAYS})
    return {
        "recommend": member(recommendation, "recommended", "objective"),
        "profile": member(facts, "profile", "outlier_rate", "value"),
        "evaluate": member(asked(url, "/v1/evaluate", {"loss": ["mse", "mae"], **ARRAYS}), "results", 0, "value"),
        "advise": member(advice, "recommendation", "recommended", "objective"),
        "losses": asked(url, "/v1/losses")["total"],
        "curve": member(asked(url, "/v1/losses/huber/curve?points=5"), "curves", 0, "value"),
        "create_dataset": asked(url, "/v1/datasets", ROWS)["id"],
    }


def member(answer: object, *path: str | int) -> object:
    """Return what stands in an answer at a path."""
    for name in path:
        answer = answer[name]  # type: ignore[index] # any JSON
    return answer


def ran(command: list[str], folder: Path) -> str:
    """Return what a command printed; it ends well."""
    path = os.pathsep.join([str(BIN), str(NODE), os.environ["PATH"]])
    done = subprocess.run(  # noqa: S603 - the generators
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.name)
def test_a_generated_client_works(
    generator: Generator, document: Path, url: str, wanted: dict[str, object], tmp_path: Path
) -> None:
    if shutil.which(generator.needs) is None:
        pytest.skip(f"{generator.needs} is not installed")
    folder, other, small = tmp_path / "client", tmp_path / "other", tmp_path / "small.json"
    folder.mkdir()
    other.mkdir()
    small.write_text(json.dumps(SMALL))
    shutil.copy(FOLDER / "calls" / generator.script, folder)
    shutil.copy(FOLDER / "node/package.json", folder)
    (folder / "node_modules").symlink_to(NODE.parent)

    said, always = (ran(generator.generate(each), into) for each, into in ((document, folder), (small, other)))
    assert set(WARNING.findall(said)) <= set(WARNING.findall(always))
    if generator.check:
        ran(generator.check, folder)
    lines = [json.loads(line) for line in ran([*generator.run, url], folder).splitlines()]

    values = {line["operation"]: line["value"] for line in lines}
    WORKS[generator.name] = {operation: values.get(operation) == value for operation, value in wanted.items()}
    assert values == wanted
