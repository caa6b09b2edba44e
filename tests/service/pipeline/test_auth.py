"""Keys let in, scopes and rates bound, and a service that asks for none stays on this machine."""

import hashlib
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pipeline.auth import Bucket, keys_of
from tests.conftest import Client
from tests.service.problem import is_problem
from tests.service.processes import ROOT

SECRET, OTHER, METRICS = "lossary_first", "lossary_second", "lossary_metrics"
GOOD = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}
QUESTION = {"task": "binary"}


def line(name: str, secret: str, more: str = "") -> str:
    return f'[[key]]\nname = "{name}"\nsha256 = "{hashlib.sha256(secret.encode()).hexdigest()}"\n{more}\n'


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys.toml"
    file.write_text(
        line("training", SECRET)
        + line("training", OTHER, 'scopes = ["recommend"]')
        + line("prometheus", METRICS, 'scopes = ["metrics"]')
        + line("bursts", "lossary_bursts", "rate = 2")
    )
    return file


@pytest.mark.anyio
@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {SECRET}"}, {"x-api-key": SECRET}])
async def test_a_key_is_taken_from_either_header(client: Client, keys: Path, headers: dict[str, str]) -> None:
    async with client(keys=keys) as http:
        answer = await http.post("/v1/evaluate", json=GOOD, headers=headers)

    assert answer.is_success


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["Authorization", "X-API-Key"])
async def test_two_lines_of_keys_are_refused_whichever_is_right(client: Client, keys: Path, name: str) -> None:
    right, wrong = (f"Bearer {key}" if name == "Authorization" else key for key in (SECRET, "x"))
    async with client(keys=keys) as http:
        answers = [
            await http.post("/v1/evaluate", json=GOOD, headers=[(name, first), (name, second)])
            for first, second in ((right, wrong), (wrong, right), (right, right))
        ]

    assert [is_problem(answer, 400)["type"] for answer in answers] == ["urn:lossary:bad-headers"] * 3


WRONG: list[dict[str, str | bytes]] = [
    {},
    {"Authorization": "Bearer"},
    {"Authorization": "Basic bG9zc2FyeTpmaXJzdA=="},
    {"Authorization": "Bearer lossary_firsT"},
    {"X-API-Key": b"l\xc3\xb8ssary\xff"},
    {"X-API-Key": "x" * 30_000},
    {"X-API-Key": f"{SECRET} "[:-2]},
]


@pytest.mark.anyio
@pytest.mark.parametrize("headers", WRONG, ids=[str(headers)[:40] for headers in WRONG])
async def test_without_a_key_in_force_nothing_is_said(
    client: Client, keys: Path, headers: dict[str, str | bytes]
) -> None:
    async with client(keys=keys) as http:
        answer = await http.post("/v1/evaluate", json=GOOD, headers=headers)  # type: ignore[arg-type] # bytes on purpose

    problem = is_problem(answer, 401)
    assert problem["type"] == "urn:lossary:unauthorized"
    assert answer.headers["www-authenticate"].startswith('Bearer realm="lossary"')


@pytest.mark.anyio
async def test_every_operation_but_the_open_ones_asks_for_a_key_and_says_so(client: Client, keys: Path) -> None:
    async with client(keys=keys) as http:
        document = (await http.get("/openapi.json")).json()
        statuses = {
            (method, path): (await http.request(method, path.replace("{", "").replace("}", ""))).status_code
            for path, operations in document["paths"].items()
            for method in operations
        }

    unguarded = {path for (_, path), status in statuses.items() if status != 401}
    probes = {"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"}
    assert unguarded == probes & set(document["paths"])
    for (method, path), status in statuses.items():
        operation = document["paths"][path][method]
        assert ("security" in operation) == (status == 401)
        assert ({"401", "403", "429"} <= set(operation["responses"])) == (status == 401)
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}


@pytest.mark.anyio
async def test_no_path_of_the_clients_making_gets_by_without_a_key(client: Client, keys: Path) -> None:
    paths = ["/nowhere", "//v1/evaluate", "/v1/evaluate/", "/docs/../v1/rules", "/metrics/", "/docs/assets"]
    async with client(keys=keys) as http:
        answers = [await http.get(httpx.URL(f"http://lossary{path}")) for path in paths]

    assert [answer.status_code for answer in answers] == [401] * len(paths)


@pytest.mark.anyio
async def test_the_docs_are_open_and_offer_to_take_a_key(client: Client, keys: Path) -> None:
    async with client(keys=keys) as http:
        answers = [await http.get(path) for path in ("/docs", "/docs/assets/swagger-ui.css", "/openapi.json")]

    assert all(answer.is_success for answer in answers)


SCOPED = [
    ("POST", "/v1/recommend", OTHER, 200),
    ("POST", "/v1/evaluate", OTHER, 403),
    ("POST", "/v1/profile", OTHER, 403),
    ("GET", "/metrics", OTHER, 403),
    ("GET", "/v1/losses", OTHER, 200),
    ("GET", "/metrics", METRICS, 200),
    ("POST", "/v1/recommend", METRICS, 403),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("method", "path", "secret", "status"), SCOPED)
async def test_a_key_does_what_its_scopes_say(
    client: Client, keys: Path, method: str, path: str, secret: str, status: int
) -> None:
    async with client(keys=keys) as http:
        body = QUESTION if method == "POST" else None
        answer = await http.request(method, path, json=body, headers={"x-api-key": secret})

    assert answer.status_code == status
    if status == 403:
        wanted = is_problem(answer, 403)["scope"]
        assert f'error="insufficient_scope", scope="{wanted}"' in answer.headers["www-authenticate"]


@pytest.mark.anyio
async def test_a_key_beyond_its_rate_is_told_when_to_come_back(client: Client, keys: Path) -> None:
    async with client(keys=keys) as http:
        http.headers["x-api-key"] = "lossary_bursts"
        first, second, third = [await http.post("/v1/recommend", json=QUESTION) for _ in range(3)]
        other = await http.post("/v1/recommend", json=QUESTION, headers={"x-api-key": SECRET})

    assert first.headers["ratelimit-policy"] == '"default";q=2;w=60'
    assert (first.headers["ratelimit"], second.headers["ratelimit"]) == ('"default";r=1;t=30', '"default";r=0;t=60')
    problem = is_problem(third, 429)
    assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert 0 < int(third.headers["retry-after"]) == problem["retry_after_s"] <= 30
    assert other.is_success
    assert "ratelimit" not in other.headers


@given(st.integers(1, 1000), st.lists(st.floats(0, 90), max_size=200))
def test_no_minute_sees_more_than_a_bucketful_and_its_refill(rate: int, pauses: list[float]) -> None:
    bucket, now, taken = Bucket(rate, 0.0), 0.0, []
    for pause in pauses:
        now += pause
        if bucket.take(now):
            taken.append(now)

    for start in taken:
        assert sum(start <= at < start + 60 for at in taken) <= 2 * rate


FILES = [
    ("", "key"),
    ("key = 3", "key"),
    ('[[key]]\nname = "a"\nsha256 = "secret-in-the-wrong-place"', "key.0.sha256"),
    (line("a b", SECRET), "key.0.name"),
    (line("a", SECRET, 'scopes = ["all"]'), "key.0.scopes"),
    (line("a", SECRET, "rate = 0"), "key.0.rate"),
    (line("a", SECRET, "rat = 1"), "key.0.rat"),
    ("[[key", "TOMLDecodeError"),
]


@pytest.mark.parametrize(("text", "says"), FILES)
def test_a_wrong_file_of_keys_is_refused_in_one_line_without_its_text(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(text)

    with pytest.raises(ValueError, match=r"^LOSSARY_KEYS: ") as refused:
        keys_of(file)

    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "secret-in-the-wrong-place" not in str(refused.value)


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.anyio
async def test_a_new_key_is_shown_once_and_its_line_lets_it_in(client: Client, tmp_path: Path) -> None:
    made = run("service.pipeline.auth", "new", "ci", "--scope", "evaluate", "--rate", "90")
    secret = made.stderr.strip().rpartition(" ")[2]
    file = tmp_path / "keys.toml"
    file.write_text(made.stdout)
    async with client(keys=file) as http:
        answer = await http.post("/v1/evaluate", json=GOOD, headers={"Authorization": f"bearer {secret}"})

    assert made.returncode == 0
    assert secret not in made.stdout
    assert len(secret) == 51
    assert answer.is_success
    assert answer.headers["ratelimit-policy"] == '"default";q=90;w=60'


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104 - that is refused
def test_a_service_without_keys_keeps_to_this_machine(host: str) -> None:
    done = run("service", "--host", host, "--port", "0")

    assert done.returncode == 1
    assert done.stderr.startswith("LOSSARY_HOST: others reach")
    assert done.stderr.count("\n") == 1
    assert {"LOSSARY_KEYS", "LOSSARY_OPEN=1"} <= set(done.stderr.replace(",", "").split())


def test_what_starts_the_workers_imports_no_torch() -> None:
    program = "import sys, service.__main__; sys.exit('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)  # noqa: S603 - our own

    assert done.returncode == 0
