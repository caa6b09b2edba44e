"""The recommended objective and its rivals, each evaluated on the arrays that were sent."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from losses.contract.expression import parse
from losses.contract.work import NUMBER_S
from losses.errors import (
    BadOption,
    DomainViolation,
    MissingInput,
    NonFiniteInput,
    ShapeMismatch,
    UnsupportedDtype,
)
from losses.evaluation.passes import Options
from losses.text import Language, Text, in_language
from recommender.loss_inputs import loss_inputs, mask_for, masked
from recommender.recommendation.answer import BookAnswer, Recommendation
from recommender.tasks import Task
from service.compute import Runtime
from service.routes.evaluation_schema import Result, result
from service.uploads.roles import OPTIONAL
from service.uploads.upload import Upload

MOST_EVALUATED = 8  # a row has three alternatives at most, the catalogue about three, and the other book one answer
UNFIT = (BadOption, DomainViolation, MissingInput, NonFiniteInput, ShapeMismatch, UnsupportedDtype)
EvaluatedAs = Literal["recommended", "article", "evidence", "alternative"]
_LOSSES_CALL = {"embeddings": "predictions", "labels": "targets"}
SHARES = Options(gradient="summary")
SEVERAL_HEADS = Text(
    en="Its heads have outputs of their own; evaluate each at /v1/evaluate.",
    zh="它的各个输出头各有自己的输出;请在 /v1/evaluate 分别评估。",
)


class Evaluated(BaseModel):
    """The result of one objective on the predictions; `reason` says why where `result` is null."""

    objective: str
    role: Annotated[
        EvaluatedAs, Field(description="The recommended objective, the answer of the other book, or an alternative.")
    ]
    result: Result | None
    reason: str | None


def rivals_of(recommendation: Recommendation) -> dict[str, tuple[EvaluatedAs, int]]:
    """Return the objectives to evaluate, each once under its first role, with its role and its number of heads."""
    listed: dict[str, tuple[EvaluatedAs, int]] = {}
    heads = 1
    if recommendation.recommended:
        heads = len(recommendation.recommended.heads)
        listed[recommendation.recommended.objective] = ("recommended", heads)
    books: dict[EvaluatedAs, BookAnswer | None] = {
        "article": recommendation.article,
        "evidence": recommendation.evidence,
    }
    for role, book in books.items():
        if book:
            listed.setdefault(book.objective, (role, len(book.heads)))
    for other in recommendation.alternatives:
        listed.setdefault(other.objective, ("alternative", heads))
    return dict(list(listed.items())[:MOST_EVALUATED])


async def evaluated_objective(
    text: str, role: EvaluatedAs, heads: int, upload: Upload, runtime: Runtime, language: Language
) -> Evaluated:
    """Return the recommended objective and its rivals, each evaluated on the upload or with the reason why not."""
    objective = parse(text)
    numbers = sum(tensor.numel() for tensor in upload.roles.values())
    inputs = (
        SEVERAL_HEADS
        if heads > 1
        else await runtime.run(lambda: loss_inputs(objective, upload.roles), NUMBER_S * numbers)
    )
    if isinstance(inputs, Text):
        return Evaluated(objective=text, role=role, result=None, reason=in_language(inputs, language))
    beside = {name: upload.roles[name] for name in OPTIONAL if name in upload.roles}
    if "mask" in beside:
        beside["mask"] = mask_for(objective, upload.roles)
    try:
        (evaluation,) = await runtime.evaluate(
            [objective],
            Upload(roles={**inputs, **beside}, reserved_bytes=upload.reserved_bytes, sent_before=upload.sent_before),
            SHARES,
        )
    except UNFIT as refusal:
        return Evaluated(objective=text, role=role, result=None, reason=in_language(refusal.text, language))
    return Evaluated(
        objective=text,
        role=role,
        result=Result.model_validate(result(evaluation, with_arrays=False), from_attributes=True),
        reason=None,
    )


def named_as_losses_do(upload: Upload) -> Upload:
    """Return the upload with embeddings and labels under the names that losses use."""
    roles = {_LOSSES_CALL.get(role, role): tensor for role, tensor in upload.roles.items()}
    return replace(upload, roles=roles) if len(roles) == len(upload.roles) else upload


async def without_ignored(task: Task, ignore_index: int | None, upload: Upload, runtime: Runtime) -> Upload:
    """Return the upload with a mask for labels that do not count, as they were left out of the facts."""
    targets = upload.roles.get("targets")
    if targets is None:
        return upload
    arrays = await runtime.run(lambda: masked(task, upload.roles, ignore_index), targets.numel())
    return upload if arrays is upload.roles else replace(upload, roles=dict(arrays))
