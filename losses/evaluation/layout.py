"""The layout of an evaluation: how the inputs are cut into blocks, with estimates of memory and time.

It depends on the shapes and dtypes of the inputs alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from losses.contract.domains import Domain
from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss
from losses.contract.shapes import Axes, Pattern
from losses.contract.work import BACKWARD, INPUTS_ALIVE, INPUTS_WITH_GRAPH
from losses.errors import MissingInput, ShapeMismatch, TooMuchAtOnce, UnsupportedDtype
from losses.evaluation.kernels.form import Form, form_of, merged_from
from losses.text import Text

CHUNK_ELEMENTS = 1 << 18  # of the largest input: a megabyte in float32, so that temporaries stay in cache
TEMPORARIES_AS_ONE = 8  # numbers that a formula holds of its own count as one of the inputs where blocks are cut
MOST_LAYOUTS = 64  # of one objective
LONG_S = 0.02  # for which nothing is asked; asking costs a microsecond a call
MAX_BLOCK_BYTES = 1 << 30  # bytes that one block holds: 6,600 items of a list against one another in float32
ACCEPTED = (
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.bool,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
)


class TermInput(NamedTuple):
    """One input of one term: its axes, its domain, and the dtype in which its numbers are checked."""

    role: str
    pattern: Pattern
    domain: Domain
    dtype: torch.dtype


@dataclass(frozen=True)
class Layout:
    """How the inputs of an objective are cut into blocks, with estimates of memory and time.

    Attributes:
        objective: The objective.
        dtype: The dtype of the computation.
        axes: The length of every axis, by term.
        sources: The inputs of every term.
        bounds: For each block, the slice of every axis that is cut, by the axis's name.
        peaks: The count of numbers that one block holds, by term, without a graph for a gradient.
        peaks_with_graph: The same with a graph.
        block_bytes: The most bytes that one block holds without a graph: terms are computed one after another.
        block_bytes_with_graph: The same with a graph: the graphs of all terms exist together.
        seconds: The estimated time of the value on one core.
        seconds_between: The estimated time of the longest torch call.
        numbers: The count of numbers in all inputs.
        form: The form of the kernel that could compute a chunk; None where none can.
        merged_from: The inputs whose last axes such a kernel takes as one, each with the first of these axes.
    """

    objective: Objective
    dtype: torch.dtype
    axes: list[Axes]
    sources: list[list[TermInput]]
    bounds: list[dict[str, slice]]
    peaks: list[float]  # numbers, by term
    peaks_with_graph: list[float]
    block_bytes: int  # the most that one block holds
    block_bytes_with_graph: int  # the graphs of all terms are there together
    seconds: float
    seconds_between: float  # that no single call of torch takes longer than
    numbers: int  # of all inputs
    form: Form | None  # of the kernel of a chunk, where one can be made
    merged_from: dict[str, int]

    @cached_property
    def roles(self) -> frozenset[str]:
        """The roles of all inputs."""
        return frozenset(source.role for sources in self.sources for source in sources)

    @cached_property
    def by_items(self) -> bool:
        """Whether every term is a mean over rows of items of one block, each computed by itself, and simply checked."""
        if len(self.bounds) > 1:
            return False
        for (_, term), sources in zip(self.objective.terms, self.sources, strict=True):
            if term.kind != "item" or term.loss.sums_itself or term.item_axis is None or term.one_class_of_several:
                return False
            for _, pattern, domain, dtype in sources:
                if pattern.item_axis != term.item_axis:
                    return False
                if domain.is_shaped and not (domain.whole and not dtype.is_floating_point):
                    return False
        return True

    def peak_bytes(self, *, graph: bool) -> int:
        """Return the most bytes that one block holds; `graph`: a gradient is computed."""
        return self.block_bytes_with_graph if graph else self.block_bytes

    @property
    def is_long(self) -> bool:
        """Whether a block takes so long that the deadline is checked within it."""
        return self.seconds / len(self.bounds) > LONG_S

    def estimate(self, *, graph: bool) -> float:
        """Return the estimated seconds of the value, with its gradient where `graph` is true."""
        return self.seconds * (1 + BACKWARD) if graph else self.seconds

    def refuse_more_than(self, limit: int, *, graph: bool) -> int:
        """Return the bytes that one block holds, if they are within the limit.

        Raises: TooMuchAtOnce, with the longest axis that would fit.
        """
        peak = self.peak_bytes(graph=graph)
        if peak <= limit:
            return peak
        own = self.peaks_with_graph if graph else self.peaks
        place = own.index(max(own))
        term = self.objective.terms[place][1]
        axis, length = _longest(term, self.axes[place])
        rest = sum(own) - own[place] if graph else 0.0
        numbers = limit / self.dtype.itemsize - rest
        fits = _fitting(self, place, (axis, length), numbers, graph=graph)
        raise TooMuchAtOnce(term.loss.id, axis, length, fits, peak, limit)


def layout_of(
    objective: Objective, inputs: Mapping[str, Tensor], dtype: torch.dtype | None, chunk_elements: int
) -> Layout:
    """Return the layout of an objective's inputs; cached by shapes and dtypes.

    Args:
        objective: The objective.
        inputs: The tensors by role.
        dtype: The dtype of the computation; None: the widest floating dtype of the inputs.
        chunk_elements: The most numbers of the largest input in a block.

    Raises: BadParameter, MissingInput, ShapeMismatch, UnsupportedDtype.
    """
    key = dtype, chunk_elements, *[(role, tensor.shape, tensor.dtype) for role, tensor in inputs.items()]
    cached = objective.layouts.get(key)
    if isinstance(cached, Layout):
        return cached
    if len(objective.layouts) >= MOST_LAYOUTS:
        objective.layouts.clear()
    layout = objective.layouts[key] = _made(objective, inputs, dtype, chunk_elements)
    return layout


def _made(
    objective: Objective, inputs: Mapping[str, Tensor], chosen_dtype: torch.dtype | None, chunk_elements: int
) -> Layout:
    """Return a new layout; the arguments are those of `layout_of`."""
    for role, tensor in inputs.items():
        refuse_dtype(role, tensor)
    terms = [term for _, term in objective.terms]
    axes = [_bound(term, inputs) for term in terms]
    dtype = chosen_dtype or _promoted(inputs)
    for term in terms:
        term.refuse_unfit(dtype)
    sources = [_sources(term, own, inputs, dtype) for term, own in zip(terms, axes, strict=True)]
    bounds = _cut(terms, axes, inputs, _lengths(sources, inputs), chunk_elements)
    numbers = [sum(inputs[source.role].numel() for source in own) for own in sources]
    blocks = [longest_block(own, bounds) for own in axes]
    roles = [[source.role for source in own] for own in sources]
    ways = [_peaks(term, block, own) for term, block, own in zip(terms, blocks, roles, strict=True)]
    between = [
        term.loss.work.seconds_between(block, term.params, _numbers(term, block, own))
        for term, block, own in zip(terms, blocks, roles, strict=True)
    ]
    seconds = [
        term.loss.work.seconds(own, term.params, count, len(bounds)) * (2 if term.kind == "ratio" else 1)  # passes
        for term, own, count in zip(terms, axes, numbers, strict=True)
    ]
    peaks, peaks_with_graph = [plain for plain, _ in ways], [graph for _, graph in ways]
    return Layout(
        objective=objective,
        dtype=dtype,
        axes=axes,
        sources=sources,
        bounds=bounds,
        peaks=peaks,
        peaks_with_graph=peaks_with_graph,
        block_bytes=math.ceil(max(peaks) * dtype.itemsize),
        block_bytes_with_graph=math.ceil(sum(peaks_with_graph) * dtype.itemsize),
        seconds=sum(seconds),
        seconds_between=sum(between),
        numbers=sum(tensor.numel() for tensor in inputs.values()),
        merged_from=merged_from(objective),
        form=form_of(objective, inputs, dtype) if _shortest(bounds) > 1 else None,  # for one item other code is made
    )


def refuse_dtype(role: str, tensor: Tensor) -> None:
    """Raise UnsupportedDtype where the dtype of an input is not accepted."""
    if tensor.dtype not in ACCEPTED:
        names = [str(dtype).removeprefix("torch.") for dtype in ACCEPTED]
        raise UnsupportedDtype(role, str(tensor.dtype).removeprefix("torch."), names)


def _bound(term: BoundLoss, inputs: Mapping[str, Tensor]) -> Axes:
    """Return the lengths of the axes of one term.

    Raises: MissingInput, ShapeMismatch.
    """
    for role in term.loss.required:
        if role not in inputs:
            raise MissingInput(term.loss.id, role, term.loss.roles)
    return term.loss.shapes.bind(inputs, term.loss.roles, term.loss.encodings)


def _sources(term: BoundLoss, axes: Axes, inputs: Mapping[str, Tensor], compute_dtype: torch.dtype) -> list[TermInput]:
    """Return the inputs of one term, in the order of its signature."""
    sources = []
    for role, pattern in zip(term.loss.roles, term.loss.shapes.roles, strict=True):
        if role in inputs:
            tensor, domain = inputs[role], term.domain(role).bounded(axes)
            dtype = looked_at_in(domain, tensor.dtype, compute_dtype)
            sources.append(TermInput(role, pattern, domain, dtype))
    return sources


def looked_at_in(domain: Domain, sent: torch.dtype, computed_in: torch.dtype) -> torch.dtype:
    """Return the dtype in which the numbers of an input are checked.

    Whole numbers are compared exactly, in the dtype in which they were sent or in int64.
    """
    if not domain.whole:
        return computed_in
    return torch.promote_types(sent, torch.float32) if sent.is_floating_point else torch.int64


def _lengths(sources: list[list[TermInput]], inputs: Mapping[str, Tensor]) -> dict[str, int]:
    """Return the length of every axis that is cut, by name.

    Raises: ShapeMismatch where two terms have different numbers of items.
    """
    lengths: dict[str, int] = {}
    for role, pattern, *_ in (source for listed in sources for source in listed):
        if pattern.item_axis is None:
            continue
        shape = inputs[role].shape
        length = lengths.setdefault(pattern.item_axis, shape[0])
        if length != shape[0]:
            raise ShapeMismatch(
                role,
                str(pattern),
                shape,
                Text(f"Another term of the sum has {length} items.", f"和中的另一项有 {length} 个数据项。"),
            )
    return lengths


def _promoted(inputs: Mapping[str, Tensor]) -> torch.dtype:
    """Return the widest floating dtype of the inputs, at least float32; float64 where there are only integers."""
    floats = [tensor.dtype for tensor in inputs.values() if tensor.is_floating_point()]
    if not floats:
        return torch.float64
    wide = torch.float32
    for dtype in floats:
        wide = torch.promote_types(wide, dtype)
    return wide


def _cut(
    terms: list[BoundLoss],
    axes_of: list[Axes],
    inputs: Mapping[str, Tensor],
    lengths: dict[str, int],
    chunk_elements: int,
) -> list[dict[str, slice]]:
    """Return, for every block, the slice of every axis that is cut, by the axis's name."""
    sizes: list[float] = [tensor.numel() for tensor in inputs.values()]
    sizes += [
        term.loss.work.peak_numbers(axes, term.params)[0] / TEMPORARIES_AS_ONE
        for term, axes in zip(terms, axes_of, strict=True)
    ]
    blocks = max(1, math.ceil(max(sizes) / chunk_elements))
    blocks = min(blocks, max([1, *lengths.values()]))
    if any(term.kind == "batch" for term in terms):
        blocks = 1
    return [
        {item_axis: slice(length * k // blocks, length * (k + 1) // blocks) for item_axis, length in lengths.items()}
        for k in range(blocks)
    ]


def _shortest(bounds: list[dict[str, slice]]) -> int:
    """Return the smallest number of items in a block."""
    return min((edge.stop - edge.start for block in bounds for edge in block.values()), default=0)


def longest_block(axes: Axes, bounds: list[dict[str, slice]]) -> Axes:
    """Return the lengths of the axes of the longest block."""
    cut = {item_axis: max(edge[item_axis].stop - edge[item_axis].start for edge in bounds) for item_axis in bounds[0]}
    return {name: (cut[name], *lengths[1:]) if name in cut else lengths for name, lengths in axes.items()}


def _numbers(term: BoundLoss, block: Axes, roles: list[str]) -> int:
    """Return the count of numbers in the inputs of one block of a term."""
    return sum(math.prod(term.loss.pattern(role).lengths(block)) for role in roles)


def _peaks(term: BoundLoss, block: Axes, roles: list[str]) -> tuple[float, float]:
    """Return the count of numbers that one block of a term holds at its peak, without a graph and with one."""
    numbers = _numbers(term, block, roles)
    own, beside = term.loss.work.peak_numbers(block, term.params)
    return INPUTS_ALIVE * numbers + own, INPUTS_WITH_GRAPH * numbers + own + beside


def _longest(term: BoundLoss, axes: Axes) -> tuple[str, int]:
    """Return the longest axis that cutting cannot shorten, and its length."""
    item_axis = None if term.kind == "batch" else term.loss.shapes.roles[0].item_axis
    lengths = {name: max(own[1:] if name == item_axis else own, default=0) for name, own in axes.items()}
    axis = max(lengths, key=lambda name: lengths[name])
    return axis, lengths[axis]


def _fitting(layout: Layout, place: int, longest: tuple[str, int], numbers: float, *, graph: bool) -> int:
    """Return the longest length of the axis `longest` with which a block of one item holds `numbers` at most."""
    term, axes = layout.objective.terms[place][1], layout.axes[place]
    item_axis = None if term.kind == "batch" else term.loss.shapes.roles[0].item_axis
    low, high = 0, longest[1]
    while low < high:
        middle = (low + high + 1) // 2
        changed = {
            name: tuple(middle if (name, length) == longest else length for length in lengths)
            for name, lengths in axes.items()
        }
        if item_axis in changed:
            changed[item_axis] = (1, *changed[item_axis][1:])
        fits = _peaks(term, changed, [source.role for source in layout.sources[place]])[graph] <= numbers
        low, high = (middle, high) if fits else (low, middle - 1)
    return low
