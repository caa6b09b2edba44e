"""The logger in runs of MLflow."""

from pathlib import Path

import lossary
import mlflow
import numpy as np
import pytest
from lossary.hooks.mlflow import LossLogger

from tests.hooks.conftest import Table


@pytest.fixture(autouse=True)
def tracking(tmp_path: Path) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.sqlite")


def test_a_run_has_the_metrics_of_each_step(client: lossary.Client, diabetes: Table) -> None:
    inputs, targets = diabetes
    rows = np.c_[inputs, np.ones(len(inputs))]
    weights = np.linalg.lstsq(rows, targets, rcond=None)[0]

    with mlflow.start_run() as run:
        logger = LossLogger(client, ["mse", "smooth_l1(beta=0.5)"])
        for step, share in enumerate((0.0, 1.0)):
            logger.log(share * rows @ weights, targets, step=step)

    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "lossary/mse")
    assert [metric.step for metric in history] == [0, 1]
    assert history[0].value == pytest.approx(1.0, rel=1e-5)  # of targets in standard deviations
    assert history[1].value < history[0].value
    logged = mlflow.get_run(run.info.run_id).data.metrics
    assert {"lossary/smooth_l1_beta_0.5", "lossary/mse.top_1_percent_share"} <= set(logged)


def test_a_run_goes_on_where_the_service_is_gone(nobody: lossary.Client, diabetes: Table) -> None:
    with mlflow.start_run() as run, pytest.warns(UserWarning, match="reports nothing this time"):
        LossLogger(nobody, "mse").log(diabetes[1], diabetes[1])

    assert mlflow.get_run(run.info.run_id).data.metrics == {}
