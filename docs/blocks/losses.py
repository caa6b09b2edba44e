"""The catalogue: its tables, and a page for each task with formula, inputs, parameters and code of every loss."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from docs.blocks.pictures import has_curve
from docs.blocks.tables import cell, code, codes, formula, table
from losses.contract.expression import Objective
from losses.contract.loss import Loss
from losses.contract.registry import catalogue
from losses.description import snippets
from recommender.tasks import Task

_DOI = re.compile(r"doi:(\S+[\w)])")
_ARXIV = re.compile(r"arXiv:([\d.]+\d)")
_RANGES = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def _by_task() -> dict[str, list[Loss]]:
    """Return the losses by their first task, in the order of the tasks."""
    order = [str(task) for task in Task]
    grouped: dict[str, list[Loss]] = {}
    for loss in sorted(catalogue().values(), key=lambda loss: order.index(loss.tasks[0])):
        grouped.setdefault(loss.tasks[0], []).append(loss)
    return grouped


def article_losses() -> str:
    """Return the losses that the article speaks of."""
    rows = [
        (_link(loss), formula(loss.formula), loss.elicits, _section(loss), codes(list(loss.aliases)[:3]))
        for loss in catalogue().values()
        if loss.article
    ]
    return table(["loss", "formula per item", "it learns", "article", "also known as"], rows)


def all_losses() -> str:
    """Return how many losses there are, and the ids by task."""
    lines = [f"{len(catalogue())} losses, by the task that each is mainly for:", ""]
    lines += [
        f"- [{task}](losses/{task}.md): {', '.join(_link(loss) for loss in losses)}"
        for task, losses in _by_task().items()
    ]
    return "\n".join(lines)


def _link(loss: Loss) -> str:
    return f"[`{loss.id}`](losses/{loss.tasks[0]}.md#{loss.id})"


def _section(loss: Loss) -> str:
    if loss.article is None:
        return ""
    number = loss.article.section
    return f"[{number}](article.md#section-{number.replace('.', '-')})"


def pages() -> dict[str, str]:
    """Return the page of each task, by its name in docs/."""
    return {f"losses/{task}.md": _page(task, losses) for task, losses in _by_task().items()}


def _page(task: str, losses: Iterable[Loss]) -> str:
    title = task.capitalize()
    meaning = next(each.row.title.en for each in Task if each == task)
    about = (
        f"Losses that are mainly for the task `{task}`: {meaning}. Curves are drawn with the default parameters; "
        "[`/v1/losses/{loss_id}/curve`](../http.md#endpoints) draws them with any others."
    )
    written = "<!-- Written by make docs-tables from losses/families. -->"
    parts = [f"# {title}", written, about, *(_entry(loss) for loss in losses)]
    return "\n\n".join(parts) + "\n"


def _entry(loss: Loss) -> str:
    parts = [f"## {loss.title.en} {{ #{loss.id} }}", f"`{loss.id}`", f"$$\n{loss.formula}\n$$"]
    if has_curve(loss.id):
        parts.append(f"![{loss.id} and its gradient](curves/{loss.id}.svg){{ loading=lazy }}")
    parts.append(table(["", ""], [(f"**{name}**", text) for name, text in _facts(loss) if text]))
    parameters = loss.parameters.model_json_schema().get("properties", {})
    if parameters:
        rows = [
            (code(name), _shown(entry.get("default")), _allowed(entry), cell(entry.get("description", "")))
            for name, entry in parameters.items()
        ]
        parts.append(table(["parameter", "default", "may be", "meaning"], rows))
    if loss.article:
        said = f"{loss.article.characteristics.en} {loss.article.scenarios.en}"
        note = f" Note: {loss.article.note.en}" if loss.article.note else ""
        parts.append(f"The article, [section {loss.article.section}](../article.md#{_anchor(loss)}): {said}{note}")
    if loss.differences:
        parts.append("Where libraries differ:\n\n" + "\n".join(f"- {cell(text)}" for text in loss.differences))
    snippet = snippets.pytorch_code(Objective(((1.0, loss.bind()),)))
    fenced = "\n".join(f"    {line}".rstrip() for line in f"```python\n{snippet.strip()}\n```".splitlines())
    parts.append(f'??? example "In PyTorch"\n\n{fenced}')
    return "\n\n".join(parts)


def _anchor(loss: Loss) -> str:
    return f"section-{loss.article.section.replace('.', '-')}" if loss.article else ""


def _facts(loss: Loss) -> list[tuple[str, str]]:
    inputs = "; ".join(
        f"`{role} ({loss.pattern(role)})` {cell(loss.domains[role].meaning.en)}"
        + ("" if role in loss.required else ", optional")
        for role in loss.roles
    )
    return [
        ("it learns", cell(loss.elicits)),
        ("inputs", inputs),
        ("an item is", code(f"({loss.shapes.items})") if str(loss.shapes.items) else "everything at once"),
        ("kind", loss.bind().kind),
        ("activation of the output", loss.activation),
        ("traits", ", ".join(sorted(loss.traits))),
        ("other tasks", codes(loss.tasks[1:])),
        ("also known as", codes(loss.aliases)),
        ("conventions", codes(loss.conventions)),
        ("source", _source(loss.source)),
    ]


def _source(text: str) -> str:
    linked = _DOI.sub(r"[doi:\1](https://doi.org/\1)", cell(text))
    return _ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", linked)


def _shown(value: object) -> str:
    return code(
        {None: "none", True: "true", False: "false"}.get(value, value) if isinstance(value, bool | None) else value
    )


def _allowed(entry: dict[str, Any]) -> str:
    """Return in words what JSON Schema allows a parameter to be."""
    choices = entry.get("anyOf", [entry])
    return " or ".join(filter(None, (_choice(choice) for choice in choices)))


def _choice(entry: dict[str, Any]) -> str:
    if "enum" in entry or "const" in entry:
        return codes(entry.get("enum", [entry.get("const")]))
    if entry.get("type") == "null":
        return "none"
    bounds = [f"{sign} {entry[name]:g}" for name, sign in _RANGES.items() if name in entry]
    kind = {"number": "number", "integer": "whole number", "boolean": "true, false"}.get(str(entry.get("type")), "")
    return f"{kind} {', '.join(bounds)}".strip().replace("<", "&lt;")


BLOCKS: dict[str, Callable[..., str]] = {"article-losses": article_losses, "all-losses": all_losses}
