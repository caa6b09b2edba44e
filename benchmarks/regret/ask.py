"""Asks the recommender as every caller does: over HTTP, but without a socket."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import httpx
from starlette.types import Receive, Scope, Send

from benchmarks.regret.policies import AT_SHARE, FROM_SHARES
from service.app import create_app
from service.settings import Settings

Question = Mapping[str, object]


@dataclass(frozen=True)
class Advice:
    """The answer of one book: the rule that decided, and the threshold and the start that belong to it."""

    objective: str
    rule: str
    at_share: bool = False  # whether its probability is cut at the share of positives
    from_shares: bool = False  # whether biases start at the logarithms of the shares of the classes


@dataclass(frozen=True)
class Answer:
    """The answers of both books; None where the article has no rule for the task."""

    article: Advice | None
    evidence: Advice


class RefusedError(RuntimeError):
    """A question that the service refused, or that the evidence book has no answer to."""


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
    decision = recommendation["decision"]  # of the book asked for, which is the evidence's
    at_share = decision is not None and decision["formula"] == AT_SHARE
    from_shares = any(warning["code"] == FROM_SHARES for warning in recommendation["warnings"])
    return Answer(article, replace(evidence, at_share=at_share, from_shares=from_shares))
