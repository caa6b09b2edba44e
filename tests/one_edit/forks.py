"""Run functions of copies of the repository, each in a process forked after the libraries were imported.

The libraries take most of the time that it takes to start the service. Each line of the input is a Python literal: a
folder, a module of it, and the keywords of its `run`. Each line of the output is what came back, or the traceback.
"""

import ast
import os
import sys
import traceback
from importlib import import_module

LIBRARIES = (
    "torch",
    "fastapi",
    "fastapi_offline",
    "httpx",
    "orjson",
    "prometheus_client",
    "pydantic_settings",
    "simdjson",
    "uvicorn",
    "yaml",
)


def _answer(folder: str, module: str, keywords: dict[str, object]) -> None:
    """Write one line: True and what came back, or False and the traceback. Whatever else is printed goes to stderr."""
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)
        os.chdir(folder)
        sys.path.insert(0, folder)
        try:
            answer = True, import_module(module).run(**keywords)
        except BaseException:  # noqa: BLE001 - whatever it was, the test shows it
            answer = False, traceback.format_exc()
        output.write(f"{answer!r}\n")


def main() -> None:
    """Answer until the input ends."""
    for name in LIBRARIES:
        import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _answer(*ast.literal_eval(line))
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
