"""The command: what it prints on 80 columns, and how it exits."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from lossary.cli.application import app
from lossary.cli.help_texts import translate
from lossary.cli.words import WORDS

from tests.service.processes import Server, free_port, serving

TABLE = "y_true,y_pred\n" + "".join(f"{k},{k + (-1) ** k}\n" for k in range(40))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(LOSSARY_DATA=str(tmp_path_factory.mktemp("data"))) as running:
        yield running


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "table.csv"
    file.write_text(TABLE)
    return file


def lossary(
    *arguments: object, url: str = "", columns: int = 80, language: str = "C.UTF-8"
) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "COLUMNS": str(columns),
        "LOSSARY_URL": url,
        "LC_ALL": language,
        "LOSSARY_LANGUAGE": "",
    }
    command = [sys.executable, "-m", "lossary", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own


def test_every_command_answers_within_80_columns(server: Server, table: Path) -> None:
    commands = [
        ("recommend", "binary", "-f", "class_imbalance=1.1"),
        ("profile", table, "--task", "regression"),
        ("evaluate", table, "-l", "mse", "-l", "smooth_l1(beta=0.5)"),
        ("advise", table, "--task", "regression"),
        ("show", "huber"),
        ("losses",),
    ]
    for command in commands:
        done = lossary(*command, url=server.url)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()
        assert max(map(len, done.stdout.splitlines())) <= 80, command

    assert "bce" in lossary(*commands[0], url=server.url).stdout
    assert "1" in lossary(*commands[2], url=server.url).stdout


def test_an_experiment_prints_its_verdict(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "flats.csv"
    file.write_text("size,price\n" + "".join(f"{k},{3 * k + (k * 7919) % 13}\n" for k in range(60)))

    done = lossary(
        "experiment", file, "--target", "price", "--metric", "mae", "--model", "linear", "--repeats", 1, url=server.url
    )

    assert done.returncode == 0, done.stderr
    assert "mean absolute error" in " ".join(done.stdout.split())
    assert "linear" in done.stdout


def test_advice_on_a_target_compares_the_losses_on_the_table(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "flats.csv"
    file.write_text("size,price\n" + "".join(f"{k},{3 * k + (k * 7919) % 13}\n" for k in range(60)))

    done = lossary("advise", file, "--target", "price", url=server.url)

    assert done.returncode == 0, done.stderr
    assert "with a linear model on 60 rows" in " ".join(done.stdout.split())
    assert sum(line.rstrip().endswith("chosen") for line in done.stdout.splitlines()) == 1


def test_a_refusal_that_speaks_of_roles_names_the_option(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "letters.csv"
    file.write_text("a,b\n1,2\n2,3\n")

    done = lossary("profile", file, url=server.url)

    assert "--roles predictions:COLUMN,targets:COLUMN" in " ".join(done.stderr.split())


def test_json_is_the_answer_as_it_came(server: Server) -> None:
    done = lossary("recommend", "binary", "-f", "class_imbalance=1.1", "--json", url=server.url)

    assert json.loads(done.stdout)["recommended"]["objective"] == "bce"


def test_what_goes_wrong_has_an_exit_code_of_its_kind(server: Server, table: Path) -> None:
    refused = lossary("show", "focl", url=server.url)
    unreached = lossary("losses", url=f"http://127.0.0.1:{free_port()}")
    missing = lossary("profile", "no.csv", url=server.url)
    wrong = lossary("recommend", "binary", "-f", "class_imbalance", url=server.url)
    column = lossary("evaluate", table, "-l", "mse", "--roles", "predictions:y_prd,targets:y_true", url=server.url)

    assert (refused.returncode, "Did you mean focal?" in refused.stderr) == (1, True)
    assert (unreached.returncode, "make serve" in unreached.stderr) == (3, True)
    assert missing.returncode == 2
    assert (wrong.returncode, "name=value" in wrong.stderr) == (2, True)
    assert (column.returncode, "y_pred" in column.stderr) == (1, True)


def test_config_lists_every_setting_and_where_it_is_from(tmp_path: Path) -> None:
    file = tmp_path / "lossary.toml"
    file.write_text('max_body_bytes = "2MB"\nport = 9000\n')
    environment = {**os.environ, "LOSSARY_SETTINGS": str(file), "LOSSARY_PORT": "9001"}

    done = subprocess.run(
        [sys.executable, "-m", "lossary", "config", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    entries = {entry["name"]: entry for entry in json.loads(done.stdout)}

    assert (entries["port"]["value"], entries["port"]["source"]) == (9001, "LOSSARY_PORT")
    assert (entries["max_body_bytes"]["value"], entries["max_body_bytes"]["source"]) == (2_000_000, "LOSSARY_SETTINGS")
    assert entries["workers"]["source"] == "default"


def test_the_service_says_its_settings_and_its_version() -> None:
    shown = subprocess.run([sys.executable, "-m", "service", "--help"], capture_output=True, text=True, check=True)
    version = subprocess.run([sys.executable, "-m", "service", "--version"], capture_output=True, text=True, check=True)

    assert "LOSSARY_MAX_BODY_BYTES" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert version.stdout.startswith("Lossary ")


def test_the_command_speaks_chinese_where_the_shell_does(server: Server) -> None:
    answered = lossary("recommend", "regression", "-f", "outlier_rate=0.08", url=server.url, language="zh_CN.UTF-8")
    refused = lossary("recommend", "regresion", url=server.url, language="zh_CN.UTF-8")
    unreached = lossary("losses", url=f"http://127.0.0.1:{free_port()}", language="zh_CN.UTF-8")

    assert answered.returncode == 0, answered.stderr
    assert "文章" in answered.stdout
    assert "没有这个名称的任务。是否指 regression?" in refused.stderr
    assert "无应答" in unreached.stderr


def test_every_sentence_of_the_command_says_the_same_in_both_languages() -> None:
    for english, chinese in WORDS.values():
        assert re.search("[一-鿿]", chinese)
        assert set(re.findall(r"{\d}", english)) == set(re.findall(r"{\d}", chinese))


def test_every_help_text_is_chinese_where_the_shell_is() -> None:
    command = typer.main.get_command(app)
    translate(command)

    texts = [text for part in (command, *command.commands.values()) for text in _helps(part)]  # type: ignore[attr-defined] # of a group

    assert len(texts) > len(command.commands)  # type: ignore[attr-defined] # the same
    assert [text for text in texts if not re.search("[一-鿿]", text)] == []
    assert "损失目录" in lossary("--help", language="zh_CN.UTF-8").stdout
    assert "The catalogue" in lossary("--help").stdout


def _helps(command: Any) -> list[str]:  # noqa: ANN401 - typer brings a click of its own, which is untyped
    own = [parameter.help for parameter in command.params if "completion" not in parameter.name]
    return [command.help, *filter(None, own)]
