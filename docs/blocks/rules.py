"""The rule books, the thresholds, the tasks, and what rests on each section of the article."""

from collections.abc import Callable

from docs.blocks.tables import cell, code, codes, table
from losses.contract.registry import catalogue
from recommender.rules import ROWS
from recommender.rules.table import STRENGTHS, Condition, Evidence, Rule, Threshold
from recommender.rules.thresholds import THRESHOLDS
from recommender.tasks import Task


def rules(book: str) -> str:
    """Return one book in the order in which its rows are tried, a table a task."""
    parts = []
    for task in Task:
        rows = [row for row in ROWS if row.book == book and row.tasks[0] == task]
        if not rows:
            continue
        tasks = sorted({other for row in rows for other in row.tasks}, key=list(Task).index)
        headings = ["when", "loss", "from", "rule"]
        cells = [(_when(row), _loss(row), _source(row), code(row.name)) for row in rows]
        parts += [f"### {', '.join(tasks)}", table(headings, cells)]
    return "\n\n".join(parts)


def _source(row: Rule) -> str:
    if isinstance(row.source, Evidence):
        return f"**{row.source.strength}** {cell(row.source.reference)}"
    return f"[section {row.source.section}](article.md#section-{row.source.section.replace('.', '-')})"


def _when(row: Rule) -> str:
    conditions = [_condition(condition) for condition in row.when]
    conditions += [f"not ({_condition(condition)})" for condition in row.unless]
    return " and ".join(conditions) or "nothing measured"


def _condition(condition: Condition) -> str:
    bound = condition.bound
    if isinstance(bound, Threshold):
        return f"{condition.fact} {cell(condition.operator)} {bound.default:g}"
    return condition.fact if bound is True else f"{condition.fact} is {bound}"


def _loss(row: Rule) -> str:
    computed = "; ".join(f"{name} = {cell(formula.text)}" for name, formula in row.computed.items())
    head = "" if row.head == "output" else f"{row.head}: "
    return f"{head}{code(row.recommend)}" + (f", {computed}" if computed else "")


def thresholds() -> str:
    """Return every threshold with its default and its source."""
    rows = [
        (code(threshold.name), code(fact), f"{threshold.default:g}", cell(threshold.source))
        for threshold, fact in THRESHOLDS.values()
    ]
    return table(["threshold", "fact", "default", "source"], rows, right=[2])


def strengths() -> str:
    """Return what the letters of the evidence book mean."""
    return table(["strength", "what it is"], [(f"**{letter}**", text.en) for letter, text in STRENGTHS.items()])


def tasks() -> str:
    """Return the tasks that can be asked about."""
    rows = [
        (
            code(task),
            task.row.title.en,
            codes(scenario for scenario in task.row.places) or "",
            "yes" if task.row.in_article else "no",
            _goal(task),
        )
        for task in Task
    ]
    return table(["task", "the model puts out", "scenarios", "in the article", "goal, where none is named"], rows)


def _goal(task: Task) -> str:
    goal = task.row.default_goal.model_dump(exclude_none=True)
    return ", ".join(code(f"{name}: {str(value).lower()}") for name, value in goal.items())


def section(number: str) -> str:
    """Return the losses and the rows that rest on one section of the article, in both languages."""
    losses = [loss for loss in catalogue().values() if loss.article and loss.article.section == number]
    rows = [row for row in ROWS if row.book == "article" and row.source.section == number]
    named = ", ".join(f"[`{loss.id}`](losses/{loss.tasks[0]}.md#{loss.id})" for loss in losses)
    lines = [f"Losses · 损失: {named}."] if losses else []
    lines += [f"Rules · 规则: {codes(row.name for row in rows)}."] if rows else []
    return "\n\n".join(lines)


BLOCKS: dict[str, Callable[..., str]] = {
    "rules": rules,
    "thresholds": thresholds,
    "strengths": strengths,
    "tasks": tasks,
    "section": section,
}
