"""The scorer in scikit-learn's validation and search."""

import lossary
import numpy as np
import pytest
from lossary.hooks.sklearn import LossScorer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_validate

from tests.hooks.conftest import Table


def test_scores_are_those_of_scikit_learn_where_it_has_the_loss(client: lossary.Client, diabetes: Table) -> None:
    own = cross_validate(Ridge(), *diabetes, scoring="neg_mean_absolute_error")["test_score"]

    scores = cross_validate(Ridge(), *diabetes, scoring=LossScorer(client, ["mae", "mse"]))

    assert scores["test_lossary/mae"] == pytest.approx(own, rel=1e-5)
    assert np.all(scores["test_lossary/mse"] < 0)
    assert all(0 < share < 1 for share in scores["test_lossary/mse.top_10_percent_share"])


def test_probabilities_are_scored_whatever_the_classes_are_called(client: lossary.Client, tumours: Table) -> None:
    inputs, labels = tumours[0], np.where(tumours[1] == 1, "benign", "malignant")
    own = cross_validate(LogisticRegression(), inputs, labels, scoring="neg_log_loss")["test_score"]
    scorer = LossScorer(client, "bce(from_logits=false)", response="predict_proba")

    scores = cross_validate(LogisticRegression(), inputs, labels, scoring=scorer)["test_score"]

    assert scores == pytest.approx(own, rel=1e-4)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_search_takes_the_estimator_of_the_least_loss(
    client: lossary.Client, diabetes: Table, processes: int
) -> None:
    search = GridSearchCV(Ridge(), {"alpha": [1.0, 1e6]}, scoring=LossScorer(client, "huber"), n_jobs=processes)

    search.fit(*diabetes)

    assert search.best_params_ == {"alpha": 1.0}
    assert search.best_score_ < 0
