"""The pilot models that the facts of an experiment rest on."""

import time

import numpy as np
from threadpoolctl import threadpool_info

from recommender.experiment.features import Features, read_features
from recommender.experiment.target import Target, read_target
from recommender.experiment.training.pilot import blas_threads, pilot_profile
from recommender.tasks import Task


def regression(n: int) -> tuple[Target, Features]:
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=n) for name in "abc"}
    columns["y"] = columns["a"] + 0.1 * rng.normal(size=n)
    target, _ = read_target(columns["y"], Task.REGRESSION)
    features, _ = read_features(columns, None, "y", [])
    return target, features


def threads_of_linear_algebra() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_a_pilot_leaves_the_threads_of_linear_algebra_as_they_were() -> None:
    target, features = regression(60)
    blas_threads()
    before = threads_of_linear_algebra()

    profile = pilot_profile(target, features, seed=0)

    assert profile.n == 60
    assert before
    assert threads_of_linear_algebra() == before


def test_a_pilot_runs_on_one_thread() -> None:
    target, features = regression(2_000)
    with blas_threads().limit(limits=2):  # as on a machine of two cores
        pilot_profile(target, features, seed=0)  # what is loaded with the first one

        own, every = time.thread_time(), time.process_time()
        for seed in range(10):
            pilot_profile(target, features, seed)
        own, every = time.thread_time() - own, time.process_time() - every

    assert every - own < own / 2  # one thread more would take as long
