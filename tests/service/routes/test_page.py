"""The page is files of this host alone, small, and forbidden to load anything else."""

import gzip
import re
from posixpath import join, normpath

import pytest

from losses.contract.registry import catalogue
from service.routes.pages.page import FOLDER
from tests.conftest import Client

pytestmark = pytest.mark.anyio
LINKED = re.compile(r'(?:src|href)="(web/[^"]+)"')
IMPORTED = re.compile(r"""(?:from |import\(|import )["'](\.[^"']+)["']""")
MOST_BYTES = 300_000  # of all that the page can load, compressed
FIRST_BYTES = 60_000  # of what stands in the way of the first answer


def loaded(name: str) -> set[str]:
    """Return a file of the page and those that it imports before it runs."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    imports = re.findall(r"""from ["'](\.[^"']+)["']""", text)
    return {name}.union(*(loaded(normpath(join(name, "..", each))) for each in imports))


async def test_the_page_may_load_and_run_nothing_but_its_own_files(client: Client) -> None:
    async with client(keys=None) as http:
        page = await http.get("/")
    policy = dict(entry.split(" ", 1) for entry in page.headers["content-security-policy"].split("; "))

    assert page.headers["content-type"].startswith("text/html")
    assert policy["default-src"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "connect", "font", "img")} == {"'self'"}
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"


async def test_every_file_that_the_page_names_is_served_by_its_kind(client: Client) -> None:
    scripts = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.js")]
    named = {path.removeprefix("web/") for path in LINKED.findall((FOLDER / "index.html").read_text())}
    for script in (each for each in scripts if not each.startswith("vendor/")):
        text = (FOLDER / script).read_text(encoding="utf-8")
        named |= {normpath(join(script, "..", each)) for each in IMPORTED.findall(text)}

    async with client() as http:
        answers = {name: await http.get(f"/web/{name}") for name in sorted(named)}

    assert len(named) >= 15
    assert {name for name, answer in answers.items() if not answer.is_success} == set()
    assert {answers[name].headers["content-type"] for name in named if name.endswith(".js")} == {
        "text/javascript; charset=utf-8"
    }


@pytest.mark.parametrize("name", ["nothing.js", "../settings.py", "%2e%2e/settings.py", "/etc/passwd", "core", ""])
async def test_what_is_no_file_of_the_page_is_refused(client: Client, name: str) -> None:
    async with client() as http:
        answer = await http.get(f"/web/{name}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_file_that_the_browser_has_is_not_sent_again(client: Client) -> None:
    async with client() as http:
        first = await http.get("/web/app.js")
        again = await http.get("/web/app.js", headers={"if-none-match": first.headers["etag"]})

    assert again.status_code == 304
    assert again.content == b""


def test_the_page_is_small() -> None:
    sizes = {
        path.relative_to(FOLDER).as_posix(): len(gzip.compress(path.read_bytes(), 4)) if path.suffix != ".woff2" else 0
        for path in FOLDER.rglob("*")
        if path.is_file()
    }
    first = {"index.html", "style/base.css", "style/parts.css"} | loaded("app.js") | loaded("views/recommend.js")

    assert sum(sizes[name] for name in first) < FIRST_BYTES
    assert sum(sizes.values()) < MOST_BYTES


def test_the_page_has_no_chinese_for_what_no_loss_learns() -> None:
    text = (FOLDER / "core/loss_messages.js").read_text(encoding="utf-8")
    named = {kind: set(re.findall(rf'"{kind}\.([^"]+)": ', text)) for kind in ("elicits", "activation")}

    assert named["elicits"] <= {loss.elicits for loss in catalogue().values()}
    assert named["activation"] <= {loss.activation for loss in catalogue().values()}


def test_the_page_has_no_chinese_for_what_no_parameter_is() -> None:
    text = (FOLDER / "core/parameter_messages.js").read_text(encoding="utf-8")
    sentences = set(re.findall(r'^  "([^"]+)": ', text, re.MULTILINE))
    schemas = [loss.parameters.model_json_schema().get("properties", {}) for loss in catalogue().values()]

    assert sentences <= {parameter["description"] for schema in schemas for parameter in schema.values()}


async def test_the_rules_carry_what_was_measured_of_them(client: Client) -> None:
    async with client() as http:
        rules = (await http.get("/v1/rules")).json()["rules"]
    measured = {rule["name"]: rule["measured"] for rule in rules}

    assert measured["regression.outliers"][0]["metric"] == "RMSE"
    assert {"mean_regret", "interval", "other_book", "best_constant"} <= set(measured["regression.outliers"][0])
