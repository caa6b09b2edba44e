"""What people come to the page for, step by step."""

import random
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from examples.experiment import csv
from losses.contract.registry import catalogue
from service.routes.pages.page import FOLDER
from tests.web.conftest import Open

pytestmark = pytest.mark.browser
CHINESE = re.compile("[一-鿿]")
expect.set_options(timeout=60_000)  # for a machine that others keep busy


def headline(page: Page) -> str:
    return page.locator(".answer:not([aria-busy]) h1").inner_text()


def test_a_newcomer_sees_an_answer_at_once_and_another_after_one_click(open_page: Open) -> None:
    page = open_page()
    assert headline(page).startswith("smooth_l1")

    page.get_by_role("button", name="they are real").click()

    expect(page.locator(".answer h1")).to_have_text("mse")
    assert "goal.outliers=signal" in page.url


def test_an_address_shows_to_others_what_it_showed_to_me(open_page: Open) -> None:
    mine = open_page("#/recommend?task=binary&class_imbalance=40&goal.decision=balanced")

    theirs = open_page(mine.url.partition("/#")[2].join(("#", "")))

    assert headline(theirs) == headline(mine)
    assert theirs.get_by_label("every class alike").is_checked()
    assert theirs.get_by_label("Imbalance").get_attribute("aria-valuetext") == "40 to 1"


def test_a_slider_is_moved_by_keys_speaks_its_unit_and_changes_the_answer(open_page: Open) -> None:
    page = open_page("#/recommend?task=regression&outlier_rate=0.08&goal.outliers=errors")
    slider = page.get_by_label("Outliers", exact=True)

    slider.focus()
    page.keyboard.press("Home")

    expect(slider).to_have_attribute("aria-valuetext", "not measured")
    expect(page.locator(".answer h1")).to_have_text("mse")
    assert "outlier_rate" not in page.url


def test_a_file_is_measured_and_the_sliders_follow(open_page: Open, tmp_path: Path) -> None:
    draw = random.Random(7)
    prices = [draw.gauss(100, 10) if row % 20 else draw.gauss(900, 50) for row in range(400)]
    table = tmp_path / "houses.csv"
    table.write_text("area,price\n" + "".join(f"{row},{price:.2f}\n" for row, price in enumerate(prices)))
    page = open_page("#/recommend?task=binary")

    page.get_by_label("Choose a file").set_input_files(table)

    expect(page.get_by_label("Outliers", exact=True)).to_have_attribute("aria-valuetext", "5 %")
    expect(page.get_by_label("Column to predict")).to_have_value("price")
    expect(page.get_by_label("Size")).to_have_attribute("aria-valuetext", "400")
    assert page.get_by_label("What the model puts out").input_value() == "regression"


def test_the_table_that_ships_with_the_page_is_compared_after_one_click_and_its_address_shows_it_again(
    open_page: Open,
) -> None:
    page = open_page()

    page.get_by_role("button", name="Take a real table").click()

    verdict = page.locator(".compared .summary")
    expect(verdict).to_contain_text("with a linear model on 442 rows")
    expect(page.locator(".compared .interval .number", has_text="chosen")).to_have_count(1)
    expect(page.get_by_label("Column to predict")).to_have_value("progression")
    expect(page.locator(".notice", has_text="measured on targets")).to_have_count(0)
    again = open_page(page.url.partition("/#")[2].join(("#", "")))
    expect(again.locator(".compared .summary")).to_have_text(verdict.inner_text())


def test_the_table_of_the_page_is_that_of_the_examples() -> None:
    assert (FOLDER / "samples" / "diabetes.csv").read_text() == csv()


def test_losses_of_unlike_sizes_are_drawn_by_their_shapes(open_page: Open) -> None:
    page = open_page("#/recommend?task=regression&outlier_rate=0&residual_scale=57&n=400")

    expect(page.locator(".curves .label").first).to_have_text("loss, each as a share of its largest")

    page.get_by_text("The numbers as a table").first.click()
    expect(page.get_by_role("columnheader", name="smooth_l1(beta=76.7), loss")).to_be_visible()


def test_a_table_leads_to_a_verdict_in_two_clicks(open_page: Open, tmp_path: Path) -> None:
    draw = random.Random(3)
    table = tmp_path / "houses.csv"
    rows = [(area, 3 * area + draw.gauss(0, 15) + 2000 * (draw.random() < 0.05)) for area in range(40, 160)]
    table.write_text("area,price\n" + "".join(f"{area},{price:.1f}\n" for area, price in rows))
    page = open_page("#/experiments?models=linear&seconds=1&metric=mae")

    page.get_by_label("Choose a table").set_input_files(table)
    page.get_by_role("button", name="Compare the losses").click()

    expect(page.locator(".summary")).to_contain_text("mean absolute error", timeout=200_000)  # it trains, in turn
    expect(page.get_by_role("button", name="They are real")).to_be_visible()
    assert page.locator(".intervals .interval").count() >= 4
    assert "/ex_" in page.url


def test_a_file_that_cannot_be_read_is_refused_in_words(open_page: Open, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"\x89PNG")
    page = open_page()

    page.get_by_label("Choose a file").set_input_files(picture)

    expect(page.get_by_role("alert")).to_contain_text(".csv")


def test_a_typo_leads_to_the_loss_that_was_meant(open_page: Open) -> None:
    page = open_page("#/losses")

    page.get_by_label("Search by name").fill("hubber")
    page.get_by_role("link", name="Huber loss").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Huber loss")
    expect(page.locator(".formula .katex").first).to_be_visible()
    expect(page.locator(".curves svg[role=img]")).to_have_count(2)


def test_a_loss_that_is_none_is_refused_with_the_name_that_was_meant(open_page: Open) -> None:
    page = open_page("#/losses/hubber", expects_faults=True)

    expect(page.get_by_role("alert")).to_contain_text("huber")


def test_the_language_is_that_of_the_browser_until_it_is_changed(open_page: Open) -> None:
    page = open_page("#/recommend?task=segmentation&mask_sparsity=0.99", locale="zh-CN")
    assert page.locator("html").get_attribute("lang") == "zh"
    assert re.search(r"[\u4e00-\u9fff]", page.locator(".summary").inner_text())

    page.get_by_role("link", name="English").click()

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator(".summary")).to_contain_text("dice")
    assert "mask_sparsity=0.99" in page.url


def test_an_edge_that_is_moved_changes_the_answer_of_the_next_question(open_page: Open) -> None:
    page = open_page("#/rules?task=regression&rule.outliers.some=0.15")

    page.get_by_role("link", name="Ask with these thresholds").click()

    expect(page.locator(".answer h1")).to_be_visible()
    page.goto(page.url + "&outlier_rate=0.08&book=article")
    page.reload()
    expect(page.locator(".answer h1")).to_have_text("mse")


def test_a_chart_has_its_numbers_in_a_table(open_page: Open) -> None:
    page = open_page("#/losses/mse")

    page.get_by_text("The numbers as a table").click()

    row = page.get_by_role("row", name="-3", exact=False).first
    expect(row).to_contain_text("9")


def test_every_formula_of_the_catalogue_is_one_that_can_be_set(open_page: Open) -> None:
    page = open_page("#/losses/mse")
    expect(page.locator(".formula .katex").first).to_be_visible()

    broken = page.evaluate(
        """async () => {
          const { losses } = await (await fetch("v1/losses")).json();
          return losses.filter((loss) => {
            try { katex.renderToString(loss.formula); return false; } catch { return true; }
          }).map((loss) => loss.id);
        }"""
    )

    assert broken == []


def test_the_catalogue_is_chinese_on_the_chinese_page(open_page: Open) -> None:
    page = open_page("#/losses", locale="zh-CN")
    expect(page.locator(".losses li h2").first).to_have_text("均方误差")

    titles = page.locator(".losses li h2").all_inner_texts()
    notes = page.locator(".losses li p.hint").all_inner_texts()

    assert len(titles) == len(notes) == len(catalogue())
    assert [title for title in titles if not CHINESE.search(title)] == []
    assert [note for note in notes if re.search("[A-Za-z]", note)] == []


def test_the_page_of_a_loss_says_in_chinese_what_it_is(open_page: Open) -> None:
    page = open_page("#/losses/poisson_nll", locale="zh-CN")

    expect(page.locator("h1")).to_have_text("泊松负对数似然")

    said = page.locator("dl").first.locator("dd").all_inner_texts()
    inputs = page.locator("dl").nth(1).locator("dd").all_inner_texts()
    assert said[0] == "均值"
    parameters = page.locator("dl").nth(2).locator("dd").all_inner_texts()
    assert len(parameters) >= 2
    assert all(CHINESE.search(text.partition("默认")[0]) for text in (*inputs, *parameters))


def test_the_evidence_of_a_task_shows_what_its_rules_were_measured_against(open_page: Open) -> None:
    page = open_page("#/evidence?task=binary")
    expect(page.locator("article.measured").first).to_be_visible()

    page.get_by_label("What the model puts out").select_option("regression")

    angles = page.locator("article.measured", has_text="evidence.regression.angles")
    expect(angles).to_contain_text("How much worse than von_mises")
    expect(angles.locator(".interval .name")).to_have_text("mse")
    assert "task=regression" in page.url
