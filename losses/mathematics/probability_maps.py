"""Maps from the output of a model back to the probability, for losses that are not minimised by the probability itself.

With p the true probabilities and v the outputs, each map solves the condition for a minimum of the expected loss for p.
One function a loss, which names it in its column `probability`; the code it prints is the code that runs.
"""

import math
import textwrap
from collections.abc import Mapping

from losses.contract.loss import Value, show
from losses.contract.probability import IMPORTS, ProbabilityMap

_PHI = "phi(v) = (1-v)^g - g (1-v)^(g-1) v ln v, g = "
_WEIGHED = "log_v = log_v - class_weights.log().reshape(-1, *[1] * (predictions.ndim - 2))"
_FREQUENT = "along = (-1, *[1] * (predictions.ndim - 2))  # classes are axis 1"

Params = Mapping[str, Value]


def _mapped(formula: str, body: str, *others: str) -> ProbabilityMap:
    """Return a probability map from its formula, the body of its function, and its arguments besides `predictions`."""
    inputs = ", ".join(("predictions", *others))
    return ProbabilityMap(formula, f"{IMPORTS}\n\ndef probability({inputs}):\n{textwrap.indent(body, '    ')}\n")


def _number(params: Params, name: str) -> float:
    """Return a parameter as a float, 0 for None."""
    return float(params[name] or 0)


def _plus(number: float) -> str:
    """Return " + x" or " - x" for a printed sum, an empty string for 0."""
    return f" {'-' if number < 0 else '+'} {abs(number)!r}" if number else ""


def _logit(params: Params) -> str:
    """Return the code of the logit of the predictions."""
    return "predictions" if params["from_logits"] else "predictions.logit()"


def _scores(params: Params) -> str:
    """Return the code of the logits, or log-probabilities, of the classes."""
    return "predictions" if params["from_logits"] else "predictions.log()"


def focal_to_probability(params: Params) -> ProbabilityMap | None:
    """Return the map for the focal loss; None where its output is the probability, or a class has weight 0."""
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
        return _mapped(formula, f"return ({_logit(params)}{shift}).sigmoid()")
    body = f"""\
z = {_logit(params)}
v, rest = z.sigmoid(), (-z).sigmoid()
one = v - {show(gamma)} * rest * F.logsigmoid(-z)  # phi(1 - v) / v**(gamma - 1)
zero = rest - {show(gamma)} * v * F.logsigmoid(z)  # phi(v) / (1 - v)**(gamma - 1)
return ({show(gamma)} * z + one.log() - zero.log(){shift}).sigmoid()"""
    return _mapped(formula, body)


def focal_softmax_to_probability(params: Params) -> ProbabilityMap | None:
    """Return the map for the multiclass focal loss; None where gamma is 0."""
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
    return _mapped(formula, body, "class_weights=None")


def bce_to_probability(params: Params) -> ProbabilityMap | None:
    """Return the map for binary cross-entropy with pos_weight or label smoothing; None without either."""
    weight, smoothing = _number(params, "pos_weight"), _number(params, "label_smoothing")
    if weight == 1 and smoothing == 0:
        return None
    formula = "v = sigmoid(z)" if weight == 1 else f"v / (v + {show(weight)} (1-v)), v = sigmoid(z)"
    start = _logit(params) if weight == 1 else f"({_logit(params)}{_plus(-math.log(weight))})"
    if smoothing == 0:
        return _mapped(f"p = {formula}", f"return {start}.sigmoid()")
    lowest, slope = show(smoothing / 2), show(1 - smoothing)
    body = f"return (({start}.sigmoid() - {lowest}) / {slope}).clamp(0, 1)"
    bent = "v" if weight == 1 else "q"
    text = formula if weight == 1 else f"q = {formula}"
    return _mapped(f"p = ({bent} - {lowest}) / {slope}, within 0 and 1, {text}", body)


def smoothed_ce_to_probability(params: Params) -> ProbabilityMap | None:
    """Return the map for cross-entropy with label smoothing; None without it."""
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
    return _mapped(formula, body, "class_weights=None")


def class_balanced_to_probability(params: Params) -> ProbabilityMap | None:
    """Return the map for class-balanced cross-entropy; None where beta is 0."""
    beta = _number(params, "beta")
    if beta == 0:
        return None
    formula = f"p_k = u_k / sum_j u_j, u_k = v_k (1 - {show(beta)}^n_k), v = softmax(z), n_k the class counts"
    body = f"""\
{_FREQUENT}
seen = -torch.expm1(class_counts.double() * {math.log(beta)!r})  # the logarithm of beta
return ({_scores(params)} + seen.log().to(predictions.dtype).reshape(along)).softmax(1)"""
    return _mapped(formula, body, "class_counts")


def logit_adjusted_to_probability(params: Params) -> ProbabilityMap | None:
    """Return the map for logit-adjusted cross-entropy; None where tau is 0."""
    tau = _number(params, "tau")
    if tau == 0:
        return None
    body = f"""\
{_FREQUENT}
return ({_scores(params)} + {show(tau)} * priors.log().reshape(along)).softmax(1)"""
    return _mapped(f"p = softmax(z + {show(tau)} ln prior)", body, "priors")


def bce_logit_adjusted_to_probability(params: Params) -> ProbabilityMap | None:
    """Return the map for logit-adjusted binary cross-entropy; None where the adjustment is 0."""
    tau, prior = _number(params, "tau"), _number(params, "prior")
    shift = tau * (math.log(prior) - math.log1p(-prior))
    if shift == 0:
        return None
    formula = f"p = sigmoid(z + {show(tau)} ln({show(prior)} / (1 - {show(prior)})))"
    return _mapped(formula, f"return ({_logit(params)}{_plus(shift)}).sigmoid()")


def generalized_ce_to_probability(params: Params) -> ProbabilityMap | None:
    """Return the map for generalised cross-entropy; None where q is 1."""
    q = _number(params, "q")
    if q == 1:  # mean absolute error: its minimum is one class, whatever the probabilities
        return None
    formula = f"p_k = u_k / sum_j u_j, u_k = v_k^(1-{show(q)}), v = softmax(z)"
    return _mapped(formula, f"return ({show(1 - q)} * {_scores(params)}.log_softmax(1)).softmax(1)")


def corn_to_probability(params: Params) -> ProbabilityMap:
    """Return the map from CORN's K threshold outputs to the probabilities of K + 1 ranks: (n, K) -> (n, K + 1)."""
    probabilities = "predictions.sigmoid()" if params["from_logits"] else "predictions"
    body = f"""\
beyond = {probabilities}.cumprod(1)
one, none = torch.ones_like(beyond[:, :1]), torch.zeros_like(beyond[:, :1])
return torch.cat([one, beyond], 1) - torch.cat([beyond, none], 1)"""
    return _mapped("p_k = (1 - v_k) prod_(j < k) v_j, v = sigmoid(z), v_K = 0", body)
