"""Of several runs the one in the middle is shown, with the least and the largest ratio."""

from benchmarks.serving.__main__ import Row, middle


def row(ratio: float) -> Row:
    return Row("work", f"{ratio:g} ms", "1 ms", ratio, 1.3, least=False)


def test_of_five_runs_the_one_in_the_middle_is_shown_with_their_spread() -> None:
    shown = middle([row(ratio) for ratio in (1.5, 1.1, 1.9, 1.2, 1.25)])

    assert (shown.ours, shown.ratio, shown.spread) == ("1.25 ms", 1.25, "1.10 to 1.90")
    assert shown.met


def test_a_single_run_has_no_spread() -> None:
    assert middle([row(2.0)]) == row(2.0)
