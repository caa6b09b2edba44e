"""Evaluate an objective: from chunks to totals, from totals to the value, its standard error and its gradient.

The first pass maps every chunk to sums and adds them to totals. `finish` turns the totals into the value; its
derivative there is the cotangent that the second pass propagates back through each chunk. The second pass is run only
where a gradient, or the standard error of a quotient, is asked for.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from losses.contract.expression import Objective
from losses.errors import DomainViolation, NonFiniteInput, ShapeMismatch
from losses.evaluation.chunks import ChunkedInputs
from losses.evaluation.class_axis import classes_on_axis_1, factors_on_axis_1, in_the_axes_sent, moved_back
from losses.evaluation.moments import Moments
from losses.evaluation.passes import Options, first_pass, reduce_totals, refuse_reduction, values_per_item
from losses.evaluation.result import Evaluation
from losses.evaluation.totals import Accumulator


def evaluate(
    objective: Objective,
    inputs: Mapping[str, Tensor],
    *,
    weights: Tensor | None = None,
    mask: Tensor | None = None,
    options: Options | None = None,
) -> Evaluation:
    """Return the value of an objective on inputs, with what the options ask for.

    Args:
        objective: The weighted sum of losses.
        inputs: The tensors by role.
        weights: A weight of at least 0 for each item or element; its axes are the first of theirs.
        mask: True or 1 for the items or elements that count; its axes are the first of theirs.
        options: How to reduce, and what to return besides the value.

    Raises: MissingInput, ShapeMismatch, UnsupportedDtype, DomainViolation, NonFiniteInput, BadOption, TooMuchAtOnce.
    """
    options = options or Options()
    axis = options.class_axis
    sent = {role: _plain(tensor) for role, tensor in inputs.items() if role in objective.roles}
    weights = None if weights is None else factors_on_axis_1(_plain(weights), sent, axis)
    mask = None if mask is None else factors_on_axis_1(_plain(mask), sent, axis)
    try:
        result = _evaluate(objective, classes_on_axis_1(objective, sent, axis), weights, mask, options)
    except (ShapeMismatch, DomainViolation, NonFiniteInput) as refusal:
        raise in_the_axes_sent(refusal, objective, sent, axis) from None
    if result.gradients:
        result.gradients = moved_back(objective, result.gradients, axis)
    return result


def _evaluate(
    objective: Objective, inputs: Mapping[str, Tensor], weights: Tensor | None, mask: Tensor | None, options: Options
) -> Evaluation:
    """Return the result for inputs whose classes are on axis 1."""
    chunked_inputs = ChunkedInputs(
        objective,
        inputs,
        weights,
        mask,
        dtype=options.dtype,
        device=options.device,
        chunk_elements=options.chunk_elements,
        nonfinite=options.nonfinite,
        max_block_bytes=options.max_block_bytes,
        graph=options.gradient != "none",
        weights_scale_out=options.reduction == "mean",
    )
    return evaluate_chunks(chunked_inputs, options)


def evaluate_chunks(chunked_inputs: ChunkedInputs, options: Options) -> Evaluation:
    """Return the result of an objective on chunked inputs that were made with the same options.

    Raises: NonFiniteInput, DomainViolation, BadOption.
    """
    objective = chunked_inputs.objective
    accumulators = [
        Accumulator(term, axes, seen)
        for (_, term), axes, seen in zip(objective.terms, chunked_inputs.axes, chunked_inputs.seen, strict=True)
    ]
    refuse_reduction(accumulators, options)
    spread = Moments() if options.standard_error and objective.spreads_at_once else None
    first_pass(chunked_inputs, accumulators, spread, options)
    per_item = options.reduction == "none"
    result = (
        values_per_item(chunked_inputs, accumulators)
        if per_item
        else reduce_totals(chunked_inputs, accumulators, spread, options)
    )
    if chunked_inputs.device_copies:
        result.transfer_ms = chunked_inputs.device_copies.spent_ms
    return result


def _plain(tensor: Tensor) -> Tensor:
    """Return a tensor that autograd accepts: a copy where it was made in inference mode."""
    if not tensor.is_inference():
        return tensor
    with torch.inference_mode(mode=False):
        return tensor.clone()
