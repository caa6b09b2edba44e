"""What browsers show cannot be framed by others, and loads and runs nothing but its own."""

import re

import pytest

from tests.conftest import Client

pytestmark = pytest.mark.anyio
SHOWN = [
    "/",
    "/web/app.js",
    "/docs",
    "/docs/",
    "/docs/assets/swagger-ui.css",
    "/favicon.ico",
    "/v1/losses/mse/curve?format=svg",
]


@pytest.mark.parametrize("path", SHOWN)
async def test_what_a_browser_shows_is_safe_from_other_pages(client: Client, path: str) -> None:
    async with client() as http:
        answer = await http.get(path)

    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("page", ["/", "/docs"])
@pytest.mark.parametrize("root_path", ["", "/lossary"])
async def test_a_page_may_run_the_files_of_its_host_and_no_script_in_it(
    client: Client, root_path: str, page: str
) -> None:
    async with client(root_path=root_path) as http:
        answer = await http.get(page)

    policy = dict(part.split(maxsplit=1) for part in answer.headers["content-security-policy"].split("; "))
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", answer.text, re.DOTALL)
    assert scripts
    assert all("src=" in attributes and not text for attributes, text in scripts)
    assert policy["script-src"] == "'self'"
    assert not any("//" in link for link in re.findall(r'(?:src|href)="([^"]+)"', answer.text))


async def test_browsers_that_ask_for_an_icon_get_one(client: Client) -> None:
    async with client() as http:
        answer = await http.get("/favicon.ico")

    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")


async def test_pages_and_their_files_are_counted_by_their_own_routes(client: Client) -> None:
    asked = {
        "/docs": "/docs",
        "/docs/": "/docs",
        "/openapi.json": "/openapi.json",
        "/favicon.ico": "/favicon.ico",
        "/docs/assets/swagger-ui.css": "/docs/assets/{file}",
        "/docs/assets/none": "/docs/assets/{file}",
    }

    async with client() as http:
        for path in asked:
            await http.get(path)
        page = (await http.get("/metrics")).text

    counted = set(re.findall(r'lossary_http_requests_total{method="GET",route="([^"]+)"', page))
    assert counted == set(asked.values())
