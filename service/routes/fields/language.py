"""The language of texts in an answer."""

from typing import Annotated

from fastapi import Depends, Header, Response

from losses.text import Language
from service.request_record import preferred_language


async def spoken(response: Response, accept_language: Annotated[str, Header(max_length=200)] = "en") -> Language:
    """Return Chinese where it comes first in Accept-Language, else English; sets the header Vary."""
    response.headers["Vary"] = "Accept-Language"
    return preferred_language(accept_language)


Spoken = Annotated[Language, Depends(spoken)]
