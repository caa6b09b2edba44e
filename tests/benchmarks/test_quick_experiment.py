"""The quick experiment as a policy of the regret report: what it chose, read as what was trained."""

from benchmarks.regret.cells import Cell, read
from benchmarks.regret.policies import Matrix
from benchmarks.regret.protocol import protocol
from benchmarks.regret.quick_experiment import FAMILY, MODEL, advised, chosen, key_of
from losses.contract.expression import parse


def _matrix() -> Matrix:
    rows, questions = read(FAMILY)
    return Matrix.of(FAMILY, protocol().families[FAMILY].metrics[0], rows, questions)


def _losses(objective: str) -> list[str]:
    return [term.loss.id for _, term in parse(objective).terms]


def test_a_choice_is_stored_for_every_cell_of_a_linear_model_and_metric() -> None:
    cells = {Cell(*cell) for cell in _matrix().cells if cell.model == MODEL}

    wanted = {key_of(cell, metric.name) for cell in cells for metric in protocol().families[FAMILY].metrics}

    assert set(chosen()) == wanted


def test_the_verdict_stands_for_linear_models_and_the_book_for_others() -> None:
    matrix = _matrix()
    book = ["mae"] * len(matrix.cells)

    policy = advised(matrix, book)

    for cell, name in zip(matrix.cells, policy, strict=True):
        if cell.model != MODEL:
            assert name == "mae"
            continue
        trained = {candidate: text for text, candidate in matrix.objectives[cell].items()}
        assert _losses(trained[name]) == _losses(chosen()[key_of(cell, matrix.metric.name)])


def test_the_scores_of_one_kind_of_model_are_those_of_its_cells() -> None:
    matrix = _matrix()

    linear = matrix.only(MODEL)

    assert linear.cells == [cell for cell in matrix.cells if cell.model == MODEL]
    assert all(linear.regret(cell, "mae") == matrix.regret(cell, "mae") for cell in linear.cells[::50])


def test_the_best_of_a_half_is_behind_the_best_of_the_other_by_luck_alone() -> None:
    matrix = _matrix()

    assert all(matrix.regret(cell, matrix.best(cell)) <= 0 for cell in matrix.cells[::20])
    assert all(matrix.by_noise(cell) >= 0 for cell in matrix.cells[::20])
