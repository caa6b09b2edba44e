"""Run every snippet of Keras and of optax on drawn inputs; exit 1 where one gives another number than we do.

Those of the catalogue's pages, and those of everything that a rule of either book recommends or offers beside it.
"""

import os
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from benchmarks.conformance import draws
from benchmarks.conformance.table import Inputs
from losses.contract.domains import Domain
from losses.contract.expression import Objective
from losses.contract.registry import catalogue
from losses.contract.shapes import Axes
from losses.description.snippets import FORM, convention, library_code
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from recommender.recommendation.choice import bind
from recommender.rules import ROWS

LIMIT = 1e-5
LENGTHS: Axes = {"n": (12,), "C": (4,), "D": (5,), "L": (6,), "S": (5,), "T": (15,)}
LABELS = 4


def _numbers(domain: Domain, shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Return numbers well inside a domain, from 0 on where it ends below 0; whole ones each about as often."""
    if domain.whole:
        most = LENGTHS[domain.below][0] if domain.below else LABELS if domain.high is None else int(domain.high) + 1
        order = torch.randperm(torch.Size(shape).numel(), generator=generator)
        return (order % most).reshape(shape)
    if domain.simplex:
        return draws.simplex(generator, *shape)
    low = domain.above if domain.low is None else domain.low
    if low is None:
        return draws.normal(generator, *shape, scale=2)
    return draws.uniform(
        generator, *shape, low=max(low, 0) + 0.02, high=2.0 if domain.high is None else domain.high - 0.02
    )


def _drawn(objective: Objective, spatial: tuple[int, ...], *, one_hot: bool) -> Inputs:
    """Return random inputs that every term accepts, from the narrowest domain of each role."""
    generator = Generator().manual_seed(zlib.crc32(str(objective).encode()))
    inputs: Inputs = {}
    for role in dict.fromkeys(role for _, term in objective.terms for role in term.loss.required):
        takers = [term for _, term in objective.terms if role in term.loss.required]
        taker = max(takers, key=lambda term: (term.domain(role).simplex, term.domain(role).whole))
        shape = taker.loss.pattern(role).lengths({**LENGTHS, "s": spatial})
        inputs[role] = _numbers(taker.domain(role), shape, generator)
    if one_hot:
        inputs["targets"] = (inputs["targets"] == inputs["targets"].amax(1, keepdim=True)).double()
    if any("blank" in term.params for _, term in objective.terms):  # which fills up short targets from behind
        inputs["targets"] = inputs["targets"].sort(descending=True).values
    return inputs


def _in_keras(inputs: Inputs) -> tuple[Inputs, Inputs]:
    """Return the inputs for us and for Keras, which computes in its global float type."""
    import keras  # noqa: PLC0415 - it reads its backend when it is imported

    keras.config.set_floatx("float64")
    return inputs, inputs


def _in_optax(inputs: Inputs) -> tuple[Inputs, dict[str, Any]]:
    """Return the inputs for us and for optax, in the float32 that is the default of jax."""
    import jax.numpy as jnp  # noqa: PLC0415 - only where there are snippets for it

    narrow = {role: tensor.float() if tensor.is_floating_point() else tensor for role, tensor in inputs.items()}
    return narrow, {role: jnp.asarray(tensor.numpy()) for role, tensor in narrow.items()}


LIBRARIES: dict[str, Callable[[Inputs], tuple[Inputs, dict[str, Any]]]] = {"keras": _in_keras, "optax": _in_optax}


def _objectives(library: str) -> Iterator[Objective]:
    """Yield the objectives for which a library has a call: every loss under its convention, and all recommendations."""
    for loss in catalogue().values():
        if library in loss.elsewhere:
            yield Objective(((1.0, convention(loss, library)),))
    for row in ROWS:
        facts = row.example(row.fires).facts
        yield bind(row.recommend, row.computed, facts)[0]
        for other in row.alternatives:
            yield bind(other.recommend, other.computed, facts)[0]


def _as_taken(objective: Objective, library: str) -> Objective:
    """Return an objective that takes logits or probabilities as the library does."""
    terms = []
    for coefficient, term in objective.terms:
        usual = convention(term.loss, library).params
        form = {name: usual[name] for name in FORM if name in usual}
        terms.append((coefficient, term.loss.bind({**term.params, **form})))
    return Objective(tuple(terms))


def _gaps() -> Iterator[tuple[str, float]]:
    """Yield every snippet with its difference from our value.

    One that mentions axes is also run with more of them, and one that takes the ids of one-hot rows only with those.
    """
    for library, adapt in LIBRARIES.items():
        named = {str(_as_taken(objective, library)): objective for objective in _objectives(library)}
        for name, objective in named.items():
            text = library_code(objective, library)
            if text is None:
                continue
            room: dict[str, Any] = {}
            exec(text, room)  # noqa: S102 - our own code, and that it runs is the promise
            same = _as_taken(objective, library)
            for spatial in ((), (3, 2)) if "axis" in text else ((),):
                mine, theirs = adapt(_drawn(same, spatial, one_hot="argmax" in text))
                value = evaluate(same, mine, options=Options(standard_error=False)).value
                other = float(room["loss"](*theirs.values()))
                yield f"{name}, {library}", abs(other - value) / abs(value)


def main() -> int:
    """Compare all snippets."""
    torch.set_num_threads(1)
    os.environ["KERAS_BACKEND"] = "torch"
    warnings.simplefilter("ignore")
    gaps = list(_gaps())
    apart = [(name, gap) for name, gap in gaps if not gap <= LIMIT]
    for name, gap in apart:
        print(f"{name}: {gap:.0e} apart")
    print(f"{len(gaps)} runs of {len({name for name, _ in gaps})} snippets of Keras and optax, {len(apart)} apart")
    return int(bool(apart))


if __name__ == "__main__":
    sys.exit(main())
