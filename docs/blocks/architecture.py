"""The rooms of the code and what each is for, from the import contracts and the docstrings."""

import ast
import tomllib
from collections.abc import Callable
from html import escape
from pathlib import Path

from docs.blocks.tables import cell, code, table

ROOT = Path(__file__).parents[2]
PACKAGES = ("service", "recommender", "losses")  # from the top down: each may import those after it
WIDTH, COLUMN, GAP, LEFT, TOP, BOX, STEP = 860, 260, 24, 16, 64, 30, 38  # px
STYLE = """\
svg{font:12px system-ui,sans-serif;background:#fff}text{fill:#24292f}.bold{font-weight:650;font-size:15px}
.faint{fill:#656d76}
.column{fill:#f6f8fa;stroke:#d0d7de}.box{fill:#fff;stroke:#8cb8e0}.arrow{stroke:#656d76;stroke-width:1.5;fill:none}
@media(prefers-color-scheme:dark){svg{background:#16181d}text{fill:#e6e6e6}.faint{fill:#9aa0a6}
.column{fill:#1f232a;stroke:#3a4049}.box{fill:#262a31;stroke:#3d6b96}.arrow{stroke:#9aa0a6}}"""


def layers(package: str) -> list[list[str]]:
    """Return the rooms of a package from the top down, those that may not import one another side by side."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    [listed] = [each["layers"] for each in contracts if each.get("containers") == [package]]
    return [[room.strip() for room in layer.split("|")] for layer in listed]


def rooms(package: str) -> str:
    """Return a table of the rooms of a package, from the top down, with the first line of each docstring."""
    rows = [(code(f"{package}/{room}"), cell(_purpose(package, room))) for layer in layers(package) for room in layer]
    return table(["room", "what is in it"], rows)


def _purpose(package: str, room: str) -> str:
    folder = ROOT / package / room
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def picture() -> str:
    """Return the rooms as an SVG: a column a package, its layers from the top down."""
    height = TOP + STEP * max(len(layers(package)) for package in PACKAGES) + 44
    size = f'viewBox="0 0 {WIDTH} {height}" width="100%"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>The rooms of {escape(', '.join(PACKAGES))}, each layer above what it may import</title>",
        f"<style>{STYLE}</style>",
    ]
    for place, package in enumerate(PACKAGES):
        left = LEFT + place * (COLUMN + GAP)
        parts.append(f'<rect class="column" x="{left}" y="12" width="{COLUMN}" height="{height - 40}" rx="8"/>')
        parts.append(f'<text class="bold" x="{left + COLUMN / 2:g}" y="42" text-anchor="middle">{package}</text>')
        for row, layer in enumerate(layers(package)):
            parts += _layer(layer, left + 12, TOP + STEP * row)
        if place:
            parts.append(f'<path class="arrow" d="M{left - GAP + 2} 37 h{GAP - 6} m-6 -4 l6 4 l-6 4"/>')
    note = "Modules import those below them and those in the columns to the right, never the other way (lint-imports)."
    parts += [f'<text class="faint" x="{LEFT}" y="{height - 10}">{note}</text>', "</svg>"]
    return "\n".join(parts) + "\n"


def _layer(layer: list[str], left: int, top: int) -> list[str]:
    width = (COLUMN - 24 - 8 * (len(layer) - 1)) / len(layer)
    parts = []
    for place, room in enumerate(layer):
        x = left + place * (width + 8)
        parts.append(f'<rect class="box" x="{x:.1f}" y="{top}" width="{width:.1f}" height="{BOX}" rx="4"/>')
        parts.append(f'<text x="{x + width / 2:.1f}" y="{top + 20}" text-anchor="middle">{room}</text>')
    return parts


BLOCKS: dict[str, Callable[..., str]] = {"rooms": rooms}
