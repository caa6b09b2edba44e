"""Suggest the known name that a misspelt one most likely means."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

LONGEST = 60  # characters; no name has as many
SHORTEST = 3  # letters, none of which may be another; a slip makes any shorter word of any other
LETTERS_A_SLIP = 5  # a word of so many letters may have one more slip


@lru_cache(1024)  # the names that there are, again and again
def word(name: str) -> str:
    """Return a name in lower case without spaces, underscores and hyphens."""
    return re.sub(r"[\s_-]", "", name).lower()


@lru_cache(1024)
def stem(name: str) -> str:
    """Return the name in lower case without separators and without a trailing "loss"."""
    return word(name).removesuffix("loss") or word(name)


def near(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that `name` most likely means, or None where none is close enough.

    A name is close if it is the same word in another spelling, its plural, or a few typing errors away: a letter too
    many, missing or wrong, or two adjacent letters swapped. One error is allowed in words of up to nine letters, and
    one more for every further five letters.
    """
    if len(name) > LONGEST:
        return None
    sent = stem(name)
    nearest, limit = None, max(1, len(sent) // LETTERS_A_SLIP)
    for known in names:
        if word(known) == word(name):
            return known
        slips = _slips(sent, stem(known), limit)
        if slips is not None:
            nearest, limit = known, slips - 1
    return nearest


def _slips(sent: str, known: str, limit: int) -> int | None:
    """Return the number of typing errors between two words; None for more than `limit`."""
    if sent == known and limit >= 0:
        return 0
    if limit < 1 or min(len(sent), len(known)) < SHORTEST:
        return None
    if _plurals(sent) & _plurals(known):
        return 1
    sent_letters, known_letters = _letters(sent), _letters(known)
    other_word = len(sent) == len(known) == SHORTEST and sent_letters != known_letters
    too_far = other_word or max((sent_letters - known_letters).total(), (known_letters - sent_letters).total()) > limit
    slips = limit + 1 if too_far else edit_distance(sent, known)
    return slips if slips <= limit else None


@lru_cache(1024)
def _letters(text: str) -> Counter[str]:
    """Return how often each letter occurs."""
    return Counter(text)


@lru_cache(1024)
def _plurals(text: str) -> frozenset[str]:
    """Return the word itself and the singulars of which it may be the plural."""
    endings = {"s": "", "es": "", "ies": "y"}
    singles = (
        text.removesuffix(plural) + singular
        for plural, singular in endings.items()
        if text.endswith(plural) and len(text) > SHORTEST + len(plural)
    )
    return frozenset([text, *singles])


def edit_distance(first: str, second: str) -> int:
    """Return the number of edits that turn one word into the other: insert, delete or replace a letter, or swap two.

    Source: Damerau 1964, doi:10.1145/363958.363994, in the restricted form (optimal string alignment): no letter is
    edited twice.
    """
    before: list[int] = []
    row = list(range(len(second) + 1))
    for place, letter in enumerate(first, 1):
        last, before, row = before, row, [place]
        for column, against in enumerate(second, 1):
            steps = min(before[column] + 1, row[-1] + 1, before[column - 1] + (letter != against))
            crossed = place > 1 and column > 1 and letter == second[column - 2] and first[place - 2] == against
            row.append(min(steps, last[column - 2] + 1) if crossed else steps)
    return row[-1]
