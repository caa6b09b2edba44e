"""GET /v1/losses/{id}/curve: value and gradient of a loss along an axis."""

import dataclasses
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.openapi.models import Example
from pydantic import BaseModel, Field

from losses.contract.expression import Objective, parse, split_objectives
from losses.contract.loss import Loss
from losses.description.curve import Curve, curves_along_one_axis
from losses.errors import BadExpression, BadOption, BadParameter, DomainViolation
from losses.text import Text, in_language
from losses.version import VERSION
from service.dependencies import RuntimeInForce
from service.pipeline.properties import properties
from service.problems import BadRequest, ComputeDeadline, UnknownPath, responses
from service.request_record import current
from service.routes.fields.parameters import KNOWN_PARAMETERS
from service.routes.losses.catalogue import known
from service.routes.losses.curve_svg import draw

router = APIRouter(prefix="/v1", tags=["losses"], dependencies=KNOWN_PARAMETERS)
MOST_CURVES = 6
SVG = "image/svg+xml"


class CurveLine(BaseModel):
    """The curve of one loss."""

    loss: str
    value: list[float]
    gradient: Annotated[list[float], Field(description="With respect to what the model puts out.")]


class LeftOut(BaseModel):
    """A loss that has no curve on this axis, with the reason."""

    loss: str
    because: str


class Curves(BaseModel):
    """Curves of losses along one axis."""

    axis: str | None
    target: Annotated[float | None, Field(description="What the prediction is held against.")] = None
    x: list[float]
    curves: list[CurveLine]
    left_out: list[LeftOut] = []
    version: str = VERSION


async def asked(
    loss: Annotated[Loss, Depends(known)],
    parameters: Annotated[
        str, Query(max_length=200, description="Parameters of the loss: beta=0.5, form=minimax.")
    ] = "",
    others: Annotated[
        str,
        Query(
            max_length=500,
            description="Other losses to lay over it, separated by semicolons or commas.",
            openapi_examples={"two more": Example(value="mae,mse")},
        ),
    ] = "",
    params: Annotated[str, Query(max_length=200, include_in_schema=False)] = "",
    with_: Annotated[str, Query(max_length=500, alias="with", include_in_schema=False)] = "",
) -> list[Objective]:
    """Return the objectives to draw.

    `params` and `with` are older names of parameters, which generated clients mishandle.

    Raises: BadExpression, BadParameter, BadRequest.
    """
    bound, laid_over = parameters or params, others or with_
    texts = [f"{loss.id}({bound})" if bound else loss.id, *(split_objectives(laid_over) if laid_over.strip() else [])]
    if len(texts) > MOST_CURVES:
        raise BadRequest(Text(f"{MOST_CURVES} curves fit into one picture.", f"一张图最多容纳 {MOST_CURVES} 条曲线。"))
    return [parse(text) for text in texts]


@router.get(
    "/losses/{loss_id}/curve",  # noqa: FAST003 - `asked` takes it
    name="curve",
    summary="Draw the value and the gradient of a loss",
    response_model=Curves,
    responses={
        200: {"content": {SVG: {"schema": {"type": "string"}}}},
        **responses(UnknownPath, BadExpression, BadParameter, BadOption, DomainViolation, BadRequest, ComputeDeadline),
    },
)
@properties("any key", etag=True, page=True)
async def curves(
    objectives: Annotated[list[Objective], Depends(asked)],
    runtime: RuntimeInForce,
    points: Annotated[int, Query(ge=2, le=2001)] = 201,
    span: Annotated[float, Query(ge=1e-6, le=1e6, description="Errors and scores run from -span to span.")] = 3.0,
    target: Annotated[
        float | None,
        Query(
            allow_inf_nan=False,
            description="What the prediction is held against, where that is a number or a label; 1 if left out.",
        ),
    ] = None,
    image: Annotated[Literal["json", "svg"], Query(alias="format", description="Numbers, or a picture.")] = "json",
    unfit: Annotated[
        Literal["refuse", "skip"],
        Query(
            description="Of a loss that has no curve, or none along the axis of those before: refuse the request, or "
            "leave the loss out and say why in `left_out`."
        ),
    ] = "refuse",
) -> Response | Curves:
    """Give value and gradient against the error, the score, or the probability of the truth, as numbers or drawn.

    Every loss of one prediction and its target has a curve; the others say why they have none. An overlap loss is drawn
    over one pixel, a loss of classes over two of them.
    """

    def drawn() -> Response | Curves:
        """Return the curves as a picture or as numbers; runs in a thread, since drawing takes long."""
        left_out: list[LeftOut] = []
        if unfit == "skip":
            lines, left_out = _drawable(objectives, points, span, target)
        else:
            lines = curves_along_one_axis(objectives, points, span, target)
        if not lines and image == "svg":
            raise BadOption("unfit", Text("None of these losses has a curve.", "这些损失都没有曲线。"))
        if not lines:
            return Curves(axis=None, x=[], curves=[], left_out=left_out)
        if image == "svg":
            return Response(draw(lines), media_type=SVG)
        drawn_target = next((line.target for line in lines if line.target is not None), None)
        return Curves(
            axis=lines[0].axis,
            target=drawn_target,
            x=lines[0].x,
            curves=[_line(line) for line in lines],
            left_out=left_out,
        )

    return await runtime.run(drawn)


def _drawable(
    objectives: list[Objective], points: int, span: float, target: float | None
) -> tuple[list[Curve], list[LeftOut]]:
    """Return the curves of the objectives that share an axis with the first, and why the others have none."""
    kept: list[Objective] = []
    lines: list[Curve] = []
    left_out = []
    for objective in objectives:
        try:
            lines = curves_along_one_axis([*kept, objective], points, span, target)
        except (BadOption, DomainViolation) as refusal:
            left_out.append(LeftOut(loss=str(objective), because=in_language(refusal.text, current().language)))
        else:
            kept.append(objective)
    return lines, left_out


def _line(line: Curve) -> CurveLine:
    """Return a curve as a part of the answer."""
    fields = dataclasses.asdict(line)
    return CurveLine(loss=fields["loss"], value=fields["value"], gradient=fields["gradient"])
