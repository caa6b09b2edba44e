"""python -m benchmarks.rules [measure] [RULE ...]: print what was measured of rules, all or some; measure it first.

What is measured is stored as it comes, so that a run may be stopped and go on. The file that the engine cites and the
page for people are written.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import torch

from benchmarks.regret.markdown import percent, table
from benchmarks.rules.record import Record
from recommender.rules.measured_comparisons import FILE, Against, Comparison, MeasuredComparisons

HERE = Path(__file__).parent
CITED = HERE.parents[1] / "recommender" / "rules" / FILE
HEAD = """\
# What single rules claim, measured

A rule of the evidence book claims that on its goal, where its conditions hold, its loss does at least as well as its
alternatives, as what it rules out, or as the default of libraries. Each is a small model (linear, or one hidden layer)
with its own learning rate and stopping point, chosen on a validation part by the metric. The recommender is asked with
what is known of the data, and its answer is what is trained. A difference is what the rule's loss costs more, with a
95 % interval over repeats; *holds*: nowhere worse by more than 0.2 % beyond what chance allows. The families of the
[regret benchmark](../regret/result.md) measure other rules, on more data.
"""


@cache
def records() -> dict[str, Record]:
    """Return every record by its rule, found by walking this folder."""
    names = sorted(entry.name for entry in iter_modules([str(HERE)]) if not entry.name.startswith("_"))
    listed = [getattr(import_module(f"{__package__}.{name}"), "RECORDS", ()) for name in names]
    return {record.rule: record for several in listed for record in several}


def stored() -> dict[str, Comparison]:
    """Return what was measured so far."""
    return dict(MeasuredComparisons.model_validate_json(CITED.read_bytes()).rules) if CITED.exists() else {}


def store(measured: Mapping[str, Comparison]) -> None:
    """Write the file that the engine cites, and the page."""
    known = {name: measured[name] for name in sorted(measured) if name in records()}
    whole = MeasuredComparisons(rules=known).model_dump(mode="json")
    CITED.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (HERE / "result.md").write_text("\n\n".join([HEAD.strip(), *_page(known)]) + "\n", encoding="utf-8")


def shown(name: str, entry: Comparison) -> str:
    """Return one comparison as text."""
    verdict = "holds" if entry.holds else "does **not** hold"
    head = ["loss", entry.metric, "costs more by"]
    rows = [[_named(entry.objective, entry.decided), f"{entry.value:.4g}", ""]]
    rows += [[_named(one.objective, one.decided), f"{one.value:.4g}", _apart(one, entry)] for one in entry.against]
    origins = f"{entry.repeats} repeats on data of {entry.origins} origins"
    return f"### `{name}` {verdict}\n\n{entry.data} ({origins}; {entry.better} is better.)\n\n{table(head, rows)}"


def _page(known: Mapping[str, Comparison]) -> Iterator[str]:
    held = sum(entry.holds for entry in known.values())
    yield f"{len(known)} rules were measured; {held} claims hold."
    for name, entry in known.items():
        yield shown(name, entry)


def _named(objective: str, decided: str) -> str:
    return f"`{objective}`{', ' if decided else ''}{decided}"


def _apart(one: Against, entry: Comparison) -> str:
    show = percent if entry.unit == "relative" else "{:.4f}".format
    return f"{show(one.difference)} ({show(one.interval[0])} to {show(one.interval[1])})"


def main() -> None:
    """Measure if told to, then print."""
    asked = sys.argv[1:]
    torch.set_num_threads(1)
    if asked[:1] == ["measure"]:
        for name in asked[1:] or [name for name in records() if name not in stored()]:
            started = time.monotonic()
            entry = records()[name].measured()
            store({**stored(), name: entry})
            print(f"{shown(name, entry)}\n\n{time.monotonic() - started:.0f} s\n", flush=True)
        return
    known = stored()
    for name in asked or known:
        print(shown(name, known[name]), end="\n\n")


if __name__ == "__main__":
    main()
