"""Which requests are sent again, and after how long."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

AGAIN = (429, 502, 503, 504)
FIRST_S, LONGEST_S = 0.2, 30.0


def wait_of(response: httpx.Response | None, attempt: int) -> float:
    """Return the seconds until the next attempt: Retry-After, or exponential backoff with jitter."""
    header = response.headers.get("retry-after") if response is not None else None
    if header is not None:
        if header.isdigit():
            return min(float(header), LONGEST_S)
        try:
            return min(max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()), LONGEST_S)
        except (TypeError, ValueError):
            pass
    longest: float = min(LONGEST_S, FIRST_S * 2.0**attempt)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - so that clients do not come together
