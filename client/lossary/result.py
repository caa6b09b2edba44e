"""An answer of the service: a mapping whose members are attributes too."""

from collections.abc import Iterator, Mapping
from typing import Any


class Result(Mapping[str, Any]):
    """A JSON object of an answer. `answer.recommended.objective` is `answer["recommended"]["objective"]`.

    Members that this version of the client does not know are there like the others. One that is left out of an answer
    because it is null raises AttributeError; `get` gives None.
    """

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_members", dict(members))

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        return wrapped(self._members[name])

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        if name.startswith("__"):  # copy and pickle ask
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"The answer has no {name}; it has {', '.join(self._members)}.") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._members]

    def __repr__(self) -> str:
        return f"Result({self._members!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return the plain object."""
        return dict(self._members)


def wrapped(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return objects of JSON as results, also within lists."""
    if isinstance(value, dict):
        return Result(value)
    return [wrapped(entry) for entry in value] if isinstance(value, list) else value
