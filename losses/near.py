"""Which name was meant: spellings that are the same word, and slips of a finger."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

LONGEST = 60  # characters; no name has as many
SHORTEST = 3  # letters, none of which may be another; a slip makes any shorter word of any other
LETTERS_A_SLIP = 5  # a word of so many letters may have one more slip


@lru_cache(1024)  # the names that there are, again and again
def word(name: str) -> str:
    """Return a name without what spellings differ in: case, spaces, underscores and hyphens."""
    return re.sub(r"[\s_-]", "", name).lower()


@lru_cache(1024)
def stem(name: str) -> str:
    """Return the word without the ending that every loss may have."""
    return word(name).removesuffix("loss") or word(name)


def near(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that was most likely meant, or None where none is near.

    Near is the same word in another spelling, its plural, or a word that few slips make of it: a letter too many, too
    few or wrong, or two that changed places. One slip is allowed in up to nine letters, and one more in every five.
    """
    if len(name) > LONGEST:
        return None
    sent = stem(name)
    nearest, most = None, max(1, len(sent) // LETTERS_A_SLIP)
    for known in names:
        if word(known) == word(name):
            return known
        slips = _slips(sent, stem(known), most)
        if slips is not None:
            nearest, most = known, slips - 1
    return nearest


def _slips(sent: str, known: str, most: int) -> int | None:
    """Return how many slips lie between two words; None for more than `most`."""
    if sent == known and most >= 0:
        return 0
    if most < 1 or min(len(sent), len(known)) < SHORTEST:
        return None
    if _plurals(sent) & _plurals(known):
        return 1
    there, here = _letters(sent), _letters(known)
    other_word = len(sent) == len(known) == SHORTEST and there != here
    too_far = other_word or max((there - here).total(), (here - there).total()) > most
    slips = most + 1 if too_far else edit_distance(sent, known)
    return slips if slips <= most else None


@lru_cache(1024)
def _letters(text: str) -> Counter[str]:
    return Counter(text)


@lru_cache(1024)
def _plurals(text: str) -> frozenset[str]:
    """Return the word, and what it may be the plural of."""
    endings = {"s": "", "es": "", "ies": "y"}
    singles = (
        text.removesuffix(many) + one
        for many, one in endings.items()
        if text.endswith(many) and len(text) > SHORTEST + len(many)
    )
    return frozenset([text, *singles])


def edit_distance(some: str, other: str) -> int:
    """Return how many letters were added, left out or changed, or changed places with the next, in turn.

    Source: Damerau 1964, doi:10.1145/363958.363994; restricted, so that no letter is touched twice.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(some, 1):
        last, before, row = before, row, [place]
        for column, against in enumerate(other, 1):
            steps = min(before[column] + 1, row[-1] + 1, before[column - 1] + (letter != against))
            crossed = place > 1 and column > 1 and letter == other[column - 2] and some[place - 2] == against
            row.append(min(steps, last[column - 2] + 1) if crossed else steps)
    return row[-1]
