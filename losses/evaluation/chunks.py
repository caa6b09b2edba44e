"""Inputs, weights and masks of an objective, checked against one another and read in chunks."""

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Literal

import torch
from torch import Tensor

from losses.contract.deadline import checkpoint, hold
from losses.contract.domain_checks import check, first_index, outside, shows_in_a_sum
from losses.contract.domains import NON_NEGATIVE, Domain
from losses.contract.encodings import Extremes
from losses.contract.expression import Objective
from losses.contract.shapes import Axes, Pattern
from losses.errors import BadOption, DomainViolation, ShapeMismatch
from losses.evaluation.device_copies import ChunkCopies, DeviceCopies
from losses.evaluation.layout import CHUNK_ELEMENTS, MAX_BLOCK_BYTES, layout_of, refuse_dtype
from losses.text import Text

ENTRIES, PIXELS = Pattern.parse("*n"), Pattern.parse("n *s")
Dims = tuple[tuple[str, int], ...]


def dims(pattern: Pattern, axes: Axes) -> Dims:
    """Return the axes of a pattern as pairs (name, position among the axes of a starred name)."""
    return tuple(
        (name.lstrip("*"), position) for name in pattern.names for position in range(len(axes[name.lstrip("*")]))
    )


def align(weights: Tensor, own: Dims, other: Dims) -> Tensor:
    """Return `weights`, whose axes are `own`, reshaped to broadcast over the axes `other`."""
    lengths = dict(zip(own, weights.shape, strict=True))
    return weights.reshape([lengths.get(dim, 1) for dim in other])


def product_of_factors(factors: Sequence[Tensor]) -> Tensor | None:
    """Return the product of weights and masks, where shorter ones lack trailing axes; None where there are none."""
    if len(factors) < 2:  # noqa: PLR2004 - nothing to multiply
        return factors[0] if factors else None
    most = max(factor.ndim for factor in factors)
    longest = [factor.reshape(*factor.shape, *[1] * (most - factor.ndim)) for factor in factors]
    return reduce(torch.mul, longest)


@dataclass(slots=True)
class Chunk:
    """One chunk of the inputs of one term, ready for its formula.

    Attributes:
        inputs: The tensors by role.
        factors: The weights and the mask of the chunk, whichever were sent.
        weights: The product of the factors; None where every element counts once.
        mask: The mask of the chunk, as numbers 0 and 1.
        unweighted: Makes the same chunk with the mask alone, where some unmasked weights are 0.
    """

    inputs: dict[str, Tensor]
    factors: list[Tensor]
    weights: Tensor | None  # what every element counts, or None where each counts once
    mask: Tensor | None
    unweighted: "Callable[[], Chunk] | None" = None


@dataclass
class ChunkedInputs:
    """The inputs of one objective, cut into chunks that are checked when they are read.

    The constructor raises BadParameter, MissingInput, ShapeMismatch, UnsupportedDtype, BadOption and TooMuchAtOnce;
    reading a chunk in the first pass raises DomainViolation and NonFiniteInput.
    """

    objective: Objective
    inputs: Mapping[str, Tensor]
    weights: Tensor | None = None
    mask: Tensor | None = None
    dtype: torch.dtype | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    chunk_elements: int = CHUNK_ELEMENTS
    nonfinite: Literal["refuse", "allow"] = "refuse"
    max_block_bytes: int = MAX_BLOCK_BYTES  # bytes of one block
    graph: bool = False  # a gradient will be asked for
    weights_scale_out: bool = False  # as of a mean: then weights too large or small to be summed are scaled first
    device_copies: ChunkCopies | None = None  # made for a CUDA device where it is not given
    weight_unit: float = field(default=1.0, init=False)

    def __post_init__(self) -> None:
        """Lay out the chunks, and fit the weights and the mask to every term."""
        layout = layout_of(self.objective, self.inputs, self.dtype, self.chunk_elements)
        hold(layout.refuse_more_than(self.max_block_bytes, graph=self.graph))
        self.compute_dtype, self.axes, self.sources = layout.dtype, layout.axes, layout.sources
        self.bounds, self.seconds_between = self._moved(layout.bounds), layout.seconds_between
        self.asks_within, self.form, self.numbers = layout.is_long, layout.form, layout.numbers
        self.merged_from = layout.merged_from
        if self.device_copies is None and self.device.type == "cuda":
            self.device_copies = DeviceCopies(self.device)
        self._copied: dict[Hashable, Tensor] = {}  # chunks that were copied ahead
        self.is_weighed = self.weights is not None or self.mask is not None
        self.seen = [{source.role: Extremes() for source in sources} for sources in self.sources]
        if self.weights is not None and self.weights_scale_out:
            self._scale(self.weights)
        self.weights_by_term = self._by_term("weights", self.weights)
        self.mask_by_term = self._by_term("mask", self.mask)

    def _moved(self, bounds: list[dict[str, slice]]) -> list[dict[str, slice]]:
        """Return the bounds of the chunks in the item numbers that refusals name.

        A window of a stream does not start at 0.
        """
        return bounds

    def _scale(self, weights: Tensor) -> None:
        """Divide weights of whole items by a power of 2 (exact) where their sum could overflow or underflow."""
        whole = all(term.kind == "item" and not term.loss.sums_itself for _, term in self.objective.terms)
        if not weights.is_floating_point() or not weights.numel() or not (whole or weights.ndim == 1):
            return
        low, high = (float(bound) for bound in weights.aminmax())
        safe = torch.finfo(self.compute_dtype).max ** (1 / 3)
        if low >= 0 and 0 < high < math.inf and not 1 / safe <= high <= safe:
            self.weight_unit = 2.0 ** (math.frexp(high)[1] - 1)
            self.weights = weights.double() / self.weight_unit

    def _by_term(self, name: str, tensor: Tensor | None) -> Sequence[Tensor | None]:
        """Return the weights or the mask in the axes of each term."""
        if tensor is None:
            return [None] * len(self.axes)
        return [self._fitted(name, tensor, place) for place in range(len(self.axes))]

    def _fitted(self, name: str, tensor: Tensor, place: int) -> Tensor:
        """Return the weights or the mask in the axes of one term.

        Weights of pixels (n, *s) apply to every class of predictions (n, C, *s).

        Raises: BadOption, ShapeMismatch.
        """
        refuse_dtype(name, tensor)
        (_, term), axes = self.objective.terms[place], self.axes[place]
        if term.kind == "batch" and not term.loss.sums_itself:
            raise BadOption(
                name,
                Text(
                    f"{term.loss.id} looks at all items at once; leave out those you would not count.",
                    f"{term.loss.id} 同时考察所有项;请去掉不应计入的项。",
                ),
            )
        if not term.loss.elements.names:
            raise BadOption(
                name,
                Text(
                    f"{term.loss.id} has two lists of items; leave out the items you would not count.",
                    f"{term.loss.id} 有两组项;请去掉不应计入的项。",
                ),
            )
        expected = term.loss.elements.lengths(axes)
        if tensor.ndim > 1 and term.loss.elements == ENTRIES and self._counts_pixels():
            tensor, expected = tensor.unsqueeze(1), (expected[0], 1, *expected[2:])
        if not tensor.ndim or tuple(tensor.shape) != expected[: tensor.ndim]:
            raise ShapeMismatch(
                name,
                str(term.loss.elements),
                tensor.shape,
                Text(f"{list(expected)} or its first axes would fit.", f"{list(expected)} 或其前几个轴才合适。"),
            )
        return tensor

    def _counts_pixels(self) -> bool:
        """Return whether some term has classes on axis 1 that its weights and masks lack."""
        return any(term.loss.elements == PIXELS for _, term in self.objective.terms)

    def blocks(self) -> Iterator[dict[str, slice]]:
        """Yield the bounds of each chunk, by the name of the axis that is cut, once the deadline allows it."""
        for bounds in self._arriving() if self.device_copies else self.bounds:
            checkpoint(self.seconds_between)
            yield bounds

    def chunks(self, bounds: dict[str, slice], *, first_pass: bool) -> list[Chunk]:
        """Return one chunk for every term; the first pass also checks the numbers."""
        return [self.chunk(place, bounds, first_pass=first_pass) for place in range(len(self.axes))]

    def sent(self, bounds: dict[str, slice]) -> dict[str, Tensor]:
        """Return one chunk of every input in the dtype in which it was sent, in the order of the objective."""
        axes = {source.role: source.pattern.item_axis for sources in self.sources for source in sources}
        return {role: self._at(self.inputs[role], axes[role], bounds) for role in self.objective.roles if role in axes}

    def _arriving(self) -> Iterator[dict[str, slice]]:
        """Yield the bounds of each chunk once it is on the device, after starting the copy of the next one."""
        device_copies = self.device_copies
        if device_copies is None:
            return
        ahead = device_copies.send(self._sendable(self.bounds[0]))
        for place, bounds in enumerate(self.bounds):
            self._copied = device_copies.receive(ahead)
            if place + 1 < len(self.bounds):
                ahead = device_copies.send(self._sendable(self.bounds[place + 1]))
            yield bounds
        self._copied = {}

    def _sendable(self, bounds: dict[str, slice]) -> dict[Hashable, Tensor]:
        """Return the chunks of every input, of the weights and of the masks, each once even if several terms use it."""
        sendable: dict[Hashable, Tensor] = {}
        for place, (_, term) in enumerate(self.objective.terms):
            tensors = [(self.inputs[source.role], source.pattern.item_axis) for source in self.sources[place]]
            factors = self.weights_by_term[place], self.mask_by_term[place]
            tensors += [(tensor, term.loss.elements.item_axis) for tensor in factors if tensor is not None]
            for tensor, item_axis in tensors:
                sendable[id(tensor), item_axis] = self._slice(tensor, item_axis, bounds)
        return sendable

    def _at(self, tensor: Tensor, item_axis: str | None, bounds: dict[str, slice]) -> Tensor:
        """Return one chunk of a tensor: the copy on the device where there is one."""
        if self._copied:
            return self._copied[id(tensor), item_axis]
        return tensor if len(self.bounds) == 1 else self._slice(tensor, item_axis, bounds)

    def _slice(self, tensor: Tensor, item_axis: str | None, bounds: dict[str, slice]) -> Tensor:
        """Return the part of a tensor within the bounds of a chunk; the whole where it is not cut."""
        return tensor if item_axis is None or len(self.bounds) == 1 else tensor[bounds[item_axis]]

    def chunk(self, place: int, bounds: dict[str, slice], *, first_pass: bool) -> Chunk:
        """Return one chunk of one term; its numbers are checked in the first pass."""
        if not self.is_weighed:
            return Chunk(self._filled(place, bounds, None, first_pass=first_pass), [], None, None)
        factors = self._factors(place, bounds, first_pass=first_pass)
        mask = factors[-1] if self.mask is not None and factors else None
        unweighted = None
        if first_pass and self.weights is not None and not bool((factors[0] > 0).all()):
            unweighted = partial(self._unweighted, place, bounds, mask)
        inputs = self._filled(place, bounds, product_of_factors(factors), first_pass=first_pass)
        return Chunk(inputs, factors, product_of_factors(factors), mask, unweighted)

    def _unweighted(self, place: int, bounds: dict[str, slice], mask: Tensor | None) -> Chunk:
        """Return one chunk in which every unmasked item counts once."""
        inputs = self._filled(place, bounds, mask, first_pass=False, legal=True)
        return Chunk(inputs, [] if mask is None else [mask], mask, mask)

    def _filled(
        self, place: int, bounds: dict[str, slice], weights: Tensor | None, *, first_pass: bool, legal: bool = False
    ) -> dict[str, Tensor]:
        """Return the inputs of one chunk, with a legal number where the weight is 0.

        An id that equals ignore_index is left, so that its item is ignored under any weight. With `legal`, numbers
        outside the domain are replaced, too.
        """
        (_, term), axes = self.objective.terms[place], self.axes[place]
        own = dims(term.loss.elements, axes)[: weights.ndim] if weights is not None else ()
        named = term.params.get("ignore_index")
        ignored = named if isinstance(named, int) else None
        inputs = {}
        for role, pattern, domain, dtype in self.sources[place]:
            sent = chunk = self._at(self.inputs[role], pattern.item_axis, bounds)
            if chunk.dtype is not dtype or chunk.device != self.device:  # `to` takes longer to find that out
                chunk = chunk.to(self.device, dtype)
            if weights is not None and pattern.item_axis is not None:
                counted = align(weights, own, dims(pattern, axes)) > 0
                if ignored is not None and domain.whole:
                    counted = counted | (chunk == ignored)
                chunk = torch.where(counted, chunk, _filler(domain, chunk))
            if first_pass and not (shows_in_a_sum(domain) and math.isfinite(chunk.sum().item())):
                check(
                    role,
                    chunk,
                    domain,
                    self.seen[place][role],
                    sent=sent,
                    offset=bounds[pattern.item_axis].start if pattern.item_axis else 0,
                    ignored=ignored,
                    nonfinite=None if domain.whole else self.nonfinite,
                )
            if legal:
                chunk = torch.where(outside(chunk, domain, sent.dtype, ignored), _filler(domain, chunk), chunk)
            inputs[role] = chunk.to(torch.int64) if domain.is_index and dtype != torch.int64 else chunk
        return inputs

    def _factors(self, place: int, bounds: dict[str, slice], *, first_pass: bool) -> list[Tensor]:
        """Return the weights and the mask of one chunk, whichever were sent."""
        factors: list[Tensor] = []
        item_axis = self.objective.terms[place][1].loss.elements.item_axis
        sent, mask = self.weights_by_term[place], self.mask_by_term[place]
        if sent is not None:
            chunk = self._at(sent, item_axis, bounds)
            weights = chunk.to(self.device, self.compute_dtype)
            if first_pass:
                start = bounds[item_axis or ""].start
                check("weights", weights, NON_NEGATIVE, Extremes(), sent=chunk, offset=start)
            factors.append(weights)
        if mask is not None:
            kept = self._at(mask, item_axis, bounds).to(self.device)
            if first_pass and kept.dtype != torch.bool:
                _check_mask(kept, bounds[item_axis or ""].start)
            factors.append((kept != 0).to(self.compute_dtype))
        return factors


def _check_mask(mask: Tensor, offset: int) -> None:
    """Refuse a mask with numbers other than 0 and 1; fractions are weights."""
    wrong = (mask != 0) & (mask != 1)
    if wrong.any():
        raise DomainViolation(
            "mask",
            Text("true or false, 1 or 0", "true 或 false、1 或 0"),
            first_index(wrong, offset),
            Text("Shares are weights.", "份额请作为 weights 发送。"),
        )


def _filler(domain: Domain, chunk: Tensor) -> Tensor:
    """Return a legal number to replace one whose weight is 0."""
    return chunk.new_tensor(1 / chunk.shape[1] if domain.simplex else domain.legal)
