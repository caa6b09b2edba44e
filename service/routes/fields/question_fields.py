"""Fields that questions for a recommendation share, whether facts are stated or measured."""

from typing import Annotated

from pydantic import Field, StrictFloat

from recommender.rules.table import RulebookName
from recommender.tasks import Scenario, Task
from service.uploads.openapi import allowed_texts

TaskName = Annotated[str | None, Field(description="What the model puts out.", json_schema_extra=allowed_texts(Task))]
ScenarioName = Annotated[
    str | None,
    Field(description="An application the article names.", json_schema_extra=allowed_texts(Scenario)),
]
Rulebook = Annotated[
    RulebookName | None,
    Field(description="Which book `recommended` follows; left out, that of LOSSARY_RULEBOOK, or the article."),
]
Thresholds = Annotated[
    dict[str, StrictFloat],
    Field(description="Overrides for this request, by the names at /v1/rules.", max_length=64),
]
