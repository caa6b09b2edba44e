"""The face of the recommender: what `import recommender` gives, and that its example is true."""

import doctest
import inspect
import subprocess
import sys

import pytest

import recommender


@pytest.mark.parametrize("name", recommender.__all__)
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert inspect.getdoc(getattr(recommender, name))


@pytest.mark.parametrize("name", ["recommend", "measure_profile", "export_rules"])
def test_a_public_function_says_what_it_returns_and_raises(name: str) -> None:
    text = inspect.getdoc(getattr(recommender, name)) or ""

    assert text.startswith("Return")
    assert "Raises:" in text


def test_the_example_of_the_package_is_true() -> None:
    tried = doctest.testmod(recommender)

    assert tried.attempted > 5
    assert tried.failed == 0


@pytest.mark.parametrize(
    "module", ["recommender", "recommender.tasks", "recommender.measure", "recommender.rules.table"]
)
def test_any_part_may_be_imported_first(module: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)  # noqa: S603 - the names above
