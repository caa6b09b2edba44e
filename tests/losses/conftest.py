"""Small tensors on few cores."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)  # two that wait for each other on a busy machine take ten times as long
