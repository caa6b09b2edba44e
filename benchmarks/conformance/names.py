"""Write the names of the losses of libraries to names.json, for the tests; exit 1 where one is unknown here."""

import importlib
import inspect
import json
import os
import re
import sys
from pathlib import Path

from benchmarks.conformance.rows import smp
from losses.contract.expression import parse
from losses.errors import UnknownLoss

HERE = Path(__file__).parent
SMP = "segmentation_models_pytorch.losses"  # which is loaded by itself, see rows/smp.py
# Where each library has them, and which of the names there are losses.
MODULES = {
    "torch.nn": r"\w+Loss$",
    "torch.nn.functional": r"(?!_)(\w+_loss(_with_logits)?|\w*cross_entropy\w*|kl_div)$",
    "keras.losses": r"(?!Loss$|deserialize|serialize|get$)\w+",
    "optax.losses": r"(?!_|smooth_labels|cosine_similarity$)\w+",
    "monai.losses": r"\w+Loss$|Dice$|MCCLoss",
    SMP: r"\w+Loss$",
    "kornia.losses": r"\w+(Loss(3D)?|_loss|_with_logits|WithLogits|_loss_[23]d)$|[Tt]otal_?[Vv]ariation$",
    "pytorch_metric_learning.losses": r"(?!Base|Generic|Multiple)\w+Loss$",
}


def of_module(name: str) -> list[str]:
    """Return the names of the losses of a module."""
    module = smp.losses if name == SMP else importlib.import_module(name)
    return sorted(
        each
        for each in dir(module)
        if re.match(MODULES[name], each)
        and callable(getattr(module, each))
        and not inspect.ismodule(getattr(module, each))
    )


def unknown(name: str) -> bool:
    """Return whether neither the catalogue nor our list of other losses has a loss of this name."""
    try:
        parse(name)
    except UnknownLoss as refusal:
        return not {"library", "candidates"} & refusal.facts.keys()
    return False


def main() -> int:
    """Write the names; print those that are unknown."""
    os.environ["KERAS_BACKEND"] = "torch"
    names = {module: of_module(module) for module in MODULES}
    (HERE / "names.json").write_text(json.dumps(names, indent=1) + "\n")
    missing = [f"{module}.{name}" for module, listed in names.items() for name in listed if unknown(f"{module}.{name}")]
    print("\n".join(missing) or f"All {sum(map(len, names.values()))} names of {len(names)} modules are known.")
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
