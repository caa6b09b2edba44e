"""The command that compiles kernels ahead of time tells what it cannot compile."""

import sys
from pathlib import Path

import pytest

from losses.evaluation.kernels import build


def exit_status(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Return the exit status of the command, which must not be 0."""
    monkeypatch.setattr(sys, "argv", ["build", *arguments])
    with pytest.raises(SystemExit) as ended:
        build.main()
    return ended.value.code


def test_a_loss_that_was_named_and_has_no_kernel_is_an_error_that_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status = exit_status(monkeypatch, str(tmp_path), "--instructions", "all", "nt_xent")

    assert status == 1
    assert capsys.readouterr().out.startswith("nt_xent is left to the plain way: It needs all items at once")


def test_a_name_that_is_not_in_the_catalogue_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status = exit_status(monkeypatch, str(tmp_path), "mse + no_such_loss")

    assert status == 2
    assert "no_such_loss" in capsys.readouterr().err
