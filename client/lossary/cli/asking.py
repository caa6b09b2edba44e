"""The commands that ask a service."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from lossary.cli.application import (
    HOST,
    REFUSED,
    File,
    Json,
    Key,
    Query,
    Roles,
    Task,
    Url,
    app,
    err,
    out,
    read_facts,
    read_roles,
    refusals_printed,
)
from lossary.cli.printing import WIDTH, interval_text, number, print_advice, print_curve, print_experiment, print_json
from lossary.cli.words import say, spoken
from lossary.client import Client
from lossary.errors import Refused
from lossary.result import Result


@app.command()
@refusals_printed
def recommend(
    task: Annotated[str, typer.Argument(help="regression, binary, multiclass, segmentation, ...")],
    fact: Annotated[list[str], typer.Option("--fact", "-f", help="outlier_rate=0.08; may be given often.")] = [],  # noqa: B006 - typer's way
    goal: Annotated[list[str], typer.Option("--goal", "-g", help="functional=median; may be given often.")] = [],  # noqa: B006 - as above
    rulebook: Annotated[str | None, typer.Option(help="article or evidence.", show_default=False)] = None,
    url: Url = HOST,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Which loss for a task, given what is known of the data."""
    with Client(url, key=key, language=spoken()) as client:
        answer = client.recommend(
            task, profile=read_facts(fact) or None, goal=read_facts(goal) or None, rulebook=rulebook
        )
    print_json(answer) if as_json else print_advice(answer)


@app.command()
@refusals_printed
def profile(
    file: File, task: Task = None, roles: Roles = None, url: Url = HOST, key: Key = None, as_json: Json = False
) -> None:
    """What the arrays of a file say of the data."""
    with Client(url, key=key, language=spoken()) as client:
        answer = client.profile(file, task=task, roles=read_roles(roles))
    if as_json:
        print_json(answer)
        return
    table = Table(say("fact"), say("value"), "95 %", box=None, header_style="bold")
    for name, fact in answer.profile.items():
        measured = isinstance(fact, Result)
        interval = fact.get("interval") if measured else None
        value = fact.value if measured else fact
        table.add_row(name, number(value), interval_text(interval))
    out.print(table)


@app.command()
@refusals_printed
def evaluate(
    file: File,
    loss: Annotated[
        list[str], typer.Option("--loss", "-l", help="An objective, such as dice + 0.5*bce; may be given often.")
    ],
    roles: Roles = None,
    url: Url = HOST,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """What losses say of the predictions in a file."""
    with Client(url, key=key, language=spoken()) as client:
        answer = client.evaluate(loss, file, roles=read_roles(roles))
    if as_json:
        print_json(answer)
        return
    table = Table(say("loss"), say("value"), "+-", say("kept"), box=None, header_style="bold")
    for result in answer.results:
        error = result.get("standard_error")
        value = result.get("value")
        shown = number(value) if value is not None else escape(str(result.get("reason")))
        table.add_row(escape(result.loss), shown, number(error) if error is not None else "", str(result.kept))
    out.print(table)


@app.command()
@refusals_printed
def advise(
    file: File,
    task: Task = None,
    target: Annotated[
        str | None,
        typer.Option(help="The column to predict: losses are compared by training on the others.", show_default=False),
    ] = None,
    query: Query = None,
    roles: Roles = None,
    url: Url = HOST,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Which loss fits the data in a file."""
    with Client(url, key=key, language=spoken()) as client:
        if target is None:
            answer = client.advise(file, task=task, roles=read_roles(roles))
        else:
            dataset = client.upload(file).id
            answer = client.advise(
                dataset=dataset, target=target, query=query, experiment="quick", task=task, roles=read_roles(roles)
            )
    if as_json:
        print_json(answer)
        return
    print_advice(answer.recommendation)
    if answer.experiment is not None:
        print_experiment(answer.experiment)


@app.command()
@refusals_printed
def experiment(
    file: File,
    target: Annotated[str, typer.Option(help="The column to predict.")],
    metric: Annotated[str | None, typer.Option(help="rmse, mae, log_loss, auc, ...", show_default=False)] = None,
    outliers: Annotated[str | None, typer.Option(help="errors, signal or unknown.", show_default=False)] = None,
    model: Annotated[list[str], typer.Option("--model", help="linear, mlp; may be given often.")] = ["linear", "mlp"],  # noqa: B006 - typer's way
    repeats: Annotated[int, typer.Option(help="Partitions into folds.")] = 3,
    query: Query = None,
    url: Url = HOST,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Train every candidate loss on a table, and say which is best and how sure that is."""
    goal = {name: value for name, value in (("metric", metric), ("outliers", outliers)) if value is not None}
    asked: dict[str, Any] = {"goal": goal, "models": model, "repeats": repeats}
    if query is not None:
        asked["query"] = query
    with Client(url, key=key, language=spoken()) as client:
        started = client.start_experiment(client.upload(file).id, target, **asked)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn(f"{{task.completed}}/{{task.total}} {say('models')}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=err, transient=True, disable=as_json) as bar:
            task = bar.add_task(say("training"), total=started.progress.total)
            for event in client.events(started.id):
                if event.event == "progress":
                    bar.update(task, completed=event.done)
        ended = client.experiment(started.id)
    if as_json:
        print_json(ended)
        return
    if ended.status != "succeeded" or ended.verdict is None:
        err.print(escape(str((ended.get("problem") or {}).get("detail", ended.status))))
        raise typer.Exit(REFUSED)
    print_experiment(ended)


@app.command()
@refusals_printed
def losses(url: Url = HOST, key: Key = None, as_json: Json = False) -> None:
    """The catalogue."""
    with Client(url, key=key, language=spoken()) as client:
        answer = client.losses()
    if as_json:
        print_json(answer)
        return
    table = Table(say("loss"), say("tasks"), say("title"), box=None, header_style="bold")
    for entry in answer.losses:
        table.add_row(entry.id, ", ".join(entry.get("tasks") or []), escape(entry.title))
    out.print(table)


@app.command()
@refusals_printed
def show(loss: str, url: Url = HOST, key: Key = None, as_json: Json = False) -> None:
    """A loss: its formula, what it learns, and its curve."""
    with Client(url, key=key, language=spoken()) as client:
        answer = client.loss(loss)
        curve = None
        try:
            curve = client.curve(loss, points=2 * WIDTH - 1)
        except Refused as refused:
            reason = refused.detail
    if as_json:
        print_json(answer)
        return
    out.print(f"[bold]{answer.id}[/]  {escape(str(answer.title))}")
    facts = Table.grid(padding=(0, 1), pad_edge=True)
    for label, text in (("formula", answer.formula), ("elicits", answer.elicits)):
        facts.add_row(f" {say(label)}", escape(str(text)))
    out.print(facts)
    if curve is None:
        out.print(f"  {escape(reason)}")
        return
    print_curve(curve)
