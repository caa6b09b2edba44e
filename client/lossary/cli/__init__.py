"""The command `lossary`: ask a running service from a shell.

Exit codes: 0 answered, 1 refused, 2 wrong usage, 3 the service could not be reached, 4 the service failed.
"""

import sys

try:
    import rich  # noqa: F401 - the command prints with it
    import typer
except ImportError:
    sys.exit("The command needs two more packages: pip install 'lossary[cli]'.")

from lossary.cli import asking, local_service  # noqa: F401 - they add their commands to the application
from lossary.cli.application import app
from lossary.cli.help_texts import translate
from lossary.cli.words import spoken


def main() -> None:
    """Run the command, with help in the language of the shell."""
    command = typer.main.get_command(app)
    if spoken() == "zh":
        translate(command)
    command()
