"""Files of the client that are generated: classes of answers, and methods that are awaited."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs.blocks import client_answers
from service.app import create_app
from service.settings import Settings

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "client/lossary"
AWAITED = ("methods.py", "sending.py")
# What an asynchronous client writes otherwise, in the order in which it is replaced.
ASYNCHRONOUS = (
    (r'^""".+?"""', '"""The same as `lossary/{file}`, awaited."""'),
    (r"\bclass (Methods|Sender)\b", r"class Async\1"),
    (r"from lossary\.methods import Methods", "from lossary.asynchronous.methods import AsyncMethods"),
    (r"\(Methods\)", "(AsyncMethods)"),
    (r"\bhttpx\.Client\b", "httpx.AsyncClient"),
    (r"\bIterator\b", "AsyncIterator"),
    (r"^    def ", "    async def "),
    (r"^import time$", "import asyncio"),
    (r"\btime\.sleep\(", "await asyncio.sleep("),
    (r"\bimport closing$", "import aclosing"),
    (r"\bwith closing\(", "async with aclosing("),
    (r"\bself\._http\.send\(", "await self._http.send("),
    (r"\bresponse\.read\(", "await response.aread("),
    (r"\bfor line in response\.iter_lines\(", "async for line in response.aiter_lines("),
    (r"\bfor line in self\._lines\(", "async for line in self._lines("),
    (r"\bself\.(_ask|upload|start_experiment|experiment)\(", r"await self.\1("),
)


def files() -> dict[str, str]:
    """Return what should stand in each, by its path in the client."""
    answers = client_answers.modules(create_app(Settings()).openapi())
    made = {f"answers/{name}.py": ("the OpenAPI document", text) for name, text in answers.items()}
    for file in AWAITED:
        text = (CLIENT / file).read_text(encoding="utf-8")
        made[f"asynchronous/{file}"] = f"lossary/{file}", awaited(text, file)
    return {
        path: _formatted(f"# Generated from {source} by make docs-tables: do not edit.\n{text}", path)
        for path, (source, text) in made.items()
    }


def awaited(text: str, file: str) -> str:
    """Return a module of the client as the asynchronous client has it."""
    for pattern, replacement in ASYNCHRONOUS:
        flags = re.DOTALL if pattern.startswith('^"""') else re.MULTILINE
        text = re.sub(pattern, replacement.replace("{file}", file), text, flags=flags)
    return text


def _formatted(text: str, path: str) -> str:
    """Return a module as ruff formats it, with its imports in order."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or "ruff"
    for command in (["check", "--quiet", "--select", "I,F401", "--fix", "-"], ["format", "-"]):
        named = [ruff, *command, "--stdin-filename", f"client/lossary/{path}"]
        done = subprocess.run(named, cwd=ROOT, input=text, capture_output=True, text=True, check=True)  # noqa: S603 - a tool of ours
        text = done.stdout
    return text
