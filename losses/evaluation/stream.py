"""Evaluate items that arrive in windows and are not stored: the first pass of `evaluate`, one window at a time.

Options that need a second pass are refused, because the items are gone.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from losses.contract.encodings import Extremes
from losses.contract.expression import Objective
from losses.errors import BadOption, DomainViolation, NonFiniteInput, ShapeMismatch
from losses.evaluation.chunks import ChunkedInputs
from losses.evaluation.class_axis import classes_on_axis_1, factors_on_axis_1, in_the_axes_sent
from losses.evaluation.input_warnings import InputWarning
from losses.evaluation.moments import Moments
from losses.evaluation.passes import Options, first_pass, reduce_totals, refuse_reduction
from losses.evaluation.result import Evaluation
from losses.evaluation.totals import Accumulator
from losses.text import Text

KEEP_IT = Text(
    "Send it with its Content-Length and within max_body_bytes, so that it is kept",
    "请带上 Content-Length 且不超过 max_body_bytes 地发送,以便保留",
)


@dataclass
class _Window(ChunkedInputs):
    """One window of a stream.

    `first` is the number of its first item, so that refusals name items of the whole stream.
    """

    first: int = 0

    def _moved(self, bounds: list[dict[str, slice]]) -> list[dict[str, slice]]:
        """Return the bounds in item numbers of the stream."""
        return [{item_axis: _moved(edge, self.first) for item_axis, edge in each.items()} for each in bounds]

    def _slice(self, tensor: Tensor, item_axis: str | None, bounds: dict[str, slice]) -> Tensor:
        """Return the part of a tensor of the window within the bounds of a chunk."""
        return tensor if item_axis is None or len(self.bounds) == 1 else tensor[_moved(bounds[item_axis], -self.first)]


@dataclass
class Stream:
    """An evaluation in progress: the sums over the windows added so far.

    Attributes:
        objective: The weighted sum of losses.
        options: How to reduce, and what to return besides the value.
        error_asked: Whether a standard error that needs a second pass is refused; otherwise a warning replaces it.
        way_out: What to do where one pass is not enough; added to refusals.
        items: The number of items added so far.

    The constructor raises BadOption for what needs a second pass.
    """

    objective: Objective
    options: Options
    error_asked: bool = False  # then it is refused where there is none, and otherwise left out with a warning
    way_out: Text = KEEP_IT
    items: int = 0
    accumulators: list[Accumulator] = field(default_factory=list)
    spread: Moments | None = None
    _window: ChunkedInputs | None = None
    _transfer_ms: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what needs a second pass."""
        for _, term in self.objective.terms:
            if term.kind == "batch":
                raise BadOption(
                    "loss",
                    Text(
                        f"{term} compares every item with every other. {self.way_out.en}.",
                        f"{term} 将每一项与其他各项比较。{self.way_out.zh}。",
                    ),
                )
        twice = {"gradient": self.options.gradient != "none", "reduction": self.options.reduction == "none"}
        for name in [name for name, asked in twice.items() if asked]:
            message = Text(
                f"This {name} is said of every item, and a stream is not kept. {self.way_out.en}, or leave it out.",
                f"这个 {name} 针对每一项,而流不会保留。{self.way_out.zh},或去掉它。",
            )
            raise BadOption(name, message)
        if self.options.standard_error and self.error_asked and not self.objective.spreads_at_once:
            message = Text(f"{self._no_error.en}, or leave it out.", f"{self._no_error.zh},或去掉它。")
            raise BadOption("standard_error", message)
        if self.options.standard_error and self.objective.spreads_at_once:
            self.spread = Moments()
        self._quiet = replace(self.options, standard_error=self.spread is not None)

    def add(
        self,
        inputs: Mapping[str, Tensor],
        weights: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        options: Options | None = None,
    ) -> None:
        """Add the next items; the axes after the first have the same lengths in every window.

        Args:
            inputs: The tensors by role.
            weights: The weights of the items or elements.
            mask: The mask of the items or elements.
            options: The options from here on; they may differ in `chunk_elements` only.

        Raises: what `evaluate` raises, with indices from the first item of the stream; torch.OutOfMemoryError, after
        which the same items can be added again.
        """
        self.options = options or self.options
        items = len(next(iter(inputs.values()), ()))
        if self.accumulators and not items:
            return
        self._refuse_fixed(inputs)
        before = (
            [replace(accumulator, totals=dict(accumulator.totals)) for accumulator in self.accumulators],
            copy(self.spread),
        )
        try:
            self._add(inputs, weights, mask)
        except (ShapeMismatch, DomainViolation, NonFiniteInput) as refusal:
            raise in_the_axes_sent(refusal, self.objective, inputs, self.options.class_axis) from None
        except torch.OutOfMemoryError:
            self.accumulators, self.spread = before
            raise
        self.items += items

    def _add(self, inputs: Mapping[str, Tensor], weights: Tensor | None, mask: Tensor | None) -> None:
        """Add a window, with classes moved to axis 1."""
        axis = self.options.class_axis
        sent = {role: tensor for role, tensor in inputs.items() if role in self.objective.roles}
        chunked_inputs = self._window = _Window(
            self.objective,
            classes_on_axis_1(self.objective, sent, axis),
            None if weights is None else factors_on_axis_1(weights, sent, axis),
            None if mask is None else factors_on_axis_1(mask, sent, axis),
            dtype=self.options.dtype,
            device=self.options.device,
            chunk_elements=self.options.chunk_elements,
            nonfinite=self.options.nonfinite,
            max_block_bytes=self.options.max_block_bytes,
            first=self.items,
        )
        if not self.accumulators:
            self._begin(chunked_inputs)
        first_pass(chunked_inputs, self.accumulators, self.spread, self._quiet)
        for accumulator, seen in zip(self.accumulators, chunked_inputs.seen, strict=True):
            for role, extremes in seen.items():
                accumulator.seen[role] = accumulator.seen.get(role, Extremes()) | extremes
        if chunked_inputs.device_copies:
            self._transfer_ms += chunked_inputs.device_copies.spent_ms

    def finish(self) -> Evaluation:
        """Return the result over all items; at least one window, possibly empty, has been added."""
        if self._window is None:
            raise ValueError("nothing was added")
        self._window.seen = [accumulator.seen for accumulator in self.accumulators]
        result = reduce_totals(self._window, self.accumulators, self.spread, self._quiet)
        result.transfer_ms = self._transfer_ms
        if self.options.standard_error and not self.objective.spreads_at_once:
            result.warnings.append(InputWarning("no-standard-error", f"{self._no_error.en}."))
        return result

    @property
    def _no_error(self) -> Text:
        """The sentence that there is no standard error, and what to do."""
        return Text(
            f"The standard error of {self.objective} takes a second pass, and a stream is not kept. {self.way_out.en}",
            f"{self.objective} 的标准误需要再遍历一次,而流不会保留。{self.way_out.zh}",
        )

    def _refuse_fixed(self, inputs: Mapping[str, Tensor]) -> None:
        """Refuse an input without an item axis: a stream carries columns with one entry an item."""
        for _, term in self.objective.terms:
            for role in term.loss.roles:
                if role in inputs and term.loss.pattern(role).item_axis is None:
                    raise BadOption(
                        role,
                        Text(
                            f"{role} has no entry an item, as a column has. Send it with a body of files.",
                            f"{role} 不像列那样每项一个值。请以文件形式的请求体发送。",
                        ),
                    )

    def _begin(self, chunked_inputs: ChunkedInputs) -> None:
        """Create the accumulators of the terms."""
        self.accumulators = [
            Accumulator(term, axes, {})
            for (_, term), axes in zip(self.objective.terms, chunked_inputs.axes, strict=True)
        ]
        refuse_reduction(self.accumulators, self._quiet)


def one_pass(objective: Objective, options: Options) -> bool:
    """Return whether one pass over the items gives everything that the options ask for."""
    asked_twice = options.gradient != "none" or options.reduction == "none"
    compared = any(term.kind == "batch" for _, term in objective.terms)
    return not asked_twice and not compared and (objective.spreads_at_once or not options.standard_error)


def _moved(edge: slice, by: int) -> slice:
    """Return a slice moved by a number of items."""
    return slice(edge.start + by, edge.stop + by)
