"""Maps from the output of a model back to the probability, for losses that are not minimised by the probability itself.

With p the true probabilities and v the outputs, each map solves the condition for a minimum of the expected loss for p.
One function a loss, registered by its decorator; the code it prints is the code that `function` runs.
"""

import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss, Value, show
from losses.description.snippets import IMPORTS
from losses.text import Text

EXACT_WHERE = Text(
    en="Where the loss is minimised this is the probability itself; elsewhere it is as far off as the output is.",
    zh="在损失取最小值处,所得即为概率本身;在其他位置,其偏差与输出的偏差相当。",
)
_PHI = "phi(v) = (1-v)^g - g (1-v)^(g-1) v ln v, g = "
_WEIGHED = "log_v = log_v - class_weights.log().reshape(-1, *[1] * (predictions.ndim - 2))"
_FREQUENT = "along = (-1, *[1] * (predictions.ndim - 2))  # classes are axis 1"

Params = Mapping[str, Value]


@dataclass(frozen=True)
class ProbabilityMap:
    """A map from outputs to probabilities.

    `code` defines `probability`; its arguments are what the loss takes beside the targets: `predictions` as the loss
    takes them, (n, C, *s) where classes exclude one another, and arrays of one number a class.
    """

    formula: str
    code: str

    def function(self) -> Callable[..., Tensor]:
        """Return `probability` as a function, made of the printed code."""
        room: dict[str, Any] = {}
        exec(self.code, room)  # noqa: S102 - text of this module; all that a request puts into it are checked numbers
        probability: Callable[..., Tensor] = room["probability"]
        return probability


Derive = Callable[[Params], ProbabilityMap | None]
_maps: dict[str, Derive] = {}


def maps_outputs_of(*ids: str) -> Callable[[Derive], Derive]:
    """Register a map under loss ids; it returns None where none is needed or the probability cannot be recovered."""

    def register(derive: Derive) -> Derive:
        for loss in ids:
            _maps[loss] = derive
        return derive

    return register


def probability_map_of_term(term: BoundLoss) -> ProbabilityMap | None:
    """Return the map of a loss under its parameters; None where there is none, or none is needed."""
    derive = _maps.get(term.loss.id)
    return derive(term.params) if derive else None


def probability_map(objective: Objective) -> ProbabilityMap | None:
    """Return the map of an objective of one term; the minimum of a sum has no closed form."""
    return probability_map_of_term(objective.terms[0][1]) if len(objective.terms) == 1 else None


def tells_probability(objective: Objective) -> bool:
    """Whether the output is a probability or can be mapped to one; a sum, only where no term needs a map."""
    terms = [term for _, term in objective.terms]
    if len(terms) == 1 and terms[0].loss.id in _maps:
        return True
    return all(term.loss.elicits == "probability" and probability_map_of_term(term) is None for term in terms)


def _repair(formula: str, body: str, *more: str) -> ProbabilityMap:
    inputs = ", ".join(("predictions", *more))
    return ProbabilityMap(formula, f"{IMPORTS}\n\ndef probability({inputs}):\n{textwrap.indent(body, '    ')}\n")


def _number(params: Params, name: str) -> float:
    return float(params[name] or 0)


def _plus(number: float) -> str:
    """Return a number as the end of a printed sum; nothing for 0."""
    return f" {'-' if number < 0 else '+'} {abs(number)!r}" if number else ""


def _logit(params: Params) -> str:
    return "predictions" if params["from_logits"] else "predictions.logit()"


def _scores(params: Params) -> str:
    return "predictions" if params["from_logits"] else "predictions.log()"


@maps_outputs_of("focal")
def _focal(params: Params) -> ProbabilityMap | None:
    gamma, alpha = _number(params, "gamma"), params["alpha"]
    positive = 0.5 if alpha is None else float(alpha)
    if not 0 < positive < 1 or (gamma == 0 and positive == 1 / 2):
        return None
    weights = ("", "") if alpha is None else (f"{show(positive)} ", f"(1-{show(positive)}) ")
    formula = (
        f"p = a / (a + b), a = v / ({weights[0]}phi(v)), b = (1-v) / ({weights[1]}phi(1-v)), "
        f"v = sigmoid(z), {_PHI}{show(gamma)}"
    )
    shift = _plus(math.log1p(-positive) - math.log(positive))
    if gamma == 0:
        return _repair(formula, f"return ({_logit(params)}{shift}).sigmoid()")
    body = f"""\
z = {_logit(params)}
v, rest = z.sigmoid(), (-z).sigmoid()
one = v - {show(gamma)} * rest * F.logsigmoid(-z)  # phi(1 - v) / v**(gamma - 1)
zero = rest - {show(gamma)} * v * F.logsigmoid(z)  # phi(v) / (1 - v)**(gamma - 1)
return ({show(gamma)} * z + one.log() - zero.log(){shift}).sigmoid()"""
    return _repair(formula, body)


@maps_outputs_of("focal_softmax")
def _focal_softmax(params: Params) -> ProbabilityMap | None:
    gamma = _number(params, "gamma")
    if gamma == 0:
        return None
    formula = (
        f"p_k = u_k / sum_j u_j, u_k = v_k / (w_k phi(v_k)), v = softmax(z), w_k the class weight or 1, "
        f"{_PHI}{show(gamma)}"
    )
    body = f"""\
log_v = {_scores(params)}.log_softmax(1)
ends = torch.finfo(log_v.dtype)
log_v = log_v.clamp(ends.min, -ends.tiny)
rest = -log_v.expm1()
log_phi = {show(gamma - 1)} * rest.log() + (rest - {show(gamma)} * log_v.exp() * log_v).log()
log_v = log_v - log_phi
if class_weights is not None:
    {_WEIGHED}
return log_v.softmax(1)"""
    return _repair(formula, body, "class_weights=None")


@maps_outputs_of("bce")
def _bce(params: Params) -> ProbabilityMap | None:
    weight, smoothing = _number(params, "pos_weight"), _number(params, "label_smoothing")
    if weight == 1 and smoothing == 0:
        return None
    formula = "v = sigmoid(z)" if weight == 1 else f"v / (v + {show(weight)} (1-v)), v = sigmoid(z)"
    start = _logit(params) if weight == 1 else f"({_logit(params)}{_plus(-math.log(weight))})"
    if smoothing == 0:
        return _repair(f"p = {formula}", f"return {start}.sigmoid()")
    lowest, slope = show(smoothing / 2), show(1 - smoothing)
    body = f"return (({start}.sigmoid() - {lowest}) / {slope}).clamp(0, 1)"
    bent = "v" if weight == 1 else "q"
    told = formula if weight == 1 else f"q = {formula}"
    return _repair(f"p = ({bent} - {lowest}) / {slope}, within 0 and 1, {told}", body)


@maps_outputs_of("categorical_ce", "sparse_categorical_ce")
def _smoothed(params: Params) -> ProbabilityMap | None:
    smoothing = _number(params, "label_smoothing")
    if smoothing == 0:
        return None
    formula = (
        f"p_k = u_k / sum_j u_j, u_k = max(0, q_k - {show(smoothing)} / C), q = v of C classes, v = softmax(z); "
        "with class weights q_k in proportion to v_k / w_k"
    )
    body = f"""\
log_v = {_scores(params)}.log_softmax(1)
if class_weights is not None:
    {_WEIGHED}
p = (log_v.softmax(1) - {show(smoothing)} / predictions.shape[1]).clamp(min=0)
return p / p.sum(1, keepdim=True)"""
    return _repair(formula, body, "class_weights=None")


@maps_outputs_of("class_balanced")
def _class_balanced(params: Params) -> ProbabilityMap | None:
    beta = _number(params, "beta")
    if beta == 0:
        return None
    formula = f"p_k = u_k / sum_j u_j, u_k = v_k (1 - {show(beta)}^n_k), v = softmax(z), n_k the class counts"
    body = f"""\
{_FREQUENT}
seen = -torch.expm1(class_counts.double() * {math.log(beta)!r})  # the logarithm of beta
return ({_scores(params)} + seen.log().to(predictions.dtype).reshape(along)).softmax(1)"""
    return _repair(formula, body, "class_counts")


@maps_outputs_of("logit_adjusted")
def _logit_adjusted(params: Params) -> ProbabilityMap | None:
    tau = _number(params, "tau")
    if tau == 0:
        return None
    body = f"""\
{_FREQUENT}
return ({_scores(params)} + {show(tau)} * priors.log().reshape(along)).softmax(1)"""
    return _repair(f"p = softmax(z + {show(tau)} ln prior)", body, "priors")


@maps_outputs_of("bce_logit_adjusted")
def _bce_logit_adjusted(params: Params) -> ProbabilityMap | None:
    tau, prior = _number(params, "tau"), _number(params, "prior")
    shift = tau * (math.log(prior) - math.log1p(-prior))
    if shift == 0:
        return None
    formula = f"p = sigmoid(z + {show(tau)} ln({show(prior)} / (1 - {show(prior)})))"
    return _repair(formula, f"return ({_logit(params)}{_plus(shift)}).sigmoid()")


@maps_outputs_of("generalized_ce")
def _generalized_ce(params: Params) -> ProbabilityMap | None:
    q = _number(params, "q")
    if q == 1:  # mean absolute error: its minimum is one class, whatever the probabilities
        return None
    formula = f"p_k = u_k / sum_j u_j, u_k = v_k^(1-{show(q)}), v = softmax(z)"
    return _repair(formula, f"return ({show(1 - q)} * {_scores(params)}.log_softmax(1)).softmax(1)")
