"""Parses Accept and Accept-Encoding: weighted lists of what a client prefers (RFC 9110, 12.4.2)."""

from collections.abc import Iterable, Iterator


def weighted(header: str) -> Iterator[tuple[str, float]]:
    """Yield the entries of a list in lower case with their weights, 1 where none is stated.

    Invalid weights are skipped.
    """
    for entry in header.split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        stated = next((part[2:].strip() for part in parameters if part.startswith("q=")), "1")
        if name and stated.replace(".", "", 1).isdecimal() and float(stated) <= 1:
            yield name, float(stated)


def preferred(accept: str, offered: Iterable[str]) -> str | None:
    """Return the offered media type that an Accept header prefers; None where it accepts none.

    The most precise range that fits a type gives its weight (RFC 9110, 12.5.1). Of equal weights the one that was asked
    for by name comes first, then the one that was asked for earlier.
    """
    ranges = list(weighted(accept))
    judged = [(_judged(media, ranges), media) for media in offered]
    best = max((judgement for judgement, _ in judged), default=None)
    if best is None or not best[0]:
        return None
    return next(media for judgement, media in judged if judgement == best)


def _judged(media: str, ranges: list[tuple[str, float]]) -> tuple[float, int, int]:
    """Return the rank of a media type: its weight, how specific its range is, and its position; larger is better."""
    family = media.partition("/")[0]
    for precision, wanted in ((2, media), (1, f"{family}/*"), (0, "*/*")):
        for place, (name, weight) in enumerate(ranges):
            if name == wanted:
                return weight, precision, -place
    return 0.0, 0, 0
