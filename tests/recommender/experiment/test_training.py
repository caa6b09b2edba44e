"""Many models trained at once are the models that a Python loop would train one by one, for a fraction of the time."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from losses import catalogue
from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from recommender.errors import BadExperiment
from recommender.experiment import ExperimentQuestion, plan, run_unit, verdict
from recommender.experiment.training.adam import BETAS, TINY, WEIGHT_DECAY, Adam
from recommender.experiment.training.batches import Fold, row_batches
from recommender.experiment.training.network import HIDDEN, Network, replicated
from recommender.experiment.training.reading import Reading
from recommender.experiment.training.replica_losses import Trained, joined, mean_loss
from recommender.experiment.training.train import BATCH, RATES, STEPS, gradients_of

TWELVE = (
    "mse",
    "mae",
    "smooth_l1(beta=1.3)",
    "huber(delta=2)",
    "log_cosh",
    "tukey_biweight(c=4.7)",
    "barron_general(alpha=0)",
    "barron_general(alpha=-2)",
    "quantile(quantile=0.3)",
    "expectile(expectile=0.7)",
    "smooth_l1(beta=0.5)",
    "mse + 0.5*mae",
)
FOLDS, THREE_RATES = 5, (0.003, 0.01, 0.03)  # 12 losses, 5 folds and 3 rates are 180 replicas


def numbers(link: str = "identity", folds: int = FOLDS, dtype: torch.dtype = torch.float64) -> Reading:
    """Return a reading that changes nothing of what a model puts out."""
    zeros = torch.zeros(folds, 1, 1, 1, dtype=dtype)
    return Reading(link, zeros, zeros + 1)  # type: ignore[arg-type] # one of the links


class Both:
    """180 replicas, batched and as models of torch's own in a list, on the same batches from the same weights."""

    def __init__(self, model: str, steps: int, dtype: torch.dtype) -> None:
        generator = torch.Generator().manual_seed(0)
        n, d = 1000, 20
        x = torch.randn(n, d, generator=generator, dtype=dtype)
        y = x.sum(1) + torch.randn(n, generator=generator, dtype=dtype)
        fold_of_row = torch.arange(n) % FOLDS
        self.folds = [
            Fold(x, (fold_of_row != k).nonzero()[:, 0], (fold_of_row == k).nonzero()[:, 0]) for k in range(FOLDS)
        ]
        reading = numbers(dtype=dtype)
        self.trained = [Trained(parse(text), reading, y) for text in TWELVE]
        self.rows = list(row_batches(self.folds, 0, steps, BATCH))
        self.steps = steps
        self.network = Network(model, d, 1, FOLDS)
        start = self.network.initial(0, dtype)
        self.parameters = replicated([start for _ in range(len(TWELVE) * len(THREE_RATES))])
        self.adam = Adam(self.parameters, torch.tensor(THREE_RATES * (len(TWELVE) * FOLDS)), steps)
        self.models = [
            (fold, trained, _Alone(model, d, [part[fold] for part in start], rate, steps))
            for fold in range(FOLDS)
            for trained in self.trained
            for rate in THREE_RATES
        ]

    def batched(self, rows: Tensor) -> None:
        """Take one step with all replicas at once."""
        self.adam.step(gradients_of(self.network, self.folds, self.trained, self.parameters, rows, None))

    def looped(self, rows: Tensor) -> None:
        """Take the same step with each model by itself."""
        for fold, trained, alone in self.models:
            own = rows[fold]
            alone.step(self.folds[fold].features[own], trained, own)


class _Alone:
    """One model, as one writes it in torch."""

    def __init__(self, model: str, inputs: int, start: list[Tensor], rate: float, steps: int) -> None:
        sizes = (inputs, *HIDDEN[model], 1)
        layers = [nn.Linear(*pair, dtype=start[0].dtype) for pair in pairwise(sizes)]
        with torch.no_grad():
            for layer, weight, bias in zip(layers, start[::2], start[1::2], strict=True):
                layer.weight.copy_(weight.T)
                layer.bias.copy_(bias[0])
        between = [module for layer in layers for module in (layer, nn.ReLU())]
        self.model = nn.Sequential(*between[:-1])
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=rate, betas=BETAS, eps=TINY, weight_decay=WEIGHT_DECAY
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps))
        )

    def step(self, x: Tensor, trained: Trained, rows: Tensor) -> None:
        self.optimiser.zero_grad()
        inputs = {"predictions": self.model(x).squeeze(1), "targets": trained.targets[rows]}
        loss = torch.zeros((), dtype=x.dtype)
        for coefficient, term in trained.objective.terms:
            value = term(inputs)
            assert isinstance(value, Tensor)
            loss = loss + coefficient * value.mean()
        loss.backward()  # type: ignore[no-untyped-call] # torch's
        self.optimiser.step()
        self.schedule.step()


@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_180_replicas_are_the_models_of_a_loop_to_a_millionth(model: str) -> None:
    both = Both(model, steps=6, dtype=torch.float64)

    for rows in both.rows:
        both.batched(rows)
        both.looped(rows)

    everything = both.folds[0].features[None].expand(FOLDS, -1, -1)
    batched = both.network.forward(everything, both.parameters)[-1].flatten(0, 1).squeeze(-1)
    looped = torch.stack([alone.model(both.folds[0].features).squeeze(1) for _, _, alone in both.models])
    assert len(looped) == 180
    torch.testing.assert_close(batched, looped.detach(), rtol=1e-6, atol=1e-6)


# 15 and 6.7 on two idle cores, 16 and 4.2 on one; half of that leaves room for other machines
@pytest.mark.parametrize(("model", "times"), [("linear", 6.0), ("mlp", 2.0)])
def test_a_step_of_all_replicas_costs_a_fraction_of_a_loop_over_them(model: str, times: float) -> None:
    both = Both(model, steps=8, dtype=torch.float32)
    both.batched(both.rows[0])
    both.looped(both.rows[0])

    batched = min(_seconds(both.batched, rows) for rows in both.rows)
    looped = min(_seconds(both.looped, rows) for rows in both.rows[:3])

    assert looped > times * batched


def _seconds(step: Callable[[Tensor], None], rows: Tensor) -> float:
    """Return the time that this process computed."""
    started = time.process_time()
    step(rows)
    return time.process_time() - started


def test_a_unit_takes_its_steps_whatever_the_number_of_rows_or_losses() -> None:
    columns = {"x": np.arange(300.0), "y": np.arange(300.0) ** 1.5}
    counted = []
    for rows, candidates in ((60, ["mse"]), (300, ["mse", "mae", "msle"])):
        question = ExperimentQuestion(target="y", task="regression", candidates=candidates, models=["linear"])
        planned = plan(question, {name: column[:rows] for name, column in columns.items()})
        steps: list[None] = []
        run_unit(planned, planned.units[0], alive=partial(steps.append, None))
        counted.append(len(steps))

    assert counted == [STEPS, STEPS]
    assert STEPS * BATCH * len(RATES) <= 250_000  # rows that a fit reads: what keeps an experiment within a minute


@pytest.mark.parametrize("text", ["bce", "focal(normalize=positives)", "bce + 0.5*focal"])
def test_losses_of_items_and_of_batches_are_means_of_each_replica(text: str) -> None:
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn(2, 3, 16, 1, generator=generator)
    targets = (torch.arange(32) % 2).float()
    rows = torch.stack([torch.arange(16), torch.arange(16, 32)])

    means = mean_loss(Trained(parse(text), numbers("logit", 2, torch.float32), targets), raw, rows, None)

    for fold in range(2):
        for replica in range(3):
            inputs = {"predictions": raw[fold, replica, :, 0], "targets": targets[rows[fold]]}
            alone = evaluate(parse(text), inputs).value
            assert float(means[fold, replica]) == pytest.approx(alone, rel=1e-5)


def test_weights_count_as_repetitions_do() -> None:
    raw = torch.randn(1, 2, 3, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    entry = Trained(parse("mae"), numbers(folds=1), torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    weights = torch.tensor([1.0, 3.0, 0.0], dtype=torch.float64)

    weighed = mean_loss(entry, raw, torch.tensor([[0, 1, 2]]), weights)

    repeated = mean_loss(entry, raw[:, :, [0, 1, 1, 1]], torch.tensor([[0, 1, 1, 1]]), None)
    torch.testing.assert_close(weighed, repeated)


def test_losses_with_priors_take_those_of_each_fold() -> None:
    raw = torch.randn(2, 3, 8, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    targets, rows = torch.arange(8) % 3, torch.arange(8).expand(2, -1)
    counts = torch.tensor([[8.0, 1.0, 1.0], [1.0, 1.0, 8.0]], dtype=torch.float64)
    zeros = torch.zeros(2, 1, 1, 3, dtype=torch.float64)
    entry = Trained(parse("logit_adjusted"), Reading("softmax", zeros, zeros[..., :1] + 1, counts), targets)

    means = mean_loss(entry, raw, rows, None)

    for fold in range(2):
        inputs = {"predictions": raw[fold, 1], "targets": targets, "priors": counts[fold]}
        assert float(means[fold, 1]) == pytest.approx(evaluate(parse("logit_adjusted"), inputs).value, rel=1e-9)


def targets_of(task: str) -> np.ndarray[Any, Any]:
    """Return 90 targets of a task, of which the row number says something."""
    rng = np.random.default_rng(0)
    level = np.linspace(-2, 2, 90) + rng.normal(size=90)
    by_task: dict[str, np.ndarray[Any, Any]] = {
        "regression": np.abs(level) + 0.1,
        "count": rng.poisson(2, 90),
        "binary": level > 0,
        "multiclass": np.digitize(level, [-1, 1]),
        "ordinal": np.digitize(level, [-1, 1]),
        "multilabel": np.stack([level > 0, level > 1], 1),
    }
    return by_task[task]


@pytest.mark.long
@pytest.mark.parametrize("task", ["regression", "count", "binary", "multiclass", "ordinal", "multilabel"])
def test_every_loss_of_the_catalogue_is_refused_or_trained(task: str) -> None:
    columns = {"a": np.linspace(-2, 2, 90), "b": np.arange(90.0) % 7, "y": targets_of(task)}
    trained = []
    for loss in catalogue():
        question = ExperimentQuestion(
            target="y",
            task=task,  # type: ignore[arg-type] # one of the tasks
            candidates=[loss],
            folds=3,
            repeats=1,
            models=["linear"],
        )
        try:
            planned = plan(question, columns)
        except BadExperiment as refusal:
            assert "does not fit" in str(refusal)  # noqa: PT017 - one way of two
            continue
        output = run_unit(planned, planned.units[0], rates=(0.01,), steps=8)
        place = [candidate.parsed.terms[0][1].loss.id for candidate in planned.candidates].index(loss)
        assert not output.diverged[place].any(), loss
        trained.append(loss)

    assert len(trained) >= 5


def test_a_network_on_few_rows_is_stopped_before_it_has_learnt_the_noise() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 20))
    labels = draw.random(300) < 1 / (1 + np.exp(-x[:, 0]))
    columns = {**{f"x{place}": column for place, column in enumerate(x.T)}, "y": labels.astype(int)}
    question = ExperimentQuestion(target="y", candidates=["bce"], models=["mlp"], folds=3, repeats=1)

    planned = plan(question, columns)
    report = verdict(planned, [run_unit(planned, unit) for unit in planned.units])

    values = {standing.objective: standing.value for standing in report.standings}
    shares = labels.mean()
    ignorant = -shares * np.log(shares) - (1 - shares) * np.log(1 - shares)
    assert values["bce"] is not None
    assert values["bce"] < 1.1 * ignorant  # the last look alone, after 200 epochs, is above 3


@pytest.mark.parametrize(
    ("template", "at_once"),
    [("tukey_biweight(c={})", True), ("mae + 0.5*tukey_biweight(c={})", True), ("smooth_l1(beta={})", False)],
)
def test_a_loss_with_a_parameter_a_fold_is_that_of_each_fold(template: str, at_once: bool) -> None:  # noqa: FBT001 - a case
    generator = torch.Generator().manual_seed(0)
    raw, targets = torch.randn(3, 4, 32, 1, generator=generator), torch.randn(96, generator=generator)
    rows, zeros = torch.arange(96).reshape(3, 32), torch.zeros(3, 1, 1, 1)
    by_fold = tuple(parse(template.format(number)) for number in (0.7, 1.1, 2.3))
    entry = Trained(by_fold[0], Reading("identity", zeros, zeros + 1), targets, by_fold)

    whole = mean_loss(entry, raw, rows, None)

    assert (joined(by_fold) is not None) == at_once
    for fold, objective in enumerate(by_fold):
        alone = replace(entry, objective=objective, reading=entry.reading.of_fold(fold), by_fold=())
        assert torch.equal(mean_loss(alone, raw[fold : fold + 1], rows[fold : fold + 1], None)[0], whole[fold])
