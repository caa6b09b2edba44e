"""The table as text, markdown and JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.conformance.measure import LIMIT, Gap, Measured
from benchmarks.conformance.table import Library
from losses.contract.registry import catalogue

SHORT = {torch.float64: "float64", torch.float32: "float32"}
MARKS = {"equal": "=", "explained": "≈", "bounded": "~", "UNEXPLAINED": "**!**"}


@dataclass(frozen=True)
class Outcome:
    """The result of a run."""

    results: list[tuple[Library, Measured]]
    versions: dict[str, str]
    absent: dict[str, str]
    missing: list[str]
    seconds: float

    def count(self, verdict: str) -> int:
        """Return the number of rows with a verdict."""
        return sum(result.verdict[0] == verdict for _, result in self.results)

    @property
    def covered(self) -> list[str]:
        """The losses that were compared with some library."""
        return sorted({loss for _, result in self.results for loss in result.losses})

    @property
    def summary(self) -> str:
        """Return a summary in one line."""
        libraries = ", ".join(f"{title} {version}" for title, version in self.versions.items())
        return (
            f"{len(self.results)} rows: {self.count('equal')} equal, {self.count('explained')} explained, "
            f"{self.count('bounded')} bounded, "
            f"{self.count('UNEXPLAINED')} unexplained; {len(self.covered)} of {len(catalogue())} losses covered; "
            f"{libraries}; {self.seconds:.0f} s"
        )


def _number(size: float) -> str:
    return "0" if size == 0 else f"{size:.0e}"


def _cells(library: Library, result: Measured) -> list[str]:
    gaps: list[Gap] = [result.plain[dtype] for dtype in LIMIT]
    sizes = [_number(size) for gap in gaps for size in (gap.value, gap.gradient)]
    verdict, reason = result.verdict
    told = result.row.explained
    if told and told.by and verdict == "explained":
        left = [result.left[dtype] for dtype in LIMIT]
        reason += f" (left: {', '.join(_number(max(gap.value, gap.gradient)) for gap in left)})"
    name = result.row.name if result.row.reduction == "mean" else f"{result.row.name}, {result.row.reduction}"
    return [result.row.ours, library.title, name, *sizes, verdict, reason]


HEAD = ["ours", "library", "theirs", "value 64", "gradient 64", "value 32", "gradient 32", "verdict", "why"]


def shown(outcome: Outcome) -> str:
    """Return the table for a terminal; equal rows are abbreviated."""
    lines = []
    for library, result in outcome.results:
        ours, title, name, *sizes, verdict, reason = _cells(library, result)
        lines.append(
            f"{verdict:<12} {title:<7} {ours:<44} {name:<52} {' '.join(f'{size:>6}' for size in sizes)}  {reason}"
        )
    lines += [f"left out     {title}: {why}" for title, why in outcome.absent.items()]
    lines += [f"no such loss {what}" for what in outcome.missing]
    return "\n".join([*lines, outcome.summary])


def _table(head: list[str], body: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *[[cell.replace("|", "\\|") for cell in row] for row in body]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _matrix(outcome: Outcome) -> str:
    titles = list(outcome.versions)
    body = []
    for loss in outcome.covered:
        cells = []
        for title in titles:
            verdicts = [r.verdict[0] for library, r in outcome.results if library.title == title and loss in r.losses]
            marks = [f"{verdicts.count(verdict)} {mark}" for verdict, mark in MARKS.items() if verdict in verdicts]
            cells.append(" ".join(marks))
        body.append([loss, *cells])
    return _table(["loss", *titles], body)


def markdown(outcome: Outcome) -> str:
    """Return the table as a page."""
    rest = sorted(set(catalogue()) - set(outcome.covered))
    what = (
        "Written by `make conformance`. The losses of this project against the same losses of other libraries: value "
        "and gradient with respect to every input that a model puts out, on the same seeded inputs, in float64 and "
        "float32."
    )
    legend = (
        f"Rows a loss and library: `=` equal (within {LIMIT[torch.float64]:g} in float64 and "
        f"{LIMIT[torch.float32]:g} in float32), `≈` explained by an exact map from our number to "
        "the library's or by lost digits, `~` explained in words and held to a bound, `!` none of these."
    )
    numbers = (
        "Numbers are the largest relative differences over the draws: of the value relative to the sum of absolute "
        "terms, of the gradient relative to its largest entry. Where a difference is explained by a map from our "
        "number to the library's, `left` is what remains of it after that map, in float64 and float32."
    )
    parts = [
        "# Conformance",
        what,
        f"**{outcome.summary}**",
        legend,
        _matrix(outcome),
        f"Covered by no library here: {', '.join(rest) or 'none'}.",
        *[f"Left out: {title}, {why}." for title, why in outcome.absent.items()],
        *[f"No such loss here: {what}." for what in outcome.missing],
        "## Every row",
        numbers,
        _table(HEAD, [_cells(library, result) for library, result in outcome.results]),
    ]
    return "\n\n".join(parts) + "\n"


def write(outcome: Outcome, folder: Path) -> None:
    """Write the table as a page, and as JSON."""
    (folder / "result.md").write_text(markdown(outcome), encoding="utf-8")
    rows = [
        {
            "loss": result.losses,
            "ours": result.row.ours,
            "library": library.title,
            "theirs": result.row.name,
            "reduction": result.row.reduction,
            "draws": result.draws,
            "verdict": result.verdict[0],
            "why": result.verdict[1],
            "library_computes_in_float32": result.in_float32,
            "difference": {SHORT[d]: vars(gap) for d, gap in result.plain.items()},
            "left_when_explained": {SHORT[d]: vars(gap) for d, gap in result.left.items()}
            if result.row.explained
            else None,
        }
        for library, result in outcome.results
    ]
    whole = {
        "summary": outcome.summary,
        "versions": outcome.versions,
        "left_out": outcome.absent,
        "seconds": round(outcome.seconds, 1),
        "rows": rows,
    }
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    (folder / "result.json").write_text(text + "\n", encoding="utf-8")
