"""The tree of where a small request spends its time adds samples up by the lines that they share."""

from pathlib import Path

from benchmarks.serving.small_profile import tree


def test_a_line_has_the_time_of_all_samples_below_it_the_longest_first(tmp_path: Path) -> None:
    file = tmp_path / "served.py"
    file.write_text("def serve():\n    parse()\n    compute()\n")
    outer, parse, compute = (f"{file}:{line}" for line in (1, 2, 3))

    lines = list(tree([([outer, parse], 2), ([outer, compute], 5), ([outer], 1)], sample_us=0.5, least=0.5))

    assert [line.split("[")[0].split() for line in lines] == [
        ["4.0", "def", "serve():"],
        ["2.5", "compute()"],
        ["1.0", "parse()"],
    ]


def test_lines_below_the_least_are_left_out_with_all_that_they_call(tmp_path: Path) -> None:
    seldom, often = f"{tmp_path}/a.py:1", f"{tmp_path}/b.py:1"

    lines = list(tree([([seldom, often], 1), ([often], 9)], sample_us=1.0, least=2.0))

    assert len(lines) == 1
    assert lines[0].strip().startswith("9.0")
