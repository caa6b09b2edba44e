"""The page for operators names the losses of which the image contains kernels."""

import re
from pathlib import Path

from benchmarks.losses_time import COMMONEST

ROOT = Path(__file__).parents[2]


def test_the_page_names_the_losses_of_the_dockerfile_which_are_the_commonest() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")

    in_image = re.search(r'^ARG KERNELS="([^"]+)"$', dockerfile, re.MULTILINE)
    on_page = re.search(r"^- The image for CPUs contains (.*?)\.$", page, re.MULTILINE | re.DOTALL)

    assert in_image is not None
    assert on_page is not None
    assert in_image[1].split() == re.findall(r"`([^`]+)`", on_page[1])
    assert {text.partition("(")[0] for text in in_image[1].split()} == COMMONEST
