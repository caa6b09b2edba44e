"""python -m service --host --port --workers. With several workers this process imports no torch: it supervises."""

import argparse
import ipaddress
import os
import sys

import uvicorn
from pydantic import ValidationError

from service import logs
from service.settings import Settings
from service.transport import Transport

GRACE_S = 25  # requests in flight may finish; compose kills after 30


def settings_from(arguments: list[str]) -> Settings:
    """Return the settings, a flag before its variable; each worker reads them from the environment again."""
    parser = argparse.ArgumentParser(prog="python -m service", description="Start the Lossary service.")
    for name in ("host", "port", "workers"):
        field = Settings.model_fields[name]
        parser.add_argument(f"--{name}", help=f"default {field.default}, or LOSSARY_{name.upper()}")
    for name, value in vars(parser.parse_args(arguments)).items():
        if value is not None:
            os.environ[f"LOSSARY_{name.upper()}"] = value
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        sys.exit(f"LOSSARY_{str(first['loc'][0]).upper()}: {first['msg']}")


def refuse_exposed(settings: Settings) -> None:
    """End the process where others would reach a service that asks for no key, and nobody said that they may."""
    try:
        alone = settings.host == "localhost" or ipaddress.ip_address(settings.host).is_loopback
    except ValueError:  # a name; who knows where it leads
        alone = False
    if not (alone or settings.keys or settings.open):
        sys.exit(
            f"LOSSARY_HOST: others reach {settings.host}, and no key is asked for. Name a file of keys in LOSSARY_KEYS "
            "(python -m service.auth new NAME), or set LOSSARY_OPEN=1 where something else keeps them out."
        )


def main() -> None:
    """Run until told to stop."""
    settings = settings_from(sys.argv[1:])
    refuse_exposed(settings)
    logs.configure(settings)
    uvicorn.run(
        "service.app:from_environment",
        factory=True,
        http=Transport,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_config=None,  # ours
        access_log=False,  # ours
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )


if __name__ == "__main__":
    main()
