"""What the service is made of: sbom.json names every package that it needs, as it is pinned, under a licence."""

import hashlib
import json
import re
import tomllib
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.service.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LISTED = json.loads((ROOT / "sbom.json").read_text())["components"]
COMPONENTS = [component for component in LISTED if component["purl"].startswith("pkg:pypi/")]
VENDOR = ROOT / "service/web/vendor"
VENDORED = json.loads((VENDOR / "vendored.json").read_text())
ELSEWHERE = ("nvidia", "cuda", "triton")  # of torch's own wheel from the package index, which carries CUDA


def needed(requirements: list[str], names: set[str], extras: frozenset[str] = frozenset()) -> set[str]:
    """Return the packages that these need, and what those need; `extras` are those of the package that needs them."""
    for text in requirements:
        wanted = Requirement(text)
        name = canonicalize_name(wanted.name)
        asked = ("", *extras)
        if name.startswith(ELSEWHERE) or (
            wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in asked)
        ):
            continue
        if name in names and not wanted.extras:
            continue
        names.add(name)
        needed(requires(name) or [], names, frozenset(wanted.extras))
    return names


def test_every_package_that_is_needed_is_listed_and_no_other() -> None:
    listed = {canonicalize_name(component["name"]) for component in COMPONENTS}

    assert listed == needed(PROJECT["dependencies"], set())


def test_every_package_is_listed_as_it_is_pinned() -> None:
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    pinned = {canonicalize_name(name): version for name, version in pins.items()}

    for component in COMPONENTS:
        assert component["version"].partition("+")[0] == pinned[canonicalize_name(component["name"])]


def test_every_package_has_a_licence() -> None:
    assert all(component["licenses"] for component in LISTED)


def test_what_the_page_takes_from_npm_is_listed_as_it_is_recorded() -> None:
    listed = {component["name"]: component["version"] for component in LISTED if component not in COMPONENTS}

    assert listed == {name: entry["version"] for name, entry in VENDORED.items()}


@pytest.mark.parametrize("name", VENDORED)
def test_the_files_that_are_taken_from_npm_are_those_that_are_recorded(name: str) -> None:
    folder = VENDOR / name

    digests = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }

    assert digests == VENDORED[name]["sha256"]
    assert "LICENSE" in digests
