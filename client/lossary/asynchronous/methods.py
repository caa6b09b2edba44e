# Generated from lossary/methods.py by make docs-tables: do not edit.
"""The same as `lossary/methods.py`, awaited."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from lossary import asking
from lossary.answers import (
    Advice,
    Catalogue,
    Curves,
    Dataset,
    DatasetList,
    EvaluationList,
    Evaluations,
    EvaluationState,
    ExperimentList,
    ExperimentState,
    Page,
    ProfileAnswer,
    Recommendation,
    ScoresVerdict,
)
from lossary.asking import ApiRequest
from lossary.packing import packed
from lossary.result import Answer, Result

Objective = str | Sequence[str]


class AsyncMethods(ABC):
    """The methods of a client; `_ask` sends their requests."""

    @abstractmethod
    async def _ask(self, request: ApiRequest, kind: type[Answer]) -> Answer:
        """Send a request, and return its answer as `kind`."""

    async def recommend(
        self,
        task: str | None = None,
        *,
        scenario: str | None = None,
        profile: Mapping[str, Any] | None = None,
        goal: Mapping[str, Any] | None = None,
        rulebook: str | None = None,
        thresholds: Mapping[str, float] | None = None,
    ) -> Recommendation:
        """Return which loss to use for a task or a scenario, and why."""
        body = {"task": task, "scenario": scenario, "profile": profile, "goal": goal, "rulebook": rulebook}
        return await self._ask(asking.post("/v1/recommend", {**body, "thresholds": thresholds}), Recommendation)

    async def profile(
        self,
        data: Any = None,  # noqa: ANN401 - a frame or a path
        *,
        task: str | None = None,
        roles: Mapping[str, str] | None = None,
        dataset: str | None = None,
        features: int | None = None,
        ignore_index: int | None = None,
        **arrays: Any,  # noqa: ANN401 - arrays of any library
    ) -> ProfileAnswer:
        """Return the facts that are measured on arrays, with their intervals."""
        fields = {"task": task, "dataset": dataset, "features": features, "ignore_index": ignore_index}
        return await self._ask(asking.upload("/v1/profile", packed(data, roles, fields, arrays)), ProfileAnswer)

    async def evaluate(
        self,
        loss: Objective,
        data: Any = None,  # noqa: ANN401 - a frame or a path
        *,
        roles: Mapping[str, str] | None = None,
        dataset: str | None = None,
        options: Mapping[str, Any] | None = None,
        **arrays: Any,  # noqa: ANN401 - arrays of any library
    ) -> Evaluations:
        """Return the values of one or several objectives on predictions and targets."""
        return await self._ask(asking.evaluate(loss, data, roles, dataset, options or {}, arrays), Evaluations)

    async def advise(
        self,
        data: Any = None,  # noqa: ANN401 - a frame or a path
        *,
        task: str | None = None,
        scenario: str | None = None,
        goal: Mapping[str, Any] | None = None,
        profile: Mapping[str, Any] | None = None,
        rulebook: str | None = None,
        thresholds: Mapping[str, float] | None = None,
        experiment: str | None = None,
        target: str | None = None,
        query: str | None = None,
        ignore_index: int | None = None,
        roles: Mapping[str, str] | None = None,
        dataset: str | None = None,
        **arrays: Any,  # noqa: ANN401 - arrays of any library
    ) -> Advice:
        """Return the loss that fits these arrays, the facts measured on them, and the values of losses.

        `experiment="quick"` also compares losses by training on the columns of a dataset besides its `target`. For
        ranking, `query` names the column that says which list a row belongs to.
        """
        question = {"task": task, "scenario": scenario, "goal": goal, "profile": profile, "rulebook": rulebook}
        more = {"thresholds": thresholds, "experiment": experiment, "target": target, "query": query}
        fields = {**question, **more, "ignore_index": ignore_index, "dataset": dataset}
        return await self._ask(asking.upload("/v1/advise", packed(data, roles, fields, arrays)), Advice)

    async def losses(self) -> Catalogue:
        """Return the catalogue of losses."""
        return await self._ask(asking.get("/v1/losses"), Catalogue)

    async def loss(self, name: str) -> Page:
        """Return everything that is known of a loss."""
        return await self._ask(asking.get(f"/v1/losses/{name}"), Page)

    async def curve(self, loss: str, **params: object) -> Curves:
        """Return the value and the gradient of a loss along its error, or its probability."""
        return await self._ask(asking.get(f"/v1/losses/{loss}/curve", **params), Curves)

    async def rules(self, **params: object) -> Result:
        """Return the rules of both books, and the thresholds in force."""
        return await self._ask(asking.get("/v1/rules", **params), Result)

    async def upload(self, data: Any) -> Dataset:  # noqa: ANN401 - a frame or a path
        """Store a file of columns or arrays as a dataset; its `id` can be sent in place of arrays."""
        return await self._ask(asking.dataset(data), Dataset)

    async def datasets(self) -> DatasetList:
        """Return the datasets of this key."""
        return await self._ask(asking.get("/v1/datasets"), DatasetList)

    async def dataset(self, identifier: str) -> Dataset:
        """Return what a dataset contains."""
        return await self._ask(asking.get(f"/v1/datasets/{identifier}"), Dataset)

    async def delete_dataset(self, identifier: str) -> None:
        """Delete a dataset."""
        await self._ask(ApiRequest("DELETE", f"/v1/datasets/{identifier}", {}, {}), Result)

    async def experiments(self, **params: object) -> ExperimentList:
        """Return the experiments of this key, the newest first."""
        return await self._ask(asking.get("/v1/experiments", **params), ExperimentList)

    async def experiment(self, identifier: str, *, wait: float | None = None) -> ExperimentState:
        """Return an experiment once it has ended, or after `wait` seconds (at most 30)."""
        return await self._ask(asking.get(f"/v1/experiments/{identifier}", wait=wait), ExperimentState)

    async def start_experiment(
        self,
        dataset: str,
        target: str,
        *,
        idempotency_key: str | None = None,
        **question: Any,  # noqa: ANN401 - the fields of the question
    ) -> ExperimentState:
        """Start an experiment; `question` has the other fields of POST /v1/experiments."""
        headers = {} if idempotency_key is None else {"idempotency-key": idempotency_key}
        body = {"dataset": dataset, "target": target, **question}
        return await self._ask(
            asking.post("/v1/experiments", body, headers=headers, safe=idempotency_key is not None), ExperimentState
        )

    async def evaluations(self, **params: object) -> EvaluationList:
        """Return the evaluations of datasets of this key, the newest first."""
        return await self._ask(asking.get("/v1/evaluations", **params), EvaluationList)

    async def start_evaluation(
        self,
        loss: Objective,
        dataset: str,
        *,
        options: Mapping[str, Any] | None = None,
        roles: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> EvaluationState:
        """Start the evaluation of a dataset of any size, which continues after the answer."""
        headers = {} if idempotency_key is None else {"idempotency-key": idempotency_key}
        named = ",".join(f"{role}:{name}" for role, name in roles.items()) if roles else None
        objectives = loss if isinstance(loss, str) else list(loss)
        body = {"loss": objectives, "dataset": dataset, "options": options, "roles": named}
        request = asking.post("/v1/evaluations", body, headers=headers, safe=idempotency_key is not None)
        return await self._ask(request, EvaluationState)

    async def evaluation(self, identifier: str, *, wait: float | None = None) -> EvaluationState:
        """Return an evaluation of a dataset once it has ended, or after `wait` seconds (at most 30)."""
        return await self._ask(asking.get(f"/v1/evaluations/{identifier}", wait=wait), EvaluationState)

    async def cancel_evaluation(self, identifier: str) -> EvaluationState:
        """Cancel an evaluation; it ends within a second or two."""
        return await self._ask(ApiRequest("POST", f"/v1/evaluations/{identifier}/cancel", {}, {}), EvaluationState)

    async def delete_evaluation(self, identifier: str) -> None:
        """Delete an evaluation and its results."""
        await self._ask(ApiRequest("DELETE", f"/v1/evaluations/{identifier}", {}, {}), Result)

    async def verdict(
        self, metric: str, scores: Mapping[str, Sequence[float]] | None = None, *, folds: int, **question: object
    ) -> ScoresVerdict:
        """Return which of your own runs is best, from what each scored on every fold.

        Instead of scores, `predictions` by name and `targets` may be sent, as one list for each fold; for ranking also
        `queries`.
        """
        plain = scores and {name: [float(score) for score in each] for name, each in scores.items()}
        body = {"metric": metric, "scores": plain, "folds": folds, **question}
        return await self._ask(asking.post("/v1/experiments/verdict", body), ScoresVerdict)

    async def cancel_experiment(self, identifier: str) -> ExperimentState:
        """Cancel an experiment; it ends within a second or two."""
        return await self._ask(ApiRequest("POST", f"/v1/experiments/{identifier}/cancel", {}, {}), ExperimentState)

    async def delete_experiment(self, identifier: str) -> None:
        """Delete an experiment and its results."""
        await self._ask(ApiRequest("DELETE", f"/v1/experiments/{identifier}", {}, {}), Result)
