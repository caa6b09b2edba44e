"""The application that commands are added to, their options, and how the command exits."""

import json
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.markup import escape

from lossary.cli.words import say
from lossary.errors import ConnectionFailed, LossaryError, Refused, ServerFault

app = typer.Typer(
    name="lossary",
    help="Which loss fits your data, and what any loss says about your predictions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
out, err = Console(highlight=False), Console(stderr=True, highlight=False)
REFUSED, USAGE, UNREACHED, FAILED = 1, 2, 3, 4
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
Query = Annotated[str | None, typer.Option(help="To rank: the column that names a row's list.", show_default=False)]
Task = Annotated[str | None, typer.Option(help="regression, binary, multiclass, segmentation, ...", show_default=False)]
HOST = "http://127.0.0.1:8000"


def refusals_printed(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Return the command with exceptions printed as one line, and an exit code for each kind."""

    @wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        """Run the command, and exit with the code of its exception."""
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

    return run


def read_roles(text: str | None) -> dict[str, str] | None:
    """Return the pairs of a text such as targets:y,predictions:p; None for None.

    Raises: ValueError.
    """
    if text is None:
        return None
    pairs = dict(entry.partition(":")[::2] for entry in text.split(","))
    if not all(pairs.values()):
        raise ValueError(say("roles"))
    return pairs


def read_facts(entries: Sequence[str]) -> dict[str, Any]:
    """Return name=value pairs as a dictionary; values are parsed as JSON where possible."""
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
