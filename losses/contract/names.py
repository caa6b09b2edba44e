"""Find a loss by any of its names: its id, its aliases, other spellings of both, and the names in other libraries.

`torch.nn.MSELoss` is mse under torch's convention; `MSE`, `mse_loss` and `mse()` are mse. An alias may belong to one
library only, such as `monai.ContrastiveLoss`, where the same name means another loss in another library.
"""

from collections.abc import Callable
from functools import cache

from losses.contract.elsewhere import ELSEWHERE, Elsewhere
from losses.contract.loss import Loss, Value
from losses.contract.registry import LOSS_OF_METRIC, names
from losses.errors import UnknownLoss
from losses.near import near, stem, word
from losses.text import Text, listed

Named = tuple[Loss, dict[str, Value]]
Spelling = Callable[[str], str]
# The library that the first part of a dotted name stands for.
LIBRARIES = {
    **dict.fromkeys(("torch", "nn", "functional", "F"), "torch"),
    **dict.fromkeys(("keras", "tf", "tensorflow"), "keras"),
    **dict.fromkeys(("smp", "segmentation_models_pytorch"), "smp"),
    **dict.fromkeys(("pml", "pytorch_metric_learning"), "pml"),
    **{name: name for name in ("kornia", "monai", "optax", "sklearn", "torchvision")},
}


def find(name: str) -> Named:
    """Return the loss that a name stands for, and the parameters that the name implies.

    Raises: UnknownLoss, with the nearest name, or with the equivalent of another library's loss of that name.
    """
    dotted, last = name.removesuffix("()").rpartition(".")[::2]
    library = LIBRARIES.get(dotted.partition(".")[0], "")
    named = _exact(last, library)
    if named is None:
        named = None if _elsewhere(last, library, str, word) else _spelt(last, library)
    if named is None:
        raise _unknown(last, library)
    loss, implied = named
    return loss, {"convention": library, **implied} if library in loss.conventions else implied


def plain_names() -> list[str]:
    """Return the names that have no library prefix."""
    return [name for name in names() if "." not in name]


def _exact(name: str, library: str) -> Named | None:
    """Return the loss of exactly this name, in the library or in the catalogue; None where there is none."""
    return names().get(f"{library}.{name}") or names().get(name)


def _spelt(name: str, library: str) -> Named | None:
    """Return the loss of which the name is another spelling; None where there is none, or several different ones."""
    for spelling in (word, stem):
        alike = _by_spelling(spelling).get(spelling(name), [])
        of_library = [names()[each] for each in alike if each.startswith(f"{library}.")]
        every = of_library or [names()[each] for each in alike]
        if every and all(each == every[0] for each in every):
            return every[0]
    return None


@cache
def _by_spelling(spelling: Spelling) -> dict[str, list[str]]:
    """Return the known names by their normalised spelling."""
    alike: dict[str, list[str]] = {}
    for name in names():
        alike.setdefault(spelling(name.rpartition(".")[2]), []).append(name)
    return alike


def _unknown(name: str, library: str) -> UnknownLoss:
    """Return the refusal of an unknown name, with the best advice that is known.

    That is the loss that trains for a metric, the equivalent of another library's loss, or the nearest name.
    """
    metric = next((each for each in (word(name), word(name).removesuffix("score")) if each in LOSS_OF_METRIC), None)
    if metric:
        trains = LOSS_OF_METRIC[metric]
        subject = Text(
            f"That is a metric, by which a model is judged; what trains one for it is {trains.en}.",
            f"那是评价模型的指标;为它训练模型应使用 {trains.zh}。",
        )
        return UnknownLoss(None, subject)
    other_loss = _elsewhere(name, library, str, word, stem)
    if other_loss:
        entry, their_name = other_loss
        suggestion = entry.instead[0] if len(entry.instead) == 1 else None
        several = [*entry.instead] if len(entry.instead) > 1 else None
        return UnknownLoss(suggestion, entry.sentence(their_name), library=entry.library or None, candidates=several)
    suggestion = near(name, plain_names())
    alike = [each for each in _by_spelling(stem).get(stem(name), []) if "." in each]
    if not alike:
        return UnknownLoss(suggestion)
    ours = (
        Text(f", or {suggestion}, the catalogue's own", f",或目录自己的 {suggestion}") if suggestion else Text("", "")
    )
    theirs = listed(alike)
    subject = Text(
        f"Libraries mean different losses by that name. Write one of {theirs.en}{ours.en}.",
        f"各库用这个名称指不同的损失。请写 {theirs.zh} 之一{ours.zh}。",
    )
    return UnknownLoss(suggestion or alike[0], subject, candidates=alike)


def _elsewhere(name: str, library: str, *spellings: Spelling) -> tuple[Elsewhere, str] | None:
    """Return the entry of another library's loss that the catalogue lacks, and its name there.

    None where there is none.
    """
    of_library = [each for each in ELSEWHERE if library in ("", each.library)] or ELSEWHERE
    for spelling in spellings:
        for each in of_library:
            for theirs in each.names:
                if spelling(theirs) == spelling(name):
                    return each, theirs
    return None
