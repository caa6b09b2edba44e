"""A scorer of scikit-learn.

cross_validate(model, x, y, scoring=LossScorer(client, ["mse", "huber"]))
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from lossary.client import Client
from lossary.hooks.report import LossReport, metrics
from lossary.result import Result


class LossScorer:
    """Scores estimators by the negative loss, since scikit-learn maximises scores.

    Calling it raises LossaryError, which scikit-learn's `error_score` handles.

    Attributes:
        losses: One objective, for a score that is a number (GridSearchCV); or several, for a mapping with the score of
            each and the shares of its gradient.
        response: The method that gives predictions. Probabilities of two classes are those of the second; they are not
            logits: bce(from_logits=false). Classes are sent as their positions in `classes_`.
        options: The options of POST /v1/evaluate.
    """

    def __init__(
        self,
        client: Client,
        losses: str | Sequence[str],
        *,
        response: Literal["predict", "predict_proba", "decision_function"] = "predict",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._report = LossReport(client, losses, options=options)
        self._single = isinstance(losses, str)
        self._response = response

    def __call__(self, estimator: Any, inputs: Any, targets: Any) -> float | dict[str, float]:  # noqa: ANN401 - scikit-learn's
        """Return the score of a fitted estimator on these rows."""
        predictions = np.asarray(getattr(estimator, self._response)(inputs))
        truth = np.asarray(targets)
        if self._response != "predict":
            truth = np.searchsorted(estimator.classes_, truth)
            pair = self._response == "predict_proba" and len(estimator.classes_) == 2  # noqa: PLR2004 - classes
            predictions = predictions[:, 1] if pair else predictions
        answer = self._report.client.evaluate(
            self._report.losses, predictions=predictions, targets=truth, options=self._report.options
        )
        if self._single:
            return _score(answer.results[0])
        scores = {name: number for result in answer.results for name, number in metrics(result).items()}
        return scores | {f"lossary/{result.loss}": _score(result) for result in answer.results}


def _score(result: Result) -> float:
    """Return the negative value of a result, NaN where it has none."""
    value = result.get("value")
    return float("nan") if value is None else -float(value)
