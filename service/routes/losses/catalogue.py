"""GET /v1/losses: the catalogue, and a description of each loss."""

from collections.abc import Collection
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi import Path as PathParameter
from fastapi.openapi.models import Example
from pydantic import BaseModel, Field

from losses.contract import names, registry
from losses.contract.expression import Objective
from losses.contract.loss import ArticleNote, Loss
from losses.description import snippets
from losses.errors import BadOption, UnknownLoss, did_you_mean
from losses.near import near
from losses.text import Language, Text, in_language, listed, paragraph
from losses.version import VERSION
from service.pipeline.properties import properties
from service.problems import BadRequest, UnknownPath, responses
from service.routes.fields.language import Spoken
from service.routes.fields.parameters import KNOWN_PARAMETERS

router = APIRouter(prefix="/v1", tags=["losses"], dependencies=KNOWN_PARAMETERS)


class Row(BaseModel):
    """A loss in one line."""

    id: str
    title: str
    tasks: list[str]
    kind: Annotated[
        Literal["item", "ratio", "batch"],
        Field(description="item: a weighted mean over items; ratio: one quotient over all; batch: needs all at once."),
    ]
    formula: Annotated[str, Field(description="LaTeX.")]
    traits: list[str]
    aliases: list[str]


class Input(BaseModel):
    """One array that the loss takes."""

    role: str
    axes: Annotated[str, Field(description="n items, C classes, D features, *s any number of axes.")]
    domain: str
    optional: bool


class Bilingual(BaseModel):
    """A sentence in both languages."""

    en: str
    zh: str


class ArticleEntry(BaseModel):
    """What the article says of a loss, and where that is imprecise."""

    section: str
    characteristics: Bilingual
    scenarios: Bilingual
    note: Bilingual | None


class WorkedCase(BaseModel):
    """Inputs and the resulting value per item, or the value."""

    params: dict[str, Any]
    inputs: dict[str, Any]
    gives: Any


class Page(Row):
    """Everything that is known of a loss."""

    inputs: list[Input]
    items: Annotated[str, Field(description="The axes of the items that come out.")]
    elements: Annotated[str, Field(description="The axes that weights and masks may have, from the first on.")]
    activation: str
    parameters: Annotated[dict[str, Any], Field(description="JSON Schema of the scalar parameters.")]
    alias_parameters: dict[str, dict[str, Any]]
    elicits: str
    source: str
    article: ArticleEntry | None
    conventions: Annotated[
        dict[str, dict[str, Any]], Field(description="The parameters that `convention=` of each library stands for.")
    ]
    differences: Annotated[list[str], Field(description="What no preset can say, and known bugs of libraries.")]
    cases: list[WorkedCase]
    snippets: Annotated[
        dict[str, str],
        Field(description="Code that runs as it stands; another library's under its convention, classes along axis 1."),
    ]
    version: str = VERSION


class Catalogue(BaseModel):
    """Every loss."""

    losses: list[Row]
    total: int
    version: str = VERSION


def _row(loss: Loss, language: Language) -> dict[str, Any]:
    """Return the row of a loss in the catalogue."""
    return {
        "id": loss.id,
        "title": in_language(loss.title, language),
        "tasks": list(loss.tasks),
        "kind": loss.bind().kind,
        "formula": loss.formula,
        "traits": sorted(loss.traits),
        "aliases": sorted(loss.aliases),
    }


def _article(entry: ArticleNote | None) -> ArticleEntry | None:
    """Return what the article says of a loss; None where it says nothing."""
    if entry is None:
        return None
    return ArticleEntry(
        section=entry.section,
        characteristics=_both(entry.characteristics),
        scenarios=_both(entry.scenarios),
        note=_both(entry.note) if entry.note else None,
    )


def _both(text: Text) -> Bilingual:
    """Return a text in both languages."""
    return Bilingual(en=text.en, zh=text.zh)


def describe_loss(loss: Loss, language: Language) -> Page:
    """Return everything that is known of a loss, its title in a language."""
    schema = loss.parameters.model_json_schema()
    return Page(
        **_row(loss, language),
        inputs=[
            Input(
                role=role,
                axes=str(loss.pattern(role)),
                domain=in_language(loss.domains[role].meaning, language),
                optional=role not in loss.required,
            )
            for role in loss.roles
        ],
        items=str(loss.shapes.items),
        elements=str(loss.elements),
        activation=loss.activation,
        parameters={name: schema[name] for name in ("properties", "additionalProperties") if name in schema},
        alias_parameters={alias: dict(params) for alias, params in loss.aliases.items() if params},
        elicits=loss.elicits,
        source=loss.source,
        article=_article(loss.article),
        conventions=loss.conventions,
        differences=list(loss.differences),
        cases=[WorkedCase(params=dict(case.params), inputs=case.inputs, gives=case.gives) for case in loss.cases],
        snippets={
            "pytorch": snippets.pytorch_code(Objective(((1.0, loss.bind()),))),
            **{library: snippets.elsewhere(loss, library) for library in loss.elsewhere},
        },
    )


@cache
def page_of(loss_id: str, language: Language) -> Page:
    """Return everything that is known of a loss of the catalogue; cached, since it takes 2 ms."""
    return describe_loss(registry.catalogue()[loss_id], language)


@cache
def rows(language: Language) -> tuple[Row, ...]:
    """Return the row of every loss; cached, since it takes 3 ms."""
    return tuple(Row(**_row(loss, language)) for loss in registry.catalogue().values())


ONE: dict[str, Example] = {"smooth_l1": {"value": "smooth_l1"}}
LossId = Annotated[str, PathParameter(description="An id or an alias.", openapi_examples=ONE, max_length=100)]


async def known(loss_id: LossId) -> Loss:
    """Return the loss that a path names by its id or an alias.

    Raises: UnknownPath with the nearest name.
    """
    try:
        return names.find(loss_id)[0]
    except UnknownLoss as unknown:
        raise UnknownPath(unknown.text, **unknown.facts) from None


TASKS = sorted({task for loss in registry.catalogue().values() for task in loss.tasks})
TRAITS = sorted({trait for loss in registry.catalogue().values() for trait in loss.traits})


@router.get("/losses", name="losses", summary="List losses", responses=responses(BadOption, BadRequest))
@properties("any key", etag=True)
async def list_losses(
    language: Spoken,
    task: Annotated[
        str | None,
        Query(max_length=100, description="Only losses for this task.", json_schema_extra={"enum": TASKS}),
    ] = None,
    trait: Annotated[
        str | None,
        Query(
            max_length=100,
            description="Only losses with this trait, such as robust.",
            json_schema_extra={"enum": TRAITS},
        ),
    ] = None,
    kind: Annotated[Literal["item", "ratio", "batch"] | None, Query(description="Only losses of this kind.")] = None,
) -> Catalogue:
    """List every loss in one line, in the order in which the article speaks of them.

    Filters narrow the list; one that nothing matches is refused with the near name.
    """
    _refuse_unknown("task", task, TASKS)
    _refuse_unknown("trait", trait, TRAITS)
    kept = [
        row
        for row in rows(language)
        if (task is None or task in row.tasks) and (trait is None or trait in row.traits) and kind in (None, row.kind)
    ]
    return Catalogue(losses=kept, total=len(kept))


def _refuse_unknown(name: str, value: str | None, known: Collection[str]) -> None:
    """Refuse a filter value that no loss has.

    Raises: BadOption with the nearest value.
    """
    if value is not None and value not in known:
        suggestion = near(value, known)
        kind, names = {"task": "任务", "trait": "性质"}[name], listed(known)
        none = Text(f"No loss has that {name}.", f"没有损失有这个{kind}。")
        all_names = Text(f"There are {names.en}.", f"有 {names.zh}。")
        raise BadOption(name, paragraph(none, did_you_mean(suggestion), all_names))


@router.get(
    "/losses/{loss_id}",
    name="loss",
    summary="Describe a loss",
    responses=responses(UnknownPath, BadRequest),
)
@properties("any key", etag=True)
async def loss_page(loss: Annotated[Loss, Depends(known)], language: Spoken) -> Page:
    """Show formula, inputs, parameters, what it elicits, what the article says, worked cases and code."""
    return page_of(loss.id, language)
