"""The two tables of the README, printed from the code: python -m tests.service.tables."""

from losses.contract.loss import Loss
from losses.contract.registry import catalogue
from recommender.rules import ROWS
from recommender.rules.table import Condition, Rule, Threshold


def rules() -> str:
    """Return the article's rule book as Markdown, in the order in which rows are tried."""
    lines = ["| task | when | loss | article | rule |", "|---|---|---|---|---|"]
    lines += [
        f"| {', '.join(row.tasks)} | {_when(row)} | {_loss(row)} | {_section(row)} | `{row.name}` |"
        for row in ROWS
        if row.book == "article"
    ]
    return "\n".join(lines)


def _section(row: Rule) -> str:
    return row.source.text("en").rsplit(" ", 1)[-1]


def _when(row: Rule) -> str:
    return " and ".join(_condition(condition) for condition in row.when) or "nothing measured"


def _condition(condition: Condition) -> str:
    bound = condition.bound
    if isinstance(bound, Threshold):
        return f"{condition.fact} {condition.operator} {bound.default:g}"
    return condition.fact if bound is True else f"{condition.fact} is {bound}"


def _loss(row: Rule) -> str:
    computed = "; ".join(f"{name} = {formula.text}" for name, formula in row.computed.items())
    return f"`{row.recommend}`" + (f", {computed}" if computed else "")


def losses() -> str:
    """Return the article's losses as Markdown, then all the others by their first task."""
    lines = ["| loss | formula per item | it learns | article | also known as |", "|---|---|---|---|---|"]
    lines += [_row(loss) for loss in catalogue().values() if loss.article]
    others: dict[str, list[str]] = {}
    for loss in catalogue().values():
        if not loss.article:
            others.setdefault(loss.tasks[0], []).append(f"`{loss.id}`")
    lines += ["", f"And {sum(map(len, others.values()))} more:", ""]
    lines += [f"- {task}: {', '.join(ids)}" for task, ids in sorted(others.items())]
    return "\n".join(lines)


def _row(loss: Loss) -> str:
    section = loss.article.section if loss.article else ""
    formula = loss.formula.replace("|", r"\vert ")
    others = ", ".join(f"`{name}`" for name in list(loss.aliases)[:3])
    return f"| `{loss.id}` | ${formula}$ | {loss.elicits} | {section} | {others} |"


if __name__ == "__main__":
    print(rules(), losses(), sep="\n@@\n")  # noqa: T201 - its work
