"""The version stands in one place, and in every answer that a machine may store."""

import json
import tomllib
from importlib.metadata import version as installed
from typing import Any

import pytest

from losses.version import VERSION
from tests.conftest import Client
from tests.service.processes import ROOT

BATCH = {"task": "regression", "targets": [1.5, 0.0, 1.0], "predictions": [1.0, 2.0, 1.0]}
STORED: dict[str, dict[str, Any] | None] = {
    "/v1/recommend": {"task": "regression"},
    "/v1/profile": BATCH,
    "/v1/advise": BATCH,
    "/v1/evaluate": {"loss": "mse", "predictions": [1.0], "targets": [0.0]},
    "/v1/rules": None,
    "/v1/losses": None,
    "/v1/losses/mse": None,
    "/v1/losses/mse/curve": None,
    "/v2": None,
}


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "body"), STORED.items(), ids=STORED)
async def test_an_answer_says_which_version_gave_it(client: Client, path: str, body: dict[str, Any] | None) -> None:
    async with client() as http:
        answer = await (http.get(path) if body is None else http.post(path, json=body))

    assert answer.json()["version"] == VERSION


def test_the_project_and_its_list_of_packages_have_the_same_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = json.loads((ROOT / "sbom.json").read_text(encoding="utf-8"))["metadata"]["component"]

    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "losses.version.VERSION"}
    assert listed["version"] == installed("lossary-service") == VERSION
