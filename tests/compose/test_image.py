"""The image: no more in it than the service needs, and nobody's secret."""

import json
import re
from typing import Any

import pytest

from tests.compose.stack import docker

IMAGES = ("lossary:cpu", "lossary:proxy")
TOOLS = ("gcc", "cc", "g++", "c++", "clang", "ld", "as", "make", "cmake", "ninja", "nvcc", "rustc", "cargo", "git")
CACHES = ("~/.cache", "/wheels", "/tmp")  # noqa: S108 - the image's
SECRET = re.compile(r"lossary_[\w-]{43}|passw|secret|token|://[^/ ]*@|BEGIN [A-Z ]*PRIVATE", re.IGNORECASE)

PROFILES = ("--profile", "gpu", "--profile", "replicas", "--profile", "metrics")

every_image = pytest.mark.parametrize("image", IMAGES)


def config(image: str) -> dict[str, Any]:
    """Return how an image starts."""
    config_: dict[str, Any] = json.loads(docker("image", "inspect", image).stdout)[0]["Config"]
    return config_


def inside(image: str, command: str) -> str:
    """Return what a shell command printed in an image, as root and with no network."""
    options = ("--rm", "--network", "none", "--user", "0", "--entrypoint", "sh")
    return docker("run", *options, image, "-c", command).stdout


@every_image
def test_nothing_in_it_builds_anything(image: str) -> None:
    tools = inside(image, f"for tool in {' '.join(TOOLS)}; do command -v $tool; done; echo looked")

    assert tools.split() == ["looked"]


def test_nothing_can_be_installed_in_it() -> None:
    asked = "command -v pip pip3; python -c 'import pip' 2>&1 | tail -n 1; find / -xdev -name 'pip-*'; echo looked"

    assert inside("lossary:cpu", asked).split("\n")[:2] == ["ModuleNotFoundError: No module named 'pip'", "looked"]


@pytest.mark.parametrize("service", ["lossary", "lossary-gpu", "proxy", "prometheus"])
def test_what_it_is_built_upon_can_be_pinned(service: str) -> None:
    pinned = "python:3.11-slim@sha256:" + "0" * 64

    said = docker("compose", *PROFILES, "config", "--format", "json", BASE_IMAGE=pinned)

    assert json.loads(said.stdout)["services"][service]["build"]["args"]["BASE_IMAGE"] == pinned


@every_image
def test_no_cache_is_left_in_it(image: str) -> None:
    left = inside(image, f"find {' '.join(CACHES)} -type f 2>/dev/null; echo looked")

    assert left.split() == ["looked"]


def test_its_user_owns_the_folder_of_datasets_and_no_file_of_the_service() -> None:
    owned = inside("lossary:cpu", "find / -xdev \\( -user 10001 -o -group 10001 \\) -not -path '/proc/*'; echo looked")

    assert owned.split() == ["/data", "looked"]


@every_image
def test_it_says_how_it_is_run_and_watched(image: str) -> None:
    said = config(image)

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", said["User"])
    assert said["Healthcheck"]["Test"][0] == "CMD"  # not CMD-SHELL
    assert said["Cmd"][0] in {"python", "haproxy"}  # not sh -c, which keeps signals to itself
    assert not said.get("Entrypoint")
    assert list(said["ExposedPorts"]) == ["8000/tcp"]


@every_image
def test_its_history_and_its_variables_hold_no_secret(image: str) -> None:
    history = docker("image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout

    assert "COPY" in history
    assert not SECRET.search(history + "\n".join(config(image)["Env"]))


def test_only_what_runs_was_copied_into_it() -> None:
    copied = inside("lossary:cpu", "ls -A /app; find /app -name '*.md' -o -name '*.env' -o -name 'test*'")

    assert copied.split() == ["losses", "recommender", "sbom.json", "service"]
