"""The kernels in the image: the first long request is computed by one that the processor can run."""

import io
import platform
import re
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from tests.compose.stack import PATIENCE_S, ROOT, Stack, docker

NUMBERS = 1_000_000  # float32: such an upload is evaluated as it arrives
TOLERANCE = 1e-6  # of the value: items are float32
FIND_ALL = """
import sys
from pathlib import Path
import torch
from losses.contract.expression import parse
from losses.evaluation.kernels.build import usual_forms
from losses.evaluation.kernels.library import Kernels

kernels = Kernels([Path("/kernels")])
for text in sys.argv[1:]:
    forms = list(usual_forms(parse(text), torch.float32))
    print(text, len(forms) > 0, all(kernels.find(form, 0) for form in forms))
"""
only_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="this processor has no such instructions")


@pytest.fixture(params=["", pytest.param("avx2", marks=only_x86), pytest.param("default", marks=only_x86)])
def fresh(request: pytest.FixtureRequest) -> Iterator[tuple[Stack, str]]:
    """A service that was never asked, and what torch was told of the instructions of its processor."""
    told = request.param
    override = f"services: {{lossary: {{environment: {{ATEN_CPU_CAPABILITY: {told}}}}}}}" if told else "{}"
    with Stack("kernels", override=override).deployed() as stack:
        yield stack, told


def named_in_dockerfile() -> list[str]:
    """Return the objectives of which the image has kernels."""
    found = re.search(r'^ARG KERNELS="([^"]+)"$', (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1].split()


def loaded(stack: Stack) -> set[str]:
    """Return the instructions of the kernels that the service has loaded."""
    return set(re.findall(r"/kernels/\w+\.(\w+)\.so$", stack.inside("sh", "-c", "cat /proc/[0-9]*/maps"), re.MULTILINE))


def test_the_first_long_request_is_computed_by_a_kernel_that_the_processor_can_run(fresh: tuple[Stack, str]) -> None:
    stack, told = fresh
    own = stack.inside("python", "-c", "from losses.evaluation.kernels.library import isa; print(isa())").strip()
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(size=NUMBERS).astype(np.float32), rng.integers(2, size=NUMBERS).astype(np.float32)
    body = io.BytesIO()
    np.save(body, scores)
    np.save(body, labels)

    answer = httpx.post(
        f"{stack.url}/v1/evaluate?loss=bce",
        headers={"Content-Type": "application/x-npy"},
        content=body.getvalue(),
        timeout=PATIENCE_S,
    )

    expected = np.mean(np.logaddexp(0, scores.astype(np.float64)) - scores * labels)
    assert answer.json()["results"][0]["value"] == pytest.approx(expected, rel=TOLERANCE)
    assert loaded(stack) == {"": {own}, "avx2": {"AVX2"}, "default": set()}[told]


def test_every_objective_that_the_dockerfile_names_has_its_kernels() -> None:
    texts = named_in_dockerfile()

    printed = docker("run", "--rm", "--network", "none", "lossary:cpu", "python", "-c", FIND_ALL, *texts).stdout

    assert printed.splitlines() == [f"{text} True True" for text in texts]
