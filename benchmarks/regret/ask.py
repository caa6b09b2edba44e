"""The recommender, asked as every caller asks it: over HTTP, here without a socket."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
from starlette.types import Receive, Scope, Send

from service.app import create_app
from service.settings import Settings

Question = Mapping[str, object]


@dataclass(frozen=True)
class Advice:
    """What one book says, and the rule that decided."""

    objective: str
    rule: str


@dataclass(frozen=True)
class Answer:
    """What both books say; None where the article has no rule for the task."""

    article: Advice | None
    evidence: Advice


class RefusedError(RuntimeError):
    """A question that the service did not answer, or that the evidence book is silent about."""


def ask(questions: Sequence[Question]) -> list[Answer]:
    """Return the answer to each body of POST /v1/recommend.

    Raises: RefusedError.
    """
    return asyncio.run(_ask(questions))


async def _ask(questions: Sequence[Question]) -> list[Answer]:
    app = create_app(Settings(device="cpu"))
    async with app.router.lifespan_context(app) as state:

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://lossary") as http:
            return [await _one(http, question) for question in questions]


async def _one(http: httpx.AsyncClient, question: Question) -> Answer:
    answer = await http.post("/v1/recommend", json=question)
    if answer.status_code != httpx.codes.OK:
        raise RefusedError(answer.text)
    recommendation = answer.json()
    if recommendation["evidence"] is None:
        raise RefusedError(f"The evidence book is silent about {question['task']}; its policy cannot be scored.")
    article, evidence = (
        book and Advice(book["objective"], book["rule"])
        for book in (recommendation["article"], recommendation["evidence"])
    )
    return Answer(article, evidence)
