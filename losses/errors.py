"""Deliberate refusals: what was wanted, what came, and the way out.

Refusal
├── UnknownLoss          no loss of that name
├── BadExpression        the objective's text cannot be read
├── BadParameter         a parameter's value is out of its range, or no such parameter
├── BadOption            an option that this loss, or these inputs, cannot honour
├── TooMuchAtOnce        a block of this loss on these inputs would hold too much memory
├── MissingInput         a role of the loss was not given
├── UnknownInput         an input that is no role of the loss
├── ShapeMismatch        axes do not fit
├── UnsupportedDtype     numbers of a kind that is not read here
├── DomainViolation      numbers outside the set the loss is defined on
└── NonFiniteInput       NaN or an infinity where a number belongs
"""

from collections.abc import Iterable

LONGEST_NAME = 60  # characters of the caller's text that are said back


class Refusal(Exception):  # noqa: N818 - it is the caller's request that is at fault, and nothing broke
    """Says in one sentence what to change; `facts` holds the same for machines."""

    title = "The request cannot be answered"

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = {name: value for name, value in facts.items() if value is not None}


class UnknownLoss(Refusal):
    title = "No such loss"

    def __init__(self, suggestion: str | None = None, what: str = "", **facts: object) -> None:
        """Take the near name, and what is known of the name where it means something else than a loss of ours."""
        hint = f" Did you mean {suggestion}?" if suggestion else ""
        message = what or f"There is no loss of that name.{hint}"
        super().__init__(f"{message} All losses are at /v1/losses.", did_you_mean=suggestion, **facts)


class BadExpression(Refusal):
    title = "The objective cannot be read"

    def __init__(self, message: str, position: int | None = None) -> None:
        way_out = "Write losses and weights such as dice + 0.5*bce(pos_weight=3)."
        super().__init__(f"{message} {way_out}", position=position)


class BadParameter(Refusal):
    title = "A parameter of the loss is wrong"

    def __init__(
        self, loss: str, parameter: str, wanted: str, suggestion: str | None = None, way_out: str = ""
    ) -> None:
        super().__init__(
            f"{loss}: {parameter} {wanted}. {way_out}".strip(),
            loss=loss,
            parameter=parameter,
            wanted=wanted,
            did_you_mean=suggestion,
        )


class BadOption(Refusal):
    title = "An option does not fit"

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message, option=option)


class TooMuchAtOnce(Refusal):
    title = "It would hold too much memory at once"

    def __init__(self, loss: str, axis: str, length: int, fits: int, held_bytes: int, limit_bytes: int) -> None:
        way_out = f"At most {fits} would fit." if fits else "Send less of it."
        super().__init__(
            f"{loss} would hold {held_bytes} bytes at once with {axis} of {length}; {limit_bytes} is the most. "
            f"{way_out}",
            loss=loss,
            axis=axis,
            got=length,
            expected=fits or None,
            held_bytes=held_bytes,
            limit=limit_bytes,
            limit_name="max_block_bytes",
        )


class MissingInput(Refusal):
    title = "An input is missing"

    def __init__(self, loss: str, role: str, roles: Iterable[str]) -> None:
        wanted = list(roles)
        super().__init__(
            f"{loss} needs {role}; its inputs are {', '.join(wanted)}.", loss=loss, role=role, roles=wanted
        )


class UnknownInput(Refusal):
    title = "An input that the loss does not take"

    def __init__(self, name: str, roles: Iterable[str], suggestion: str | None = None, way_out: str = "") -> None:
        wanted = list(roles)
        hint = f"Did you mean {suggestion}?" if suggestion else way_out or "Leave it out."
        super().__init__(
            f"{pointer(name)} has no meaning here. {hint} These have: {', '.join(wanted)}.",
            pointer=pointer(name),
            roles=wanted,
            did_you_mean=suggestion,
        )


class ShapeMismatch(Refusal):
    title = "Shapes do not fit"

    def __init__(self, role: str, expected: str, got: Iterable[int], way_out: str = "") -> None:
        self.role, self.expected, self.got = role, expected, list(got)
        message = f"{role} must have axes ({expected}), got shape {self.got}. {way_out}".strip()
        super().__init__(message, role=role, expected=expected, got=self.got)


class UnsupportedDtype(Refusal):
    title = "Numbers of this kind are not read"

    def __init__(self, role: str, got: str, accepted: Iterable[str]) -> None:
        names = list(accepted)
        super().__init__(f"{role} holds {got}; send {', '.join(names)}.", role=role, got=got, accepted=names)


class DomainViolation(Refusal):
    title = "Numbers outside the domain of the loss"

    def __init__(self, role: str, wanted: str, index: list[int], way_out: str = "") -> None:
        self.role, self.wanted, self.index, self.way_out = role, wanted, index, way_out
        message = f"{role} must be {wanted}; the first that is not is at index {index}. {way_out}".strip()
        super().__init__(message, role=role, wanted=wanted, index=index)

    def at(self, index: list[int]) -> "DomainViolation":
        """Return the same refusal of another index."""
        return DomainViolation(self.role, self.wanted, index, self.way_out)


class NonFiniteInput(Refusal):
    title = "NaN or an infinity in the input"

    def __init__(self, role: str, index: list[int], way_out: str) -> None:
        self.role, self.index, self.way_out = role, index, way_out
        super().__init__(f"{role} has NaN or an infinity, first at index {index}. {way_out}", role=role, index=index)

    def at(self, index: list[int]) -> "NonFiniteInput":
        """Return the same refusal of another index."""
        return NonFiniteInput(self.role, index, self.way_out)


def shown(name: str) -> str:
    """Return the start of a name of the caller's, with a question mark for what is no plain letter."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in name[:LONGEST_NAME])


def pointer(*names: str) -> str:
    """Return names, which may be the caller's, as a JSON pointer (RFC 6901): cut, and made plain."""
    return "".join("/" + shown(name).replace("~", "~0").replace("/", "~1") for name in names)
