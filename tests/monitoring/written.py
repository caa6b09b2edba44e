"""What the dashboard and the alerts ask of Prometheus, as they are written in monitoring/."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped] # ships no types

FOLDER = Path(__file__).parents[2] / "monitoring"
SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
NAME = re.compile(r"(?<![\w:.$])([a-zA-Z_:][a-zA-Z0-9_:]*)\b(?!\s*\()")
WORDS = frozenset({"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left"})
VARIABLES = {"$service": ".*", "$route": ".*", "$__rate_interval": "1m"}  # as Grafana fills them in, with All chosen
Matchers = list[tuple[str, str, str]]


def load(name: str) -> dict[str, Any]:
    """Return a file of the folder."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
    return document


def rules() -> list[dict[str, Any]]:
    """Return every rule, of alerts and of recorded ratios."""
    return [rule for group in load("alerts.yml")["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """Return every alert."""
    return [rule for rule in rules() if "alert" in rule]


def panels() -> list[dict[str, Any]]:
    """Return every panel of the dashboard that shows something."""
    return [panel for panel in load("dashboard.json")["panels"] if panel["type"] != "row"]


def filled(expression: str) -> str:
    """Return a query of the dashboard as Grafana sends it."""
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def queries() -> dict[str, str]:
    """Return every query of the dashboard, by its panel and letter."""
    asked = {f"{panel['title']} {target['refId']}": target["expr"] for panel in panels() for target in panel["targets"]}
    marks = {mark["name"]: mark["expr"] for mark in load("dashboard.json")["annotations"]["list"] if "expr" in mark}
    return {where: filled(expression) for where, expression in (asked | marks).items()}


def expressions() -> dict[str, str]:
    """Return everything that is asked of Prometheus, by where it stands."""
    return queries() | {rule.get("alert") or rule["record"]: rule["expr"] for rule in rules()}


def names(expression: str) -> set[str]:
    """Return the metrics that an expression reads."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]", " ", expression)
    return set(NAME.findall(GROUPING.sub(" ", bare))) - WORDS


def selectors(expression: str) -> Iterator[tuple[str, Matchers]]:
    """Give each metric that an expression reads by labels, with those."""
    for name, inside in SELECTOR.findall(expression):
        yield name, MATCHER.findall(inside)


def grouped(expression: str) -> set[str]:
    """Return the labels that an expression groups or joins by."""
    return {label.strip() for inside in GROUPING.findall(expression) for label in inside.split(",")} - {""}
