"""The names under which arrays are sent."""

from functools import cache

from losses.contract import registry

OPTIONAL = ("weights", "mask")
MEASURED = ("embeddings", "labels")  # by POST /v1/profile, under names that no loss has


@cache
def known_roles() -> tuple[str, ...]:
    """Return every role of every loss, then the weights and the mask, then what is measured alone."""
    listed = [role for entry in registry.catalogue().values() for role in entry.roles]
    return tuple(dict.fromkeys([*listed, *OPTIONAL, *MEASURED]))
