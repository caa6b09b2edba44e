"""A real server on loopback, a client of it, and real tables: `make hooks` runs this beside the training libraries."""

import os
import sys
from collections.abc import Iterator

import lossary
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.preprocessing import StandardScaler

from tests.clients.running import free_port, running

PYTHON = os.environ.get("LOSSARY_PYTHON", sys.executable)  # of the environment that has the service
os.environ["KERAS_BACKEND"] = "torch"
Table = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the service answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = {
        "LOSSARY_PORT": str(port),
        "LOSSARY_DEVICE": "cpu",
        "LOSSARY_DATA": str(tmp_path_factory.mktemp("data")),
    }
    with running(PYTHON, "-m", "service", ready=f"{address}/readyz", **settings):
        yield address


@pytest.fixture
def client(url: str) -> Iterator[lossary.Client]:
    with lossary.Client(url) as made:
        yield made


@pytest.fixture
def nobody() -> Iterator[lossary.Client]:
    """A client whose service is not there."""
    with lossary.Client(f"http://127.0.0.1:{free_port()}", retries=0) as made:
        yield made


@pytest.fixture(scope="session")
def diabetes() -> Table:
    """442 patients: ten measurements, and how far the disease went in a year, in standard deviations."""
    inputs, targets = load_diabetes(return_X_y=True)
    scaled = (targets - targets.mean()) / targets.std()
    return StandardScaler().fit_transform(inputs).astype(np.float32), scaled.astype(np.float32)


@pytest.fixture(scope="session")
def tumours() -> Table:
    """569 tumours: thirty measurements, and whether each is benign."""
    inputs, targets = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(inputs).astype(np.float32), targets
