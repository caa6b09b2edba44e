"""The public names of losses: what `import losses` gives, that its example is true, and that it imports no torch."""

import ast
import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import losses


@pytest.mark.parametrize("name", [name for name in losses.__all__ if name != "VERSION"])
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert inspect.getdoc(getattr(losses, name))
    assert name in dir(losses)


@pytest.mark.parametrize("name", ["evaluate", "parse", "curve", "split_objectives", "catalogue"])
def test_a_public_function_says_what_it_returns(name: str) -> None:
    assert (inspect.getdoc(getattr(losses, name)) or "").startswith("Return")


def test_the_example_of_the_package_is_true() -> None:
    tried = doctest.testmod(losses)

    assert tried.attempted > 10
    assert tried.failed == 0


def test_what_is_checked_for_types_is_what_is_given() -> None:
    tree = ast.parse(Path(losses.__file__).read_text(encoding="utf-8"))
    checked = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert set(checked) | {"VERSION"} == set(losses.__all__)
    assert all(getattr(losses, name) is getattr(sys.modules[str(module)], name) for name, module in checked.items())


def test_a_name_that_is_not_public_is_none() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'evaluat'"):
        losses.evaluat  # noqa: B018 - asked for


def test_errors_alone_need_no_torch() -> None:
    code = "import sys, losses.errors; print('torch' in sys.modules); losses.parse; print('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - the code above

    assert done.stdout.split() == ["False", "True"]
