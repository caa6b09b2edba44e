"""The command `lossary`: ask a running service from a shell.

Exit codes: 0 answered, 1 refused, 2 wrong usage, 3 nobody answered, 4 the service failed.
"""

import json
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

try:
    import typer
    from rich.cells import set_cell_size
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Table
except ImportError:
    sys.exit("The command needs two more packages: pip install 'lossary[cli]'.")

from lossary.client import Client
from lossary.drawing import drawn
from lossary.errors import ConnectionFailed, LossaryError, Refused, ServerFault
from lossary.help_texts import translate
from lossary.result import Result
from lossary.words import say, spoken

app = typer.Typer(
    name="lossary",
    help="Which loss fits your data, and what any loss says about your predictions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
out, err = Console(highlight=False), Console(stderr=True, highlight=False)
REFUSED, USAGE, UNREACHED, FAILED = 1, 2, 3, 4
HEIGHT, WIDTH = 12, 64  # of a curve, in characters
Parameters = ParamSpec("Parameters")

Url = Annotated[str, typer.Option(envvar="LOSSARY_URL", help="Where the service answers.")]
Key = Annotated[str | None, typer.Option(envvar="LOSSARY_KEY", help="An API key.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
File = Annotated[
    Path, typer.Argument(help="CSV, Parquet, Feather, NDJSON, .npy, .npz or .safetensors.", exists=True, dir_okay=False)
]
Roles = Annotated[
    str | None,
    typer.Option(help="Which columns are which inputs: predictions:y_pred,targets:y_true.", show_default=False),
]
Task = Annotated[str | None, typer.Option(help="regression, binary, multiclass, segmentation, ...", show_default=False)]
HOST = "http://127.0.0.1:8000"


def _told(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Have what goes wrong said in a line, with an exit code for its kind."""

    @wraps(command)
    def told(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ConnectionFailed as error:
            err.print(say("unreached", escape(str(error))))
            raise typer.Exit(UNREACHED) from None
        except Refused as error:
            err.print(escape(error.detail.replace("roles=", "--roles ")))
            raise typer.Exit(FAILED if isinstance(error, ServerFault) else REFUSED) from None
        except (LossaryError, ValueError, TypeError) as error:
            err.print(escape(str(error)))
            raise typer.Exit(USAGE) from None

    return told


def _roles(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    pairs = dict(entry.partition(":")[::2] for entry in text.split(","))
    if not all(pairs.values()):
        raise ValueError(say("roles"))
    return pairs


def _facts(entries: Sequence[str]) -> dict[str, Any]:
    """Return name=value pairs, the values as JSON where they are that."""
    facts: dict[str, Any] = {}
    for entry in entries:
        name, equals, text = entry.partition("=")
        if not equals:
            raise ValueError(say("fact_form", entry))
        try:
            facts[name] = json.loads(text)
        except ValueError:
            facts[name] = text
    return facts


def _print_json(answer: Result) -> None:
    sys.stdout.write(json.dumps(answer.to_dict(), ensure_ascii=False, indent=2) + "\n")


def _print_advice(answer: Result) -> None:
    out.print(escape(answer.summary))
    for name in ("article", "evidence"):
        book = answer.get(name)
        if book:
            out.print(f"  {set_cell_size(say(name), 9)} {escape(book.objective)}  [dim]{escape(book.rule)}[/]")
    change = answer.get("counterfactual")
    if change:
        side = "below" if change.get("below") is not None else "at_least"
        out.print(f"  {say(side, escape(change.objective), change.fact, format(change.get(side), 'g'))}")
    for warning in answer.get("warnings") or []:
        out.print(f"[yellow]  ! {escape(warning.text)}[/]")


@app.command()
@_told
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
        answer = client.recommend(task, profile=_facts(fact) or None, goal=_facts(goal) or None, rulebook=rulebook)
    _print_json(answer) if as_json else _print_advice(answer)


@app.command()
@_told
def profile(
    file: File, task: Task = None, roles: Roles = None, url: Url = HOST, key: Key = None, as_json: Json = False
) -> None:
    """What the arrays of a file say of the data."""
    with Client(url, key=key, language=spoken()) as client:
        answer = client.profile(file, task=task, roles=_roles(roles))
    if as_json:
        _print_json(answer)
        return
    table = Table(say("fact"), say("value"), "95 %", box=None, header_style="bold")
    for name, fact in answer.profile.items():
        measured = isinstance(fact, Result)
        interval = fact.get("interval") if measured else None
        value = fact.value if measured else fact
        table.add_row(name, _number(value), _range(interval))
    out.print(table)


@app.command()
@_told
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
        answer = client.evaluate(loss, file, roles=_roles(roles))
    if as_json:
        _print_json(answer)
        return
    table = Table(say("loss"), say("value"), "+-", say("kept"), box=None, header_style="bold")
    for result in answer.results:
        error = result.get("standard_error")
        value = result.get("value")
        shown = _number(value) if value is not None else escape(str(result.get("reason")))
        table.add_row(escape(result.loss), shown, _number(error) if error is not None else "", str(result.kept))
    out.print(table)


@app.command()
@_told
def advise(
    file: File,
    task: Task = None,
    target: Annotated[
        str | None,
        typer.Option(help="The column to predict: losses are compared by training on the others.", show_default=False),
    ] = None,
    roles: Roles = None,
    url: Url = HOST,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Which loss fits the data in a file."""
    with Client(url, key=key, language=spoken()) as client:
        if target is None:
            answer = client.advise(file, task=task, roles=_roles(roles))
        else:
            answer = client.advise(
                dataset=client.upload(file).id, target=target, experiment="quick", task=task, roles=_roles(roles)
            )
    if as_json:
        _print_json(answer)
        return
    _print_advice(answer.recommendation)
    if answer.experiment is not None:
        _print_experiment(answer.experiment)


@app.command()
@_told
def experiment(
    file: File,
    target: Annotated[str, typer.Option(help="The column to predict.")],
    metric: Annotated[str | None, typer.Option(help="rmse, mae, log_loss, auc, ...", show_default=False)] = None,
    outliers: Annotated[str | None, typer.Option(help="errors, signal or unknown.", show_default=False)] = None,
    model: Annotated[list[str], typer.Option("--model", help="linear, mlp; may be given often.")] = ["linear", "mlp"],  # noqa: B006 - typer's way
    repeats: Annotated[int, typer.Option(help="Partitions into folds.")] = 3,
    query: Annotated[
        str | None, typer.Option(help="To rank: the column that names a row's list.", show_default=False)
    ] = None,
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
        _print_json(ended)
        return
    if ended.status != "succeeded" or ended.verdict is None:
        err.print(escape(str((ended.get("problem") or {}).get("detail", ended.status))))
        raise typer.Exit(REFUSED)
    _print_experiment(ended)


def _print_experiment(report: Result) -> None:
    """Print the verdict, and where the candidates of each kind of model stand."""
    out.print(escape(report.verdict.summary))
    columns = (say("loss"), say("model"), str(report.metric), "95 %", say("best_with"), "")
    table = Table(*columns, box=None, header_style="bold")
    chosen = {verdict.model: verdict.objective for verdict in report.verdicts}
    for place, row in enumerate(report.standings):
        if place and row.model != report.standings[place - 1].model:
            table.add_row()
        table.add_row(
            escape(row.objective),
            row.model,
            _number(row.value) if row.get("value") is not None else say("diverged"),
            _range(row.get("interval")),
            f"{100 * row.probability_best:.0f} %",
            say("chosen") if row.objective == chosen.get(row.model) else say("tied") if row.tied else "",
        )
    out.print(table)


@app.command()
@_told
def losses(url: Url = HOST, key: Key = None, as_json: Json = False) -> None:
    """The catalogue."""
    with Client(url, key=key, language=spoken()) as client:
        answer = client.losses()
    if as_json:
        _print_json(answer)
        return
    table = Table(say("loss"), say("tasks"), say("title"), box=None, header_style="bold")
    for entry in answer.losses:
        table.add_row(entry.id, ", ".join(entry.get("tasks") or []), escape(entry.title))
    out.print(table)


@app.command()
@_told
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
        _print_json(answer)
        return
    out.print(f"[bold]{answer.id}[/]  {escape(str(answer.title))}")
    facts = Table.grid(padding=(0, 1), pad_edge=True)
    for label, text in (("formula", answer.formula), ("elicits", answer.elicits)):
        facts.add_row(f" {say(label)}", escape(str(text)))
    out.print(facts)
    if curve is None:
        out.print(f"  {escape(reason)}")
        return
    values = curve.curves[0].value
    low, high = min(values), max(values)
    low = low if abs(low) > 1e-6 * abs(high) else 0.0
    labels = {0: f"{high:.3g}", HEIGHT - 1: f"{low:.3g}"}
    for place, line in enumerate(drawn(values, HEIGHT)):
        out.print(f"[dim]{labels.get(place, ''):>10}[/] {line}")
    first, last = f"{curve.x[0]:g}", f"{curve.x[-1]:g}"
    axis = str(curve.axis).center(WIDTH - len(first) - len(last))
    out.print(f"[dim]{'':11}{first}{escape(axis)}{last}[/]")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(context: typer.Context) -> None:
    """Start the service; takes the flags of python -m service."""
    service_main(context.args)


def service_main(arguments: Sequence[str]) -> None:
    """Run the service, where it is installed."""
    try:
        from service.__main__ import main as serve_main  # noqa: PLC0415 - the service, where it is installed
    except ImportError:
        err.print(say("needs_service", "serve"))
        raise typer.Exit(USAGE) from None
    sys.argv = ["python -m service", *arguments]
    serve_main()


@app.command()
def config(as_json: Json = False) -> None:
    """Every setting of a service started here, its value, and where that is from."""
    try:
        from service.settings import sources  # noqa: PLC0415 - the service, where it is installed
    except ImportError:
        err.print(say("needs_service", "config"))
        raise typer.Exit(USAGE) from None
    entries = sources()
    if as_json:
        sys.stdout.write(json.dumps([entry._asdict() for entry in entries], default=str, indent=2) + "\n")
        return
    table = Table("setting", "value", "from", box=None, header_style="bold")
    for entry in entries:
        table.add_row(entry.name, escape(str(entry.value)), entry.source)
    out.print(table)


def _range(interval: Sequence[float] | None) -> str:
    return say("interval", *map(_number, interval)) if interval else ""


def _number(value: Any) -> str:  # noqa: ANN401 - any JSON
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Run the command, its help in the language of the shell."""
    command = typer.main.get_command(app)
    if spoken() == "zh":
        translate(command)
    command()
