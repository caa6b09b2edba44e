"""The limits of a computation: its inputs, its estimated cost, its deadline."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from starlette.requests import ClientDisconnect
from torch import Tensor

from losses.contract.expression import Objective
from losses.errors import BadOption, Refusal
from losses.evaluation.class_axis import classes_on_axis_1
from losses.evaluation.layout import Layout, layout_of
from losses.evaluation.passes import Options
from losses.text import Text
from service.problems import ComputeDeadline
from service.request_record import Record
from service.uploads.roles import known_roles, unknown_input


class Estimate(NamedTuple):
    """What an evaluation will take: seconds, the most bytes of a block, and the layout of each objective.

    Nothing for an objective that will be refused.
    """

    seconds: float
    peak_bytes: int
    layouts: list[Layout]


def estimate(objectives: list[Objective], roles: Mapping[str, Tensor], options: Options) -> Estimate:
    """Return what an evaluation will take."""
    graph, seconds, peak_bytes = options.gradient != "none", 0.0, 0
    layouts = []
    for objective in objectives:
        inputs = {role: tensor for role, tensor in roles.items() if role in objective.roles}
        try:
            inputs = classes_on_axis_1(objective, inputs, options.class_axis)
            layout = layout_of(objective, inputs, options.dtype, options.chunk_elements)
        except Refusal:  # the evaluation raises it again
            continue
        seconds += layout.estimate(graph=graph)
        peak_bytes = max(peak_bytes, layout.peak_bytes(graph=graph))
        layouts.append(layout)
    return Estimate(seconds, peak_bytes, layouts)


def refuse_unused(objectives: list[Objective], roles: Iterable[str]) -> None:
    """Refuse an input that none of the objectives takes.

    Raises: BadOption; UnknownInput for one that no loss has.
    """
    taken = dict.fromkeys([role for objective in objectives for role in objective.roles])
    unused = [role for role in roles if role not in taken]
    if not unused:
        return
    role = unused[0]
    if role not in known_roles():
        raise unknown_input(role, taken)
    raise BadOption(
        role,
        Text(
            f"{role} is an input of none of the losses asked for; leave it out.",
            f"{role} 不是所请求的任何损失的输入;请去掉它。",
        ),
    )


@contextmanager
def timed(record: Record) -> Iterator[None]:
    """Add the time of the block to the compute time of the request."""
    started = time.perf_counter()
    try:
        yield
    finally:
        record.compute_ms += 1e3 * (time.perf_counter() - started)


def deadline(
    limit_s: float,
    spent_s: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
    has_left: Callable[[], bool] = lambda: False,
) -> Callable[[float], None]:
    """Return a check that raises once `limit_s` seconds are spent, or the client has disconnected.

    The check takes the number of seconds during which it cannot be called again.

    Args:
        limit_s: The limit in seconds.
        spent_s: The seconds that the request has already computed.
        clock: The clock, in seconds.
        has_left: Returns whether the client has disconnected.

    Raises: from the check, ComputeDeadline and ClientDisconnect.
    """
    end = clock() + limit_s - spent_s

    def check(seconds: float) -> None:
        """Raise if the limit would be passed within `seconds`, or the client has disconnected."""
        if clock() + seconds >= end:
            raise ComputeDeadline(limit_s)
        if has_left():
            raise ClientDisconnect

    return check
