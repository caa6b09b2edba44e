"""Code of an objective that runs without this package and gives the same number: in PyTorch and in other libraries."""

import re
import textwrap
from collections import Counter
from collections.abc import Mapping
from functools import cache
from string import Formatter

from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss, Loss, Value, show
from losses.contract.probability import IMPORTS

FORM = {
    "from_logits",
    "clip",
}  # parameters of how predictions are passed: noted in a comment of the snippet instead of in the call
_JAX = {"jax": "import jax", "jnp": "import jax.numpy as jnp"}


def pytorch_code(objective: Objective) -> str:
    """Return a module in plain PyTorch that defines `loss`; its arguments are the required inputs of the objective."""
    arguments = ", ".join(dict.fromkeys(role for _, term in objective.terms for role in term.loss.required))
    if len(objective.terms) == 1 and objective.terms[0][0] == 1:
        return f"{IMPORTS}\n\n{_function('loss', objective.terms[0][1])}"
    functions, calls = [], []
    seen: Counter[str] = Counter()
    for coefficient, term in objective.terms:
        seen[term.loss.id] += 1
        name = term.loss.id if seen[term.loss.id] == 1 else f"{term.loss.id}_{seen[term.loss.id]}"
        functions.append(_function(name, term))
        factor = "" if coefficient == 1 else f"{show(coefficient)} * "
        calls.append(f"{factor}{name}({', '.join(term.loss.required)})")
    functions.append(f"def loss({arguments}):\n    return {' + '.join(calls)}\n")
    return "\n\n".join([IMPORTS, *functions])


def elsewhere(loss: Loss, library: str) -> str:
    """Return a module that defines `loss` by a call of another library, under the parameters of its convention.

    Raises: KeyError where the library has no such loss.
    """
    text = library_code(Objective(((1.0, convention(loss, library)),)), library)
    if text is None:
        raise KeyError(library)
    return text


def library_code(objective: Objective, library: str) -> str | None:
    """Return a module that defines `loss` by calls of another library; None where it lacks a term of the objective.

    Comments in the module say which inputs that library takes in another form.
    """
    calls = [_call(term, library) for _, term in objective.terms]
    available = [call for call in calls if call is not None]
    forms = {_takes_logits(term.loss, library) for _, term in objective.terms} - {None}
    if len(available) < len(calls) or len(forms) > 1:
        return None
    factors = ["" if coefficient == 1 else f"{show(coefficient)} * " for coefficient, _ in objective.terms]
    value = " + ".join(f"{factor}{call}" for factor, call in zip(factors, available, strict=True))
    jax = [line for name, line in _JAX.items() if re.search(rf"\b{name}\.", value)]
    imports = "\n".join([*jax, f"import {library}"])
    arguments = ", ".join(dict.fromkeys(role for _, term in objective.terms for role in term.loss.required))
    notes = dict.fromkeys(
        note for (_, term), call in zip(objective.terms, available, strict=True) for note in _notes(term, library, call)
    )
    body = "".join(f"    # {note}\n" for note in notes) + f"    return {value}\n"
    return f"{imports}\n\n\ndef loss({arguments}):\n{body}"


def combined_module(modules: Mapping[str, str]) -> str:
    """Return several modules as one, the `loss` of each renamed to its key in `modules`."""
    imports: dict[str, None] = {}
    bodies = []
    for name, text in modules.items():
        lines = text.splitlines(keepends=True)
        imports |= dict.fromkeys(line for line in lines if line.startswith("import "))
        body = "".join(line for line in lines if not line.startswith("import ")).strip("\n")
        bodies.append(body.replace("def loss(", f"def {name}("))
    return "\n\n".join(["".join(imports), *(f"{body}\n" for body in bodies)])


def convention(loss: Loss, library: str, stands_for: Mapping[str, Value] | None = None) -> BoundLoss:
    """Return the loss with the parameters that a library's call implies: its convention, or our defaults."""
    return _convention(loss, library, tuple((stands_for or {}).items()))


@cache  # of the calls of the catalogue
def _convention(loss: Loss, library: str, stands_for: tuple[tuple[str, Value], ...]) -> BoundLoss:
    """Return the same, cached by hashable arguments."""
    named: dict[str, Value] = {"convention": library} if library in loss.conventions else {}
    return loss.bind({**named, **dict(stands_for)})


def _call(term: BoundLoss, library: str) -> str | None:
    """Return the first call of a library that can express the parameters of the term; None where none can."""
    for call in term.loss.elsewhere.get(library, ()):
        usual = convention(term.loss, library, call.stands_for).params
        changed = {name for name, value in term.params.items() if value != usual[name]} - FORM
        if changed <= {name for _, name, _, _ in Formatter().parse(call.text)}:
            return call.text.format(**term.params)
    return None


def _takes_logits(loss: Loss, library: str) -> bool | None:
    """Return whether a library's call takes logits; None where the loss has no such choice."""
    takes = convention(loss, library).params.get("from_logits")
    return takes if isinstance(takes, bool) else None


def _notes(term: BoundLoss, library: str, call: str) -> list[str]:
    """Return comments on inputs that the call takes in another form."""
    notes = []
    takes = _takes_logits(term.loss, library)
    if takes is False:
        notes.append("predictions are probabilities here, after the sigmoid or softmax")
    elif takes is True and term.params["from_logits"] is False:
        notes.append("predictions are logits here")
    names = term.loss.pattern(term.loss.required[0]).names
    if "C" in names and "*s" in names and "axis" not in call:
        notes.append("with more than two axes, classes come last here")
    return notes


def _function(name: str, term: BoundLoss) -> str:
    """Return the source of a PyTorch function that computes one term."""
    body = term.loss.pytorch
    text = body(term.params) if callable(body) else body.format(**term.params)
    return f"def {name}({', '.join(term.loss.required)}):\n{textwrap.indent(text.strip(), '    ')}\n"
