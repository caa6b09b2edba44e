"""Which language reasons are given in."""

from typing import Annotated

from fastapi import Depends, Header

from losses.text import Language


async def spoken(accept_language: Annotated[str, Header(max_length=200)] = "en") -> Language:
    """Return Chinese where it comes first in Accept-Language, else English."""
    return "zh" if accept_language.strip().lower().startswith("zh") else "en"


Spoken = Annotated[Language, Depends(spoken)]
