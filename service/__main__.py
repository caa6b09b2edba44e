"""The command `python -m service`; with several workers this process supervises them, and imports no torch."""

import argparse
import atexit
import ipaddress
import os
import shutil
import sys
import tempfile
import textwrap
from difflib import get_close_matches

from pydantic import ValidationError

from losses.version import VERSION
from service.observability import logs
from service.settings import FILE, SHARED_METRICS, Settings

LEAST_FREE_BYTES = 32 << 20  # for the counts of the workers: each starts with 256 KiB
ALIKE = 0.8  # of 1; compose's GPU_PORT is no PORT, WORKRS are WORKERS


def settings_from(arguments: list[str]) -> Settings:
    """Return the settings of a command line; flags take precedence over environment variables.

    Workers read the variables themselves, so flags are passed on to them as variables.
    """
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Start the Lossary service. Every setting is a variable, or a line of the\nTOML file that "
        "LOSSARY_SETTINGS names.",
        epilog=_listed(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"Lossary {VERSION}")
    for name in ("host", "port", "workers"):
        field = Settings.model_fields[name]
        parser.add_argument(f"--{name}", help=f"default {field.default}, or LOSSARY_{name.upper()}")
    for name, value in vars(parser.parse_args(arguments)).items():
        if value is not None:
            os.environ[f"LOSSARY_{name.upper()}"] = value
    refuse_misspelt()
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        sys.exit(f"LOSSARY_{str(first['loc'][0]).upper()}: {first['msg']}")
    except ValueError as error:
        sys.exit(str(error))


def _listed() -> str:
    """Return every setting with its description, in lines of at most 80 characters."""
    lines = ["settings:"]
    for name, field in Settings.model_fields.items():
        if name != "worker":
            default = "" if field.is_required() or field.default is None else f" Default {field.default}."
            about = textwrap.wrap(f"{field.description}{default}", 72)
            lines += [f"  LOSSARY_{name.upper()}", *(f"      {line}" for line in about)]
    return "\n".join(lines)


def refuse_misspelt() -> None:
    """End the process where a LOSSARY_ variable has nearly, but not exactly, the name of a setting."""
    for variable in os.environ:
        name = variable.removeprefix("LOSSARY_").lower()
        if variable.startswith("LOSSARY_") and variable != FILE and name not in Settings.model_fields:
            for meant in get_close_matches(name, Settings.model_fields, n=1, cutoff=ALIKE):
                sys.exit(f"{variable}: there is no such setting. Did you mean LOSSARY_{meant.upper()}?")


def refuse_exposed(settings: Settings) -> None:
    """End the process where other machines could reach a service without keys, unless that is explicitly allowed."""
    try:
        alone = settings.host == "localhost" or ipaddress.ip_address(settings.host).is_loopback
    except ValueError:  # a name; who knows where it leads
        alone = False
    if not (alone or settings.keys or settings.open):
        sys.exit(
            f"LOSSARY_HOST: others reach {settings.host}, and no key is asked for. Name a file of keys in LOSSARY_KEYS "
            "(python -m service.pipeline.auth new NAME), or set LOSSARY_OPEN=1 where something else keeps them out."
        )


def share_metrics() -> None:
    """Create an empty folder for the counts that workers share, inside PROMETHEUS_MULTIPROC_DIR where that is set.

    prometheus_client looks for the folder when it is imported. On a full disk counts would be missing, so space is
    allocated at the start.
    """
    parent = os.environ.get(SHARED_METRICS)
    try:
        folder = tempfile.mkdtemp(prefix="lossary-metrics-", dir=parent)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        sys.exit(f"{SHARED_METRICS}: no folder for the counts of the workers can be made there: {reason}.")
    os.environ[SHARED_METRICS] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if free < LEAST_FREE_BYTES:
        needed = LEAST_FREE_BYTES >> 20
        sys.exit(f"{SHARED_METRICS}: {free >> 20} MiB are free there; the counts of the workers need {needed}.")


def main() -> None:
    """Run the service until it is told to stop."""
    settings = settings_from(sys.argv[1:])
    refuse_exposed(settings)
    logs.configure(settings)
    if settings.workers > 1:
        share_metrics()
    from service.server.server import listen, serve  # noqa: PLC0415 - it imports prometheus_client
    from service.server.supervisor import Supervisor  # noqa: PLC0415 - and so does it

    sockets = listen(settings)
    if settings.workers > 1:
        sys.exit(Supervisor(settings, sockets).run())
    serve(settings, sockets)


if __name__ == "__main__":
    main()
