"""An answer of the service: a mapping whose members are also attributes."""

import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

_NAME = re.compile(r"\b[A-Z]\w+")  # of a class in an annotation


class Result(Mapping[str, Any]):
    """A JSON object of an answer: `answer.recommended.objective` is `answer["recommended"]["objective"]`.

    Members that this version of the client does not know can be read like the others. A member that an answer omits
    because it is null is None, if the class declares it; any other raises AttributeError. Members with the name of a
    method of `dict`, such as `items`, can be read by key only: `answer["items"]`.
    """

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_members", dict(members))

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        value = self._members[name]
        return wrapped(value, _kind(type(self), name)) if isinstance(value, dict | list) else value

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        if name.startswith("__"):  # copy and pickle ask
            raise AttributeError(name)
        if name in self._members:
            return self[name]
        if name in type(self).__annotations__:
            return None
        raise AttributeError(f"The answer has no {name}; it has {', '.join(self._members)}.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._members]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._members!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as a plain dictionary."""
        return dict(self._members)


Answer = TypeVar("Answer", bound=Result)


def wrapped(value: Any, kind: type[Result] = Result) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON objects as results of this kind, also within lists."""
    if isinstance(value, dict):
        return kind(value)
    return [wrapped(entry, kind) for entry in value] if isinstance(value, list) else value


@cache
def _kind(of: type[Result], name: str) -> type[Result]:
    """Return the class of a member's objects: the one that its annotation names, or `Result`."""
    annotation = str(of.__annotations__.get(name, ""))
    known = vars(sys.modules[of.__module__])
    named = [known[each] for each in _NAME.findall(annotation) if each in known]
    kinds = [each for each in named if isinstance(each, type) and issubclass(each, Result)]
    return kinds[0] if len(kinds) == 1 and "Mapping" not in annotation else Result
