"""What lists losses, rules, settings, metrics, refusals and routes is what the code says."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks.regret.svg import adapted
from docs import generate
from docs.blocks.tables import formula
from service.settings import Settings
from tests.docs.pages import PAGES, ROOT, named

COMPOSE = {
    "LOSSARY_MEMORY",
    "LOSSARY_CPUS",
    "LOSSARY_DATABASE_PASSWORD",
    "LOSSARY_GPU_PORT",
    "LOSSARY_PROXY_PORT",
    "LOSSARY_PROMETHEUS_PORT",
}
CLIENT = {"LOSSARY_URL", "LOSSARY_KEY", "LOSSARY_LANGUAGE"}  # of the command
FILES = {"LOSSARY_SETTINGS"}  # names a file of settings
LONGEST_README = 150  # lines, for someone deciding in two minutes


@pytest.mark.timeout(300)  # the demo is run, whose output stands in the quick start
def test_no_page_is_stale() -> None:
    made = dict(generate.outputs())

    left = [named(path) for path in [*generate.stale(made), *generate.orphans(made)]]

    assert not left, "make docs-tables writes them"


def test_a_part_that_no_block_writes_is_refused() -> None:
    with pytest.raises(KeyError):
        generate.filled("<!-- generated: nothing -->\n<!-- end -->")


def test_what_is_between_the_markers_is_replaced_and_all_else_kept() -> None:
    text = "before\n<!-- generated: strengths -->\nold\n<!-- end -->\nafter"

    written = generate.filled(text)

    assert written.startswith("before\n<!-- generated: strengths -->\n\n| strength")
    assert written.endswith("<!-- end -->\nafter")
    assert "old" not in written
    assert generate.filled(written) == written


def test_a_formula_in_a_table_has_no_bar_that_ends_its_cell() -> None:
    assert formula(r"|a| + \|b\|") == r"$\vert a\vert  + \Vert b\Vert$"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= LONGEST_README


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_that_is_named_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    targets = re.findall(r"(?:^|`)make ([a-z][a-z-]*)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)

    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=named)
def test_every_variable_that_is_named_is_a_setting(page: str) -> None:
    known = {f"LOSSARY_{name.upper()}" for name in Settings.model_fields} | COMPOSE | CLIENT | FILES

    variables = re.findall(r"LOSSARY_[A-Z_]*[A-Z]", (ROOT / page).read_text(encoding="utf-8"))

    assert set(variables) <= known


def test_every_setting_says_what_it_does() -> None:
    assert all(field.description for field in Settings.model_fields.values())


PICTURES = sorted(path for path in (ROOT / "docs").rglob("*.svg"))


@pytest.mark.parametrize("picture", PICTURES, ids=named)
def test_every_picture_is_as_wide_as_its_page_and_readable_in_the_dark(picture: Path) -> None:
    root = ET.parse(picture).getroot()  # noqa: S314 - our own picture

    assert re.fullmatch(r"0 0 [\d.]+ [\d.]+", root.attrib["viewBox"])
    assert (root.attrib["width"], root.attrib.get("height")) == ("100%", None)
    assert "prefers-color-scheme:dark" in picture.read_text(encoding="utf-8")


def test_a_picture_that_is_adapted_twice_is_as_it_was_after_the_first_time() -> None:
    drawn = '<svg width="828pt" height="446.4pt"><style type="text/css">*{}</style><path style="fill: #ffffff"/></svg>'

    once = adapted(drawn)

    assert once.startswith('<svg width="100%"><style type="text/css">*{}@media(prefers-color-scheme:dark){')
    assert '[style*="fill: #ffffff"]{fill:#16181d!important}' in once
    assert adapted(once) == once
