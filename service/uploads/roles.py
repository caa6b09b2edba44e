"""The roles: the names under which arrays are sent."""

from collections.abc import Iterable
from functools import cache

from losses.contract import registry
from losses.errors import UnknownInput
from losses.near import near
from losses.text import Text

OPTIONAL = ("weights", "mask")
FEATURES = "features"  # as an array (n, p); a whole number of that name is the fact of the profile
MEASURED = ("embeddings", "labels", FEATURES)  # or predicted from, under names that no loss has
# The arguments of scikit-learn's metrics, torchmetrics, Keras and Hugging Face's evaluate, and what people call the two
# in a spreadsheet. No name stands under two roles.
SYNONYMS = {
    "predictions": (
        *("y_pred", "y_score", "y_prob", "y_proba", "y_hat", "yhat"),
        *("pred", "preds", "prediction", "predicted", "logits", "forecast"),
    ),
    "targets": (
        *("y_true", "y", "y_test", "target", "label", "label_ids", "references", "reference"),
        *("ground_truth", "actual", "actuals", "observed"),
    ),
    "weights": ("sample_weight", "sample_weights", "weight"),
}
MEANT = {synonym: role for role, synonyms in SYNONYMS.items() for synonym in synonyms}
# What tools call an array that nobody named, and how it is named or left out.
WAYS_OUT = {
    "__index_level_": Text(
        "pandas wrote its index; pyarrow.Table.from_pandas(frame, preserve_index=False) leaves it out.",
        "pandas 写出了索引;pyarrow.Table.from_pandas(frame, preserve_index=False) 会去掉它。",
    ),
    "arr_": Text(
        "numpy names arrays so that nobody names: numpy.savez(file, predictions=..., targets=...).",
        "numpy 这样命名未命名的数组:numpy.savez(file, predictions=..., targets=...)。",
    ),
}


@cache
def known_roles() -> tuple[str, ...]:
    """Return every role of every loss, then weights and mask, then the roles that no loss takes."""
    listed = [role for entry in registry.catalogue().values() for role in entry.roles]
    return tuple(dict.fromkeys([*listed, *OPTIONAL, *MEASURED]))


def is_fact(name: str, value: object) -> bool:
    """Return whether a member is a fact of the profile (the number of features) rather than the features themselves."""
    return name == FEATURES and isinstance(value, int | float)


def plain_name(name: str) -> str:
    """Return a name in lower case, with underscores."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def near_role(name: str, roles: Iterable[str]) -> str | None:
    """Return the one of `roles` that was most likely meant, or None where none is near."""
    offered = list(roles)
    synonym = MEANT.get(plain_name(name))
    return synonym if synonym in offered else near(name, offered)


def unknown_input(name: str, roles: Iterable[str]) -> UnknownInput:
    """Return the refusal of an unknown input, with the role that was probably meant."""
    offered = list(roles)
    way_out = next((text for beginning, text in WAYS_OUT.items() if name.startswith(beginning)), "")
    return UnknownInput(name, offered, near_role(name, offered), way_out)


def refuse_unknown(names: Iterable[str], roles: tuple[str, ...]) -> None:
    """Refuse an input that is none of `roles`.

    Raises: UnknownInput.
    """
    for name in names:
        if name not in roles:
            raise unknown_input(name, roles)
