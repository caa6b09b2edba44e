"""Loss functions with declared contracts, and their evaluation: pure torch and pydantic, no HTTP, files or settings.

    >>> import torch
    >>> from losses import Options, Stream, catalogue, curve, evaluate, parse, probability_map, pytorch_code

An objective is text, the same that the service takes and recommends. Its inputs are tensors by role.

    >>> objective = parse("dice + 0.5*bce(pos_weight=3)")
    >>> objective.roles
    ('predictions', 'targets', 'class_weights')
    >>> logits, masks = torch.tensor([[[2.0, -1.0]], [[0.5, 1.5]]]), torch.tensor([[[1, 0]], [[0, 1]]])
    >>> inputs = {"predictions": logits, "targets": masks}
    >>> result = evaluate(objective, inputs, options=Options(gradient="full"))
    >>> round(result.value, 6), [round(term.value, 6) for term in result.terms]
    (0.539254, [0.255209, 0.568091])
    >>> result.gradients["predictions"].shape
    torch.Size([2, 1, 2])

Items that arrive a window at a time are evaluated in constant memory.

    >>> stream = Stream(parse("mse"), Options())
    >>> for window in torch.arange(6.0).split(2):
    ...     stream.add({"predictions": window, "targets": torch.zeros(2)})
    >>> stream.finish().value
    9.166666666666666

The catalogue has what each loss takes and elicits. An objective has a curve, PyTorch code that runs without this
package, and a map from outputs back to probabilities where its losses bend them.

    >>> catalogue()["quantile"].elicits
    'quantile'
    >>> curve(parse("huber"), points=3, span=2.0).value
    [1.5, 0.0, 1.5]
    >>> print(pytorch_code(parse("mae")))
    import torch
    import torch.nn.functional as F
    <BLANKLINE>
    <BLANKLINE>
    def loss(predictions, targets):
        return F.l1_loss(predictions, targets)
    <BLANKLINE>
    >>> probability_map(parse("bce(pos_weight=3)")).formula
    'p = v / (v + 3 (1-v)), v = sigmoid(z)'

The names below are the public ones, imported when they are first asked for: torch takes seconds, and a process that
needs `losses.errors` alone does without it. Each refusal is one of `losses.errors`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from losses.version import VERSION

if TYPE_CHECKING:
    from losses.contract.expression import Objective, parse, split_objectives
    from losses.contract.loss import BoundLoss, Loss
    from losses.contract.probability import ProbabilityMap
    from losses.contract.registry import catalogue
    from losses.description.curve import Curve, curve
    from losses.description.probability import probability_map
    from losses.description.snippets import pytorch_code
    from losses.errors import Refusal
    from losses.evaluation.evaluate import evaluate
    from losses.evaluation.passes import Options
    from losses.evaluation.result import Evaluation
    from losses.evaluation.stream import Stream

_MODULES = {
    "BoundLoss": "contract.loss",
    "Curve": "description.curve",
    "Evaluation": "evaluation.result",
    "Loss": "contract.loss",
    "Objective": "contract.expression",
    "Options": "evaluation.passes",
    "ProbabilityMap": "contract.probability",
    "Refusal": "errors",
    "Stream": "evaluation.stream",
    "catalogue": "contract.registry",
    "curve": "description.curve",
    "evaluate": "evaluation.evaluate",
    "parse": "contract.expression",
    "probability_map": "description.probability",
    "pytorch_code": "description.snippets",
    "split_objectives": "contract.expression",
}
__all__ = [
    "VERSION",
    "BoundLoss",
    "Curve",
    "Evaluation",
    "Loss",
    "Objective",
    "Options",
    "ProbabilityMap",
    "Refusal",
    "Stream",
    "catalogue",
    "curve",
    "evaluate",
    "parse",
    "probability_map",
    "pytorch_code",
    "split_objectives",
]


def __getattr__(name: str) -> object:
    """Import the module that defines a public name, and return the name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"losses.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted([*globals(), *_MODULES])
