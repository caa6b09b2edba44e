"""The page in a real browser: Debian's Chromium, or another that is installed; without one these tests are skipped."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.service.processes import serving

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser, closed before other tests: Playwright leaves a loop running in its thread."""
    program = os.environ.get("LOSSARY_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium is installed: apt-get install chromium, or name one in LOSSARY_CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=[*FLAGS])
        yield started
        started.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with serving() as running:
        yield running.url


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Open]:
    """Return what opens the page at a state, and fail where it asks another host or complains in the console."""
    faults: list[str] = []
    contexts = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            faults.append(message.text)

    def asked(request: Request) -> None:
        if not request.url.startswith(address):
            faults.append(request.url)

    def make(
        state: str = "", *, width: int = 1280, dark: bool = False, locale: str = "en", expects_faults: bool = False
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            locale=locale,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # for a machine that others keep busy
        page.on("request", asked)
        if not expects_faults:
            page.on("console", heard)
            page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{address}/{state}")
        page.wait_for_selector("main > *")
        return page

    yield make
    for context in contexts:
        context.close()
    assert faults == []
