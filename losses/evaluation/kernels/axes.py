"""The axes of the inputs of a kernel: which are equally long, and which have a length that the losses state."""

from collections.abc import Iterator

from losses.evaluation.kernels.form import Form

LENGTHS = (6, 7, 5, 3, 9, 11, 10, 13)  # of axes in the example that is traced; all differ, and none is 1
Axis = tuple[str, int]  # the role of the input, and the number of the axis


def stated_lengths(form: Form) -> dict[Axis, int]:
    """Return the axis lengths that losses state as numbers, such as the 4 of boxes."""
    stated: dict[Axis, int] = {}
    for _, term in form.objective().terms:
        for entry in form.inputs:
            if entry.role in term.loss.roles:
                names = _names(term.loss.pattern(entry.role).names, len(entry.single))
                stated |= {(entry.role, axis): int(name) for axis, (name, _) in enumerate(names) if name.isdigit()}
    return stated


def equal_axes(form: Form) -> list[list[Axis]]:
    """Return every axis once, in lists of those that some term requires to be equally long."""
    joined: dict[Axis, dict[Axis, None]] = {}  # all axes equal to each of them, in order
    for _, term in form.objective().terms:
        seen: dict[tuple[str, int], Axis] = {}
        for entry in form.inputs:
            if entry.role not in term.loss.roles:
                continue
            for axis, named in enumerate(_names(term.loss.pattern(entry.role).names, len(entry.single))):
                here = entry.role, axis
                first = seen.setdefault(named, here)
                together = joined.get(first, {first: None}) | joined.get(here, {here: None})
                joined |= dict.fromkeys(together, together)
    return [list(axes) for axes in {id(axes): axes for axes in joined.values()}.values()]


def example_lengths(form: Form) -> dict[Axis, int]:
    """Return a length for every axis; equal where a term requires it."""
    single = {(entry.role, axis): one for entry in form.inputs for axis, one in enumerate(entry.single)}
    stated, new = stated_lengths(form), iter(LENGTHS)
    lengths: dict[Axis, int] = {}
    for axes in equal_axes(form):
        known = next((stated[axis] for axis in axes if axis in stated), None)
        length = 1 if single[axes[0]] else known or next(new)
        lengths |= dict.fromkeys(axes, length)
    return lengths


def _names(names: tuple[str, ...], ndim: int) -> Iterator[tuple[str, int]]:
    """Yield the name of every axis, and its position among the axes of a starred name."""
    for name in names:
        width = ndim - len(names) + 1 if name.startswith("*") else 1
        yield from ((name.lstrip("*"), place) for place in range(width))
