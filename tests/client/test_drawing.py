"""Curves in a terminal."""

from lossary.cli.drawing import BRAILLE, drawn


def test_a_parabola_is_high_at_both_ends_and_low_in_its_middle() -> None:
    lines = drawn([(place - 31.5) ** 2 for place in range(64)], 6)

    dots = [[ord(character) - BRAILLE for character in line] for line in lines]
    assert [len(line) for line in lines] == [32] * 6
    assert 0 not in (dots[0][0], dots[0][-1])
    assert dots[0][15] == 0 != dots[-1][15]
    assert (dots[-1][0], dots[-1][-1]) == (0, 0)


def test_a_step_is_drawn_without_a_gap() -> None:
    lines = drawn([0.0, 0.0, 1.0, 1.0], 3)

    assert all(any(ord(character) != BRAILLE for character in line) for line in lines)


def test_a_constant_lies_on_the_lowest_row() -> None:
    top, bottom = drawn([2.0] * 8, 2)

    assert set(top) == {chr(BRAILLE)}
    assert chr(BRAILLE) not in bottom
