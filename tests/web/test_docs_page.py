"""The docs page in a browser: forms of the chosen loss, refusals once, the colours of the system, narrow screens."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Open

pytestmark = pytest.mark.browser


def opened(page: Page) -> Page:
    """Return the page with the form of an evaluation open."""
    block = page.locator(".opblock", has=page.locator('[data-path="/v1/evaluate"]'))
    block.locator(".opblock-summary-control").click()
    block.get_by_label("Request content type").select_option("multipart/form-data")
    expect(block.locator('tr[data-property-name="targets"]')).to_be_visible()
    return page


def test_a_form_has_the_parts_of_the_loss_that_is_named_and_can_be_sent(open_page: Open, tmp_path: Path) -> None:
    for role in ("predictions", "targets"):
        np.save(tmp_path / f"{role}.npy", np.array([1.0, 0.0]))
    page = opened(open_page("docs"))
    shown = page.locator("tr[data-property-name]:visible")
    expect(shown).to_have_count(6)

    for role in ("predictions", "targets"):
        page.locator(f'tr[data-property-name="{role}"] input[type=file]').set_input_files(tmp_path / f"{role}.npy")
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")

    page.locator('tr[data-property-name="request"] textarea').fill('{"loss": "triplet"}')
    expect(page.locator('tr[data-property-name="anchor"]')).to_be_visible()
    expect(page.locator('tr[data-property-name="targets"]')).to_be_hidden()


def test_refusals_stand_in_one_place_with_real_examples(open_page: Open) -> None:
    page = opened(open_page("docs", expects_faults=True))
    assert page.locator(".responses-table:not(.live-responses-table) tr.response:visible").count() == 1

    page.get_by_text("What a refusal looks like").click()

    expect(page.locator("#examples")).to_contain_text("Did you mean huber?")
    expect(page.locator("#statuses")).to_contain_text("Shapes do not fit")


@pytest.mark.parametrize("dark", [False, True])
def test_it_has_the_colours_of_the_system_and_fits_a_telephone(open_page: Open, *, dark: bool) -> None:
    page = opened(open_page("docs", dark=dark, width=375))

    background = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert (background == "rgb(20, 23, 27)") == dark
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_its_order_is_that_of_a_newcomer_and_it_leads_to_the_page(open_page: Open) -> None:
    page = open_page("docs")
    expect(page.locator(".opblock-tag").nth(3)).to_be_visible()

    assert [page.locator(".opblock-tag").nth(place).inner_text() for place in range(4)] == [
        "recommend",
        "profile",
        "evaluate",
        "advise",
    ]
    page.get_by_role("link", name="the page").click()
    expect(page.locator(".answer h1")).to_be_visible()
