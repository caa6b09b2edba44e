"""The commands of a service that is installed beside the client: serve, config."""

import json
import sys
from collections.abc import Sequence

import typer
from rich.markup import escape
from rich.table import Table

from lossary.cli.application import USAGE, Json, app, err, out
from lossary.cli.words import say


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
