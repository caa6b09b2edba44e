"""What the catalogue says of every loss: complete, in two languages, and true of the code."""

import ast
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from losses.contract import names, registry
from losses.contract.expression import Objective, parse
from losses.contract.loss import Loss
from losses.contract.registry import catalogue
from losses.description.snippets import elsewhere, pytorch_code
from losses.errors import UnknownLoss
from losses.evaluation.evaluate import evaluate
from losses.text import Text
from tests.losses.draw import SUBJECTS, Batch, Subject, every_kind, every_loss, once_a_loss, variants

ARTICLE = {"1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "3.1", "3.2", "3.3"}  # the ten losses it speaks of
ELSEWHERE = {"keras", "optax"}  # whose snippets `make conformance` runs
CHINESE = re.compile(r"[一-鿿]")
NEEDS_NO_MORE = [subject for subject in SUBJECTS if not subject.optional]


@every_loss
def test_no_column_is_empty(loss: Loss) -> None:
    columns: list[object] = [
        loss.title,
        loss.tasks,
        loss.shapes.roles,
        loss.domains,
        loss.formula,
        loss.source,
        loss.elicits,
    ]
    columns += [loss.activation, loss.cases, loss.pytorch, loss.traits, loss.roles, loss.required, loss.differentiable]

    assert all(columns)


@every_loss
def test_the_title_is_told_in_english_and_chinese(loss: Loss) -> None:
    assert CHINESE.search(loss.title.zh)
    assert not CHINESE.search(loss.title.en)


def test_no_two_losses_have_one_title() -> None:
    titles = [(loss.title.en, loss.title.zh) for loss in catalogue().values()]

    assert len({english for english, _ in titles}) == len({chinese for _, chinese in titles}) == len(titles)


@every_loss
def test_every_input_has_a_domain_and_axes(loss: Loss) -> None:
    assert set(loss.roles) <= set(loss.domains)
    assert all(loss.domains[role].meaning for role in loss.roles)
    assert all(loss.pattern(role).names for role in loss.roles)


@every_loss
def test_every_parameter_says_what_it_is(loss: Loss) -> None:
    schema = loss.parameters.model_json_schema()

    assert all(each["description"].endswith(".") for each in schema.get("properties", {}).values())
    assert all("default" in each for each in schema.get("properties", {}).values())


@every_loss
def test_the_function_says_what_is_learned(loss: Loss) -> None:
    assert (loss.compute.__doc__ or "").splitlines()[0].endswith(".")


def test_all_ten_entries_of_the_article_are_told() -> None:
    told = {loss.article.section for loss in catalogue().values() if loss.article}

    assert told == ARTICLE


@every_loss
def test_the_article_is_told_in_english_and_chinese(loss: Loss) -> None:
    said = loss.article
    texts = [said.characteristics, said.scenarios, said.note] if said else []

    for text in texts:
        assert text is None or (isinstance(text, Text) and CHINESE.search(text.zh) and not CHINESE.search(text.en))


def test_no_name_means_two_losses() -> None:
    every = [name for loss in catalogue().values() for name in (loss.id, *loss.aliases)]

    assert len(every) == len(set(every)) == len(registry.names())


def test_every_name_leads_to_a_loss_under_the_parameters_it_implies() -> None:
    for name in registry.names():
        loss, implied = names.find(name)

        assert parse(name) == Objective(((1.0, loss.bind(implied)),)), name


def test_a_near_name_is_suggested() -> None:
    with pytest.raises(UnknownLoss) as refused:
        names.find("smoth_l1")

    assert refused.value.facts == {"did_you_mean": "smooth_l1"}


@every_loss
def test_the_text_of_a_loss_parses_back_to_it(loss: Loss) -> None:
    for term in variants(loss):
        objective = parse(str(term))

        assert objective == Objective(((1.0, term),))
        assert str(objective) == str(term)


def values(schema: dict[str, Any]) -> st.SearchStrategy[object]:
    """Return the values that the schema of a parameter admits."""
    match schema:
        case {"anyOf": several}:
            strategy = st.one_of([values(each) for each in several])
        case {"enum": words}:
            strategy = st.sampled_from(words)
        case {"const": word}:
            strategy = st.just(word)
        case {"type": "boolean"}:
            strategy = st.booleans()
        case {"type": "null"}:
            strategy = st.none()
        case {"type": "integer"}:
            strategy = st.integers(schema.get("minimum"), schema.get("maximum", schema.get("exclusiveMaximum", 1) - 1))
        case _:
            strategy = st.floats(
                schema.get("minimum", schema.get("exclusiveMinimum")),
                schema.get("maximum", schema.get("exclusiveMaximum")),
                exclude_min="exclusiveMinimum" in schema,
                exclude_max="exclusiveMaximum" in schema,
                allow_nan=False,
                allow_infinity=False,
            )
    return strategy


@every_loss
@settings(max_examples=15)
@given(data=st.data())
def test_any_parameters_print_and_parse(loss: Loss, data: st.DataObject) -> None:
    properties = loss.parameters.model_json_schema().get("properties", {})
    params = {name: data.draw(values(schema), label=name) for name, schema in properties.items()}
    coefficient = data.draw(st.floats(0, exclude_min=True, allow_infinity=False))

    objective = Objective(((coefficient, loss.bind(params)), (1.0, loss.bind())))  # type: ignore[arg-type] # the schema says so

    assert parse(str(objective)) == objective


def run(code: str, batch: Batch) -> float:
    """Return what a snippet makes of the inputs."""
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own code, and that it runs is what is tested
    return float(names["loss"](*batch.inputs.values()))


@once_a_loss(NEEDS_NO_MORE)
def test_the_snippet_gives_the_same_number(subject: Subject) -> None:
    batch = subject.draw()

    given_by_torch = run(pytorch_code(subject.objective), batch)

    assert given_by_torch == pytest.approx(batch.evaluate().value, rel=1e-12, abs=1e-12)


@every_loss
def test_the_snippet_of_a_sum_gives_the_same_number(loss: Loss) -> None:
    subject = Subject(loss.bind())
    batch = subject.draw()
    objective = Objective(((0.5, subject.term), (1.0, subject.term)))

    given_by_torch = run(pytorch_code(objective), batch)

    assert given_by_torch == pytest.approx(evaluate(objective, batch.inputs).value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("text", ["bce(pos_weight=0.1)", "focal(alpha=0.1, gamma=0.5)", "triplet(margin=0.3, p=3)"])
def test_a_snippet_rounds_no_parameter(text: str) -> None:
    ((_, term),) = parse(text).terms
    batch = Subject(term).draw()

    given_by_torch = run(pytorch_code(parse(text)), batch)

    assert given_by_torch == pytest.approx(batch.evaluate().value, rel=1e-12)


@every_kind
def test_looking_like_probabilities_is_worth_a_warning(subject: Subject) -> None:
    batch = subject.draw()
    logits = [role for role in batch.inputs if subject.term.domain(role).minus_infinity]
    squeezed = Batch(
        subject,
        {role: tensor.sigmoid() if role in logits else tensor for role, tensor in batch.inputs.items()},
    )

    plain, codes = ([warned.code for warned in each.evaluate().warnings] for each in (batch, squeezed))

    assert set(plain) <= {"several-classes-a-pixel"}  # of masks that are drawn for each class by itself
    assert codes == ["looks-like-probabilities"] * len(logits) + plain


def test_a_snippet_needs_torch_alone() -> None:
    lines = {line for subject in SUBJECTS for line in pytorch_code(subject.objective).splitlines()}

    assert {line for line in lines if "import" in line} == {"import torch", "import torch.nn.functional as F"}


@every_loss
def test_a_snippet_of_another_library_is_a_module_with_the_loss(loss: Loss) -> None:
    assert set(loss.elsewhere) <= ELSEWHERE

    for library in loss.elsewhere:
        *imports, function = ast.parse(elsewhere(loss, library)).body
        assert isinstance(function, ast.FunctionDef)
        assert function.name == "loss"
        assert tuple(argument.arg for argument in function.args.args) == loss.required
        bound = {name.asname or name.name for line in imports if isinstance(line, ast.Import) for name in line.names}
        used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} - set(loss.required)
        assert library in bound
        assert used == bound
