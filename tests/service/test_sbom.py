"""What the service is made of: sbom.json names every package that it needs, as it is pinned, under a licence."""

import json
import re
import tomllib
from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.service.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMPONENTS = json.loads((ROOT / "sbom.json").read_text())["components"]
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
    assert all(component["licenses"] for component in COMPONENTS)
