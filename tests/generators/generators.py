"""The generators of clients: what runs each, what it prints that is a warning, and what calls what it made."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
BIN = Path(sys.executable).parent
NODE = BIN.parent / "node/node_modules/.bin"  # where make clients installs node/package.json
Command = list[str]
WORKS: dict[str, dict[str, bool]] = {}  # which operations of which generator's client worked, for the closing table
TYPESCRIPT = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--target", "es2022"]


@dataclass(frozen=True)
class Generator:
    """One generator. Each command runs in an empty folder, beside the script that calls what was made.

    `needs`: a program without which it cannot run. `generate` takes the document.
    """

    name: str
    needs: str
    generate: Callable[[Path], Command]
    script: str
    run: Command
    check: Command | None = None  # of types


def _node(script: str) -> tuple[Command, Command]:
    """Return what runs a script in TypeScript, and what checks its types."""
    return (
        [str(NODE / "tsx"), script],
        [str(NODE / "tsc"), *TYPESCRIPT, "--moduleResolution", "bundler", script],
    )


GENERATORS = [
    Generator(
        "openapi-python-client",
        str(BIN / "openapi-python-client"),
        lambda document: [
            *(str(BIN / "openapi-python-client"), "generate", "--path", str(document)),
            *("--output-path", "made", "--meta", "none", "--fail-on-warning"),
        ],
        "python_client.py",
        [sys.executable, "python_client.py"],
    ),
    Generator(
        "openapi-generator",
        "java",
        lambda document: [
            *(str(BIN / "openapi-generator-cli"), "generate", "-g", "python", "--package-name", "made"),
            *("-i", str(document), "-o", "."),
        ],
        "java_generator.py",
        [sys.executable, "java_generator.py"],
    ),
    Generator(
        "openapi-fetch",
        str(NODE / "openapi-typescript"),
        lambda document: [
            *(str(NODE / "openapi-typescript"), str(document), "--default-non-nullable=false", "-o", "schema.ts"),
        ],
        "openapi_fetch.ts",
        *_node("openapi_fetch.ts"),
    ),
    Generator(
        "@hey-api/openapi-ts",
        str(NODE / "openapi-ts"),
        lambda document: [str(NODE / "openapi-ts"), "-i", str(document), "-o", "made"],
        "hey_api.ts",
        *_node("hey_api.ts"),
    ),
]
