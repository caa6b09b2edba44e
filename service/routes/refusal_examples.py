"""What refusals read like, in the OpenAPI document: each is made as the service makes it."""

import re
from functools import cache
from typing import Any

from losses.errors import (
    BadExpression,
    BadOption,
    BadParameter,
    DomainViolation,
    MissingInput,
    NonFiniteInput,
    Refusal,
    ShapeMismatch,
    UnknownInput,
    UnknownLoss,
    UnsupportedDtype,
)
from losses.text import Text
from recommender.errors import (
    BadBox,
    BadExperiment,
    BadThreshold,
    IdOutOfRange,
    NoTask,
    NothingToMeasure,
    NotOneHot,
    NotProbabilities,
    SingleColumn,
    UnknownMetric,
    UnknownScenario,
    UnknownTask,
    UnknownThreshold,
    UnreadableTargets,
)
from recommender.metrics import METRICS
from recommender.tasks import Scenario, Task
from service.problems import (
    AddressNotAllowed,
    BadEnvelope,
    BadRegion,
    BadRequest,
    ComputeDeadline,
    Forbidden,
    InsufficientStorage,
    NoReportYet,
    QuotaExceeded,
    RequestTimeout,
    RequestUriTooLong,
    TemporaryReducedCapacity,
    TooLarge,
    TooManyExperiments,
    Unauthorized,
    UnknownPath,
    UnsupportedFormat,
    status_of,
    type_of,
)
from service.uploads.media_type import JSON

INSTANCE = "urn:lossary:request:5f0c8d2e9b7a41d3a6e4c1b2f8d07e95"
REFUSALS: tuple[Refusal, ...] = (
    UnknownLoss("huber"),
    BadExpression("After dice there is no + or *.", 5),
    BadParameter("smooth_l1", "beta", "must be greater than 0"),
    BadOption("per_class", "mse has no classes."),
    MissingInput("triplet", "negative", ("anchor", "positive", "negative")),
    UnknownInput("predicitons", ("predictions", "targets"), "predictions"),
    ShapeMismatch("targets", "n", [2, 1], "Send targets[:, 0]."),
    UnsupportedDtype("predictions", "complex64", ("float32", "float64")),
    DomainViolation("targets", "0 or 1", [3]),
    NonFiniteInput("predictions", [17], "Leave it out, or send nonfinite=allow."),
    NoTask([*Task], [*Scenario]),
    UnknownTask([*Task], "binary"),
    UnknownScenario([*Scenario], "house_prices"),
    UnknownMetric([*METRICS], "rmse"),
    UnknownThreshold("outlier_rat", ["outlier_rate"], "outlier_rate"),
    BadThreshold("outlier_rate", Text("a number between 0 and 1", "在 0 与 1 之间")),
    NothingToMeasure("targets", [0]),
    UnreadableTargets("binary", Text("of 0 and 1", "0 和 1"), [6]),
    SingleColumn([4, 1]),
    NotOneHot([2]),
    IdOutOfRange(3, [5]),
    NotProbabilities(Text("between 0 and 1", "在 0 与 1 之间"), [4]),
    BadBox("targets", [0]),
    BadExperiment("target", "There is no column of that name."),
    BadEnvelope("The text stops being JSON at character 17.", position=17),
    BadRequest("/profile/outlier_rate: Write a number between 0 and 1.", pointer="/profile/outlier_rate"),
    AddressNotAllowed("The address is below no prefix that LOSSARY_SOURCES names."),
    BadRegion("The region has 8 bytes; the input needs 16."),
    ComputeDeadline(30.0),
    Forbidden("evaluate"),
    InsufficientStorage(None, "datasets"),
    NoReportYet("queued"),
    QuotaExceeded(12.0, {}),
    RequestTimeout("No byte of the body arrived for 30 s."),
    RequestUriTooLong(65536),
    TemporaryReducedCapacity(1.0),
    TooLarge("The body", 67108864, "max_body_bytes", "Send fewer items."),
    TooManyExperiments(100, 60.0),
    Unauthorized("Send Authorization: Bearer and a key.", "Bearer"),
    UnknownPath("There is no loss of that name. Did you mean huber?", did_you_mean="huber"),
    UnsupportedFormat("Send Content-Type application/json.", [JSON]),
)


def component(title: str) -> str:
    """Return the name of an example among the components of the document: that of its problem's type."""
    return re.split("[:#]", str(examples()[title]["value"]["type"]))[-1]


@cache
def examples() -> dict[str, dict[str, Any]]:
    """Return an example of each kind of refusal, by its title: those above, and those that need nothing to be made."""
    made = {type(refusal): refusal for refusal in REFUSALS}
    for kind in _kinds(Refusal):
        if kind not in made:
            try:
                made[kind] = kind()  # type: ignore[call-arg] # of those that take nothing
            except TypeError:  # it takes something, and has no example
                continue
    return {kind.title.en: _shown(refusal) for kind, refusal in made.items()}


def _kinds(kind: type[Refusal]) -> list[type[Refusal]]:
    below = kind.__subclasses__()
    return [leaf for each in below for leaf in _kinds(each)] if below else [kind]


def _shown(refusal: Refusal) -> dict[str, Any]:
    kind = type(refusal)
    members = {
        "type": type_of(kind),
        "title": kind.title.en,
        "status": status_of(kind),
        "detail": refusal.message,
        "instance": INSTANCE,
    }
    return {"summary": kind.title.en, "value": {**members, **refusal.facts}}
