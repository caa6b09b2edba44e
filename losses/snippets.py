"""An objective as PyTorch code that runs as it stands and gives the same number, a loss as code of other libraries."""

import re
import textwrap
from collections import Counter

from losses.expression import Objective
from losses.spec import BoundLoss, Loss, show

IMPORTS = "import torch\nimport torch.nn.functional as F\n"
_JAX = {"jax": "import jax", "jnp": "import jax.numpy as jnp"}


def pytorch(objective: Objective) -> str:
    """Return a module that defines `loss`; its arguments are the inputs the objective cannot do without."""
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
    """Return a module that defines `loss` by a call of another library, under the parameters of its convention."""
    value = loss.elsewhere[library].format(**loss.bind({"convention": library}).params)
    jax = [line for name, line in _JAX.items() if re.search(rf"\b{name}\.", value)]
    imports = "\n".join([*jax, f"import {library}"])
    return f"{imports}\n\n\ndef loss({', '.join(loss.required)}):\n    return {value}\n"


def _function(name: str, term: BoundLoss) -> str:
    body = term.loss.pytorch
    text = body(term.params) if callable(body) else body.format(**term.params)
    return f"def {name}({', '.join(term.loss.required)}):\n{textwrap.indent(text.strip(), '    ')}\n"
