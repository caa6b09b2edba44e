"""Finds the route of a request before FastAPI does: its path template, properties and handler."""

import math
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from re import Pattern

from fastapi import Request, Response
from fastapi.routing import APIRoute

from service.pipeline.properties import Properties, Protocol, properties_of
from service.problems import HttpRefusal, MethodNotAllowed, NotFound

Endpoint = Callable[[Request], Awaitable[Response]]
FILES = "{file}"
VERSION = re.compile(r"v\d+", re.IGNORECASE)
ALIKE = 0.7  # of two segments: evaluation is evaluate, inference infer
UNMATCHED = "unmatched"  # the template of a path without a route; a path of the client's own making is no label


@dataclass(frozen=True)
class Match:
    """The route that matches a request; `route` is None for files, and where no route matches."""

    template: str
    properties: Properties
    route: APIRoute | None = None
    allowed: frozenset[str] = frozenset()  # the methods that the path has routes for; empty for files

    @property
    def endpoint(self) -> Endpoint | None:
        """The handler, where it takes the request alone; otherwise None."""
        return self.route.endpoint if self.route is not None and self.properties.inline else None

    @property
    def is_files(self) -> bool:
        """Whether static files are served at this path; each may be missing."""
        return self.route is None and self.template.endswith(FILES)

    @property
    def methods(self) -> list[str]:
        """All methods that the path answers."""
        return sorted(self.allowed | {"OPTIONS"} | ({"HEAD"} if "GET" in self.allowed else set()))


@dataclass
class _Path:
    """One path: a route for each method."""

    template: str
    regex: Pattern[str]
    matches: dict[str, Match] = field(default_factory=dict)

    def match(self, method: str) -> Match:
        """Return the route for a method; HEAD is answered wherever GET is."""
        match = self.matches.get("GET" if method == "HEAD" else method)
        if match is not None:
            return match
        some = next(iter(self.matches.values()))
        return Match(self.template, some.properties, allowed=frozenset(self.matches))


class RouteTable:
    """Every route of the service, and the prefixes below which it serves files."""

    def __init__(self, routes: Iterable[APIRoute], files: Mapping[str, Properties]) -> None:
        """Index the routes.

        Raises: ValueError for a route whose handler states no properties.
        """
        self._files = files
        self._paths: dict[str, _Path] = {}
        self._shown: list[str] = []
        for route in routes:
            stated = properties_of(route.endpoint)
            if stated is None:
                raise ValueError(f"{route.path} ({route.name}) states no properties: who may ask it? See properties().")
            path = self._paths.setdefault(route.path, _Path(route.path, route.path_regex))
            for method in route.methods or ():
                path.matches[method] = Match(route.path, stated, route, frozenset({method}))
            if route.include_in_schema:
                self._shown.append(route.path)
        self._templated = [path for path in self._paths.values() if "{" in path.template]

    def match(self, method: str, path: str) -> Match:
        """Return the route of a request."""
        known = self._paths.get(path) or next((each for each in self._templated if each.regex.match(path)), None)
        if known is not None:
            return known.match(method)
        for prefix, stated in self._files.items():
            if path.startswith(prefix):
                return Match(prefix + FILES, stated)
        protocol: Protocol = next(
            (
                each.match("GET").properties.protocol
                for each in self._paths.values()
                if _same_branch(each.template, path)
            ),
            "lossary",
        )
        # Any key, so that nobody learns without one which paths there are.
        return Match(UNMATCHED, Properties("any key", protocol=protocol))

    def refusal(self, method: str, path: str, match: Match) -> HttpRefusal:
        """Return the refusal of a request without a route; it names the allowed methods, or the nearest path."""
        if match.allowed:
            return MethodNotAllowed(method, match.methods)
        return NotFound(nearest_path(path, self._shown))


def nearest_path(path: str, templates: Collection[str]) -> str | None:
    """Return the path that was most likely meant, or None where none is similar.

    A segment in braces matches any, and may be missing at the end. The version prefix may be missing or wrong; every
    other segment must be equal or similar, and one extra segment at either end is ignored.
    """
    sent_segments = [segment for segment in path.split("/") if segment]
    for segments in (sent_segments, sent_segments[1:]):
        distances = {template: _distance(_unversioned(segments), template) for template in templates}
        nearest = min(distances, key=lambda template: distances[template], default=None)
        if nearest is not None and distances[nearest] < math.inf:
            return nearest
    return None


def _unversioned(segments: list[str]) -> list[str]:
    """Return the segments of a path without a leading version."""
    return segments[1:] if segments and VERSION.fullmatch(segments[0]) else segments


def _distance(sent_segments: list[str], template: str) -> float:
    """Return the distance of segments from a path: the dissimilarity of pairs, and 1 for each missing or extra one."""
    wanted = _unversioned([segment for segment in template.split("/") if segment])
    missing, surplus = wanted[len(sent_segments) :], sent_segments[len(wanted) :]
    pairs = [(some, other) for some, other in zip(sent_segments, wanted, strict=False) if not other.startswith("{")]
    likeness = [SequenceMatcher(None, some.lower(), other).ratio() for some, other in pairs]
    reachable = pairs and len(missing) + len(surplus) <= 1 and all(segment.startswith("{") for segment in missing)
    if not reachable or min(likeness) < ALIKE:
        return math.inf
    return sum(1 - alike for alike in likeness) + len(missing + surplus)


def _same_branch(template: str, path: str) -> bool:
    """Return whether two paths have the same first segment."""
    return template.split("/", 2)[1:2] == path.split("/", 2)[1:2]
