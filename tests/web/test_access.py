"""Everybody can use the page: axe finds nothing, and nothing runs out of the screen."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.web.conftest import Open

pytestmark = pytest.mark.browser
STATES = {
    "recommend": "#/recommend?task=regression&outlier_rate=0.08",
    "losses": "#/losses?task=segmentation",
    "loss": "#/losses/smooth_l1",
    "rules": "#/rules?task=binary",
    "evidence": "#/evidence",
    "experiments": "#/experiments",
}
WIDTHS = (375, 1920)


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
@pytest.mark.parametrize(("dark", "locale"), [(False, "en"), (True, "zh-CN")], ids=["light-en", "dark-zh"])
def test_axe_finds_no_violation_and_nothing_runs_out_of_the_screen(
    open_page: Open, state: str, locale: str, *, dark: bool
) -> None:
    page = open_page(state, dark=dark, locale=locale)
    page.wait_for_load_state("networkidle")

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    violations = Axe().run(page).response["violations"]

    assert [(each["id"], each["nodes"][0]["html"]) for each in violations] == []
