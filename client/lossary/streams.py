"""Answers that arrive line by line: the events of an experiment, and the answers to a batch of questions."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lossary.answers import Advice, Evaluations, ProfileAnswer, Recommendation
from lossary.asking import ApiRequest
from lossary.errors import Refused, refused
from lossary.result import Result

GROUP_BYTES = 1 << 20  # of lines that are sent in one request, so that neither end has to keep many
ANSWERS: dict[str, type[Result]] = {
    "recommend": Recommendation,
    "profile": ProfileAnswer,
    "evaluate": Evaluations,
    "advise": Advice,
}


class Events:
    """Parses server-sent events line by line; `last` is the id of the last event, after which to resume."""

    def __init__(self, identifier: str, after: str | None) -> None:
        self.last = after
        self._path = f"/v1/experiments/{identifier}/events"
        self._lines: list[str] = []

    def remaining(self) -> ApiRequest:
        """Return the request for the events after the last one."""
        self._lines = []
        return ApiRequest("GET", self._path, {}, {} if self.last is None else {"last-event-id": self.last})

    def read(self, line: str) -> Result | None:
        """Return the event that a line completes; None where it completes none."""
        if line:
            self._lines.append(line)
            return None
        fields = dict(each.split(": ", 1) for each in self._lines if ": " in each and not each.startswith(":"))
        self._lines = []
        if not fields:
            return None
        self.last = fields.get("id")
        return Result({"id": self.last, "event": fields["event"], **json.loads(fields["data"])})


class Group:
    """Some lines of a batch that are not answered yet; `before` is the number of lines before them."""

    def __init__(self, before: int, lines: list[bytes]) -> None:
        self._answered, self._lines = before, deque(lines)

    def remaining(self) -> ApiRequest | None:
        """Return the request that sends the unanswered lines; None where there are none."""
        if not self._lines:
            return None
        content = b"".join(self._lines)
        return ApiRequest("POST", "/v1/batch", {}, {"content-type": "application/x-ndjson"}, content=content)

    def read(self, text: str) -> Result | Refused:
        """Return the answer in a line of the response.

        Raises: Refused where the line refuses all remaining lines.
        """
        ((name, member),) = json.loads(text).items()
        if name != "problem":
            self._next()
            return ANSWERS.get(name, Result)(member)
        if "line" not in member:
            raise refused(member)
        problem = refused({**member, "line": self._answered + 1})
        self._next()
        return problem

    def _next(self) -> None:
        """Count a line as answered."""
        self._answered += 1
        self._lines.popleft()


def groups(lines: Iterable[Mapping[str, Any]]) -> Iterator[Group]:
    """Yield the questions of a batch in groups."""
    before, group, size = 0, list[bytes](), 0
    for question in lines:
        line = json.dumps(question, allow_nan=False, separators=(",", ":"), default=_listed).encode() + b"\n"
        if group and size + len(line) > GROUP_BYTES:
            yield Group(before, group)
            before, group, size = before + len(group), [], 0
        group.append(line)
        size += len(line)
    if group:
        yield Group(before, group)


def _listed(array: Any) -> Any:  # noqa: ANN401 - arrays of any library
    """Return an array or a tensor as lists."""
    return array.tolist()
