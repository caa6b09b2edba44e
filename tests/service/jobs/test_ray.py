"""Sums on a Ray cluster of two nodes on this machine, one of which is killed midway: `make ray-cluster`."""

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from losses.errors import NonFiniteInput
from losses.evaluation.partial_sums import result_of_sums
from service.datasets.addresses.allowed import allowed
from service.datasets.addresses.table import list_files
from service.jobs.executors import AliveCheck, Executor, InProcess, OnRay
from service.jobs.shards import objectives_of, options_of

pytestmark = [
    pytest.mark.skipif(not os.environ.get("TEST_RAY"), reason="make ray-cluster has a cluster"),
    pytest.mark.timeout(600),
]
QUESTION: dict[str, Any] = {"loss": ["mse", "dice(group=batch)", "mse + 0.5*mae"], "roles": None, "options": {}}
FILES, ROWS = 12, 400_000
KILLED_AT = 5  # of the looks, one a second, at whether somebody still wants the sums


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("tables")
    for place in range(FILES):
        draw = np.random.default_rng(place)
        columns = {"y_true": draw.integers(0, 2, ROWS).astype(float), "y_pred": draw.random(ROWS)}
        masks = {name: pa.FixedSizeListArray.from_arrays(pa.array(values), 4) for name, values in columns.items()}
        nested = {name: pa.FixedSizeListArray.from_arrays(values, 1) for name, values in masks.items()}
        pa.parquet.write_table(pa.table(nested), folder / f"part-{place:02}.parquet")
    return list_files(allowed(f"file://{folder}/*.parquet", [f"file://{folder}/"], ()), 1 << 30)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Run a cluster of a head that computes nothing and two nodes of one processor each."""
    utilities = import_module("ray.cluster_utils")
    ray = import_module("ray")
    running = utilities.Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    yield running
    ray.shutdown()
    running.shutdown()


def values(executor: Executor, listing: dict[str, Any], alive: AliveCheck = lambda: None) -> list[float | None]:
    sums = executor.sums(listing, QUESTION, range(len(listing["files"])), alive)
    options = options_of(QUESTION)
    return [
        result_of_sums(objective, options, part).value
        for objective, part in zip(objectives_of(QUESTION), sums, strict=True)
    ]


def test_a_node_that_is_killed_midway_changes_nothing(cluster: Any, listing: dict[str, Any]) -> None:  # noqa: ANN401 - Ray's
    alone = values(InProcess(), listing)
    nodes, looks = [cluster.add_node(num_cpus=1) for _ in range(2)], 0

    def alive() -> None:
        nonlocal looks
        looks += 1
        if looks == KILLED_AT:
            cluster.remove_node(nodes[0], allow_graceful=False)

    on_ray = values(OnRay(cluster.address, group_bytes=1), listing, alive)

    assert looks > KILLED_AT  # so that there was more to do when the node went
    assert on_ray == pytest.approx(alone, rel=1e-12)


def test_a_refusal_comes_back_from_a_node_as_it_was(cluster: Any, tmp_path: Path) -> None:  # noqa: ANN401 - Ray's
    cluster.add_node(num_cpus=1)
    for place, last in enumerate((1.0, float("nan"))):
        pa.parquet.write_table(pa.table({"y_true": [1.0, last], "y_pred": [0.0, 0.0]}), tmp_path / f"{place}.parquet")
    listing = list_files(allowed(f"file://{tmp_path}/*.parquet", [f"file://{tmp_path}/"], ()), 1 << 30)

    with pytest.raises(NonFiniteInput) as refused:
        OnRay(cluster.address, group_bytes=1).sums(listing, {**QUESTION, "loss": ["mse"]}, [0, 1], lambda: None)

    assert refused.value.facts["file"] == 2
