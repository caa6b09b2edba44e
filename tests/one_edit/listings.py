"""Everything that the service and the pages list, and what it answers: run in a copy of the repository."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import httpx
from starlette.types import Receive, Scope, Send

from docs.blocks import losses, monitoring, pictures, rules, wire
from losses.contract.registry import catalogue
from monitoring import dashboard
from service.app import create_app
from service.settings import Settings

LISTS = ("/openapi.json", "/v1/losses", "/v1/rules", "/v1/limits", "/metrics")


def run(requests: list[dict[str, Any]], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what each request is answered, and every text in which something new may stand, by where it stands."""
    os.environ.update(environment)
    answers = asyncio.run(_answers(requests))
    lists = asyncio.run(_answers([{"method": "GET", "url": url} for url in LISTS]))
    texts = {url: body.decode() for url, (_, body) in zip(LISTS, lists, strict=True)}
    return {"answers": answers, "texts": texts | _pages()}


async def _answers(requests: list[dict[str, Any]]) -> list[tuple[int, bytes]]:
    app = create_app(Settings(device="cpu"))
    async with app.router.lifespan_context(app) as state:

        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(call), base_url="http://lossary") as http:
            answers = [await http.request(**request) for request in requests]
    return [(int(answer.status_code), answer.content) for answer in answers]


def _pages() -> dict[str, str]:
    """Return the generated parts of the pages, and the files that are generated as a whole."""
    blocks = {**losses.BLOCKS, **wire.BLOCKS, **monitoring.BLOCKS, **rules.BLOCKS}
    del blocks["section"]  # of the article, which has no new section
    books = {f"rules {book}": blocks["rules"](book) for book in ("article", "evidence")}
    del blocks["rules"]
    curves = " ".join(loss_id for loss_id in catalogue() if pictures.has_curve(loss_id))
    return {
        **{f"docs: {name}": block() for name, block in blocks.items()},
        **{f"docs: {name}": text for name, text in books.items()},
        **{f"docs: {name}": text for name, text in losses.pages().items()},
        "docs: curves": curves,
        "dashboard": dashboard.text(),
    }
