"""python -m benchmarks.harm [data sets]: does a recommendation for the mean keep the total?

Amounts, counts and plain numbers are drawn from stated generators, measured as POST /v1/profile measures them with a
least-squares pilot, and a linear model is fitted under each book's answer to goal.functional=mean on one half. Its
predictions on the other half are added up: the ratio to the true total is 1 where the loss learns the mean. A book does
harm where its ratio lies outside 0.8 to 1.25 and that of squared errors does not.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from losses.contract.expression import Objective, parse
from losses.contract.loss import Items
from recommender import Goal, measure_profile, recommend

Array = NDArray[np.float64]
HERE = Path(__file__).parent
ITEMS = 2000  # of both halves
FEATURES = 3
LOW, HIGH = 0.8, 1.25  # a total within is no harm
MEAN = Goal(functional="mean")
_STEPS = 200


@dataclass(frozen=True)
class DataSet:
    """Features (n, d) with a column of ones, targets (n), and the generator with its parameters."""

    name: str
    features: Array
    targets: Array


@dataclass(frozen=True)
class Judged:
    """The sum of a loss's predictions divided by the true sum, by who recommended the loss."""

    name: str
    objectives: dict[str, str]
    ratios: dict[str, float]

    def harmed(self, who: str) -> bool:
        """Return whether this answer misses the total while squared errors keep it."""
        return _inside(self.ratios["mse"]) and not _inside(self.ratios[who])


def _inside(ratio: float) -> bool:
    return LOW <= ratio <= HIGH


def compound_poisson(draw: np.random.Generator, effect: Array) -> tuple[str, Array]:
    """Claims: mostly none, else a sum of gamma amounts. Zeros: half to 95 %."""
    rate, shape = draw.uniform(0.05, 0.7), draw.uniform(0.5, 3)
    events = draw.poisson(rate * effect)
    amounts = draw.gamma(np.maximum(events * shape, 1e-9), draw.uniform(10, 1000)) * (events > 0)
    return f"compound Poisson, rate {rate:.2f}, shape {shape:.1f}", amounts


def negative_binomial(draw: np.random.Generator, effect: Array) -> tuple[str, Array]:
    """Counts about a mean of 0.2 to 10 that spread more than Poisson counts."""
    mean, size = draw.uniform(0.2, 10), draw.uniform(0.1, 3)
    rate = draw.gamma(size, mean * effect / size)
    return f"negative binomial, mean {mean:.1f}, size {size:.1f}", draw.poisson(rate).astype(np.float64)


def lognormal(draw: np.random.Generator, effect: Array) -> tuple[str, Array]:
    """Salaries: positive with a long tail, sigma 0.3 to 1.5."""
    sigma, scale = draw.uniform(0.3, 1.5), draw.uniform(1, 1e5)
    return f"lognormal, sigma {sigma:.1f}", scale * effect * np.exp(sigma * draw.standard_normal(len(effect)))


def pareto(draw: np.random.Generator, effect: Array) -> tuple[str, Array]:
    """Losses with a power law, exponent 1.6 to 5."""
    exponent, scale = draw.uniform(1.6, 5), draw.uniform(1, 1e4)
    return f"Pareto, exponent {exponent:.1f}", scale * effect * (1 + draw.pareto(exponent, len(effect)))


def gaussian(draw: np.random.Generator, effect: Array) -> tuple[str, Array]:
    """Plain numbers, 1 to 10 standard deviations from 0."""
    level = draw.uniform(1, 10)
    return f"Gaussian, level {level:.0f}", level + np.log(effect) + draw.standard_normal(len(effect))


GENERATORS = (compound_poisson, negative_binomial, lognormal, pareto, gaussian)


def data_set(generator: Callable[..., tuple[str, Array]], seed: int) -> DataSet:
    """Return one data set of a generator; the same seed gives the same."""
    draw = np.random.default_rng([seed, GENERATORS.index(generator)])
    plain = draw.standard_normal((ITEMS, FEATURES)).clip(-2, 2)
    name, targets = generator(draw, np.exp(plain @ draw.normal(0, 0.3, FEATURES)))
    return DataSet(name, np.column_stack([np.ones(ITEMS), plain]), targets)


def judge(data: DataSet, *, pilot: bool = True) -> Judged:
    """Measure, ask both books, fit every answer on the first half and add up its predictions on the other."""
    half = len(data.targets) // 2
    features, targets = data.features[:half], data.targets[:half]
    fitted = features @ np.linalg.lstsq(features, targets, rcond=None)[0]
    predictions = torch.from_numpy(fitted) if pilot else None
    width = data.features.shape[1] - 1
    profile = measure_profile("regression", torch.from_numpy(targets), predictions, features=width).profile
    answer = recommend("regression", profile=profile, goal=MEAN, rulebook="evidence")
    books = {"evidence": answer.evidence, "article": answer.article}
    objectives = {who: book.objective for who, book in books.items() if book} | {"mse": "mse", "poisson": "poisson_nll"}
    if targets.min() < 0:
        del objectives["poisson"]
    total = data.targets[half:].sum()
    ratios = {
        who: float(predict(parse(text), features, targets, data.features[half:]).sum() / total)
        for who, text in objectives.items()
    }
    return Judged(data.name, objectives, ratios)


def predict(objective: Objective, features: Array, targets: Array, unseen: Array) -> Array:
    """Return what a linear model fitted under a loss predicts: through an exponential where the loss takes its log."""
    (_, term), *_ = objective.terms
    x, y = torch.from_numpy(features), torch.from_numpy(targets)
    link: dict[str, Callable[[Tensor], Tensor]] = {"exp": torch.exp, "sigmoid": torch.sigmoid}
    inverse = link.get(term.loss.activation, torch.clone)
    weights = torch.zeros(x.shape[1], dtype=torch.float64)
    if inverse is torch.clone:
        weights = torch.linalg.lstsq(x, y[:, None]).solution[:, 0]
    else:
        weights[0] = y.mean().log() if inverse is torch.exp else y.mean().logit()
    weights.requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=_STEPS, tolerance_change=1e-12, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        out = term({"predictions": x @ weights, "targets": y}, None)
        values = out.numerator if isinstance(out, Items) else out
        loss = values.mean()  # type: ignore[union-attr] # no quotient among these losses
        loss.backward()
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call] # torch types it by halves
    with torch.no_grad():
        predicted: Array = inverse(torch.from_numpy(unseen) @ weights).numpy()
    return predicted


def table(judged: list[Judged]) -> str:
    """Return by generator how often each answer misses the total, and its median ratio, as Markdown."""
    lines = [
        "| generator | data sets | evidence: median ratio | worst | harm | article: median | harm | mse outside |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind in dict.fromkeys(one.name.split(",")[0] for one in judged):
        some = [one for one in judged if one.name.startswith(kind)]
        evidence, article = ([one.ratios[who] for one in some] for who in ("evidence", "article"))
        worst = max(evidence, key=lambda ratio: abs(np.log(max(ratio, 1e-9))))
        harm = {who: sum(one.harmed(who) for one in some) for who in ("evidence", "article")}
        outside = sum(not _inside(one.ratios["mse"]) for one in some)
        lines.append(
            f"| {kind} | {len(some)} | {np.median(evidence):.2f} | {worst:.2f} | {harm['evidence']} | "
            f"{np.median(article):.2f} | {harm['article']} | {outside} |"
        )
    return "\n".join(lines)


def stated(name: str, draw: Callable[[np.random.Generator, Array], Array]) -> Judged:
    """Return the ratios of a situation with stated parameters."""
    random = np.random.default_rng(0)
    plain = random.standard_normal((ITEMS, FEATURES)).clip(-2, 2)
    effect = np.exp(plain @ np.array([0.3, 0.2, -0.1]))
    return judge(DataSet(name, np.column_stack([np.ones(ITEMS), plain]), draw(random, effect)))


def _claims(draw: np.random.Generator, effect: Array) -> Array:
    events = draw.poisson(0.08 * effect)
    return draw.gamma(np.maximum(events, 1e-9), 1000) * (events > 0)


def _demand(draw: np.random.Generator, effect: Array) -> Array:
    return draw.poisson(draw.gamma(0.3, 1.5 * effect / 0.3)).astype(np.float64)


def _salaries(draw: np.random.Generator, effect: Array) -> Array:
    return 30_000 * effect * np.exp(0.7 * draw.standard_normal(len(effect)))


STATED: dict[str, Callable[[np.random.Generator, Array], Array]] = {
    "insurance claims, compound Poisson, 92 % zeros": _claims,
    "intermittent demand, negative binomial": _demand,
    "salaries, lognormal": _salaries,
}


REAL = {  # tables of the regret benchmark, by name
    "randhie.mdvis": "visits to doctors (counts; RAND health insurance)",
    "Bikeshare.bikers": "bicycles hired an hour (counts; ISLP)",
    "engel.foodexp": "expenses for food (Engel)",
    "College.Apps": "applications to colleges (counts; ISLP)",
    "Credit.Balance": "balances of credit cards, a fifth of them zero (ISLP)",
}


def real() -> list[Judged]:
    """Return the ratios on real tables; an empty list where their packages are not installed (make regret)."""
    try:
        from benchmarks.regret.tables.regression import tables  # noqa: PLC0415 - not among the service's packages
    except ModuleNotFoundError:
        return []
    judged = []
    for table in tables():
        if table.name in REAL:
            order = np.random.default_rng(0).permutation(len(table.targets))
            plain = table.features[order]
            plain = ((plain - plain.mean(0)) / (plain.std(0) + 1e-9)).clip(-5, 5)
            features = np.column_stack([np.ones(len(plain)), plain])
            judged.append(judge(DataSet(REAL[table.name], features, table.targets[order])))
    return judged


def main() -> None:
    """Evaluate this number of data sets, a fifth of each generator, and write the results beside this file."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    torch.set_num_threads(1)
    judged = []
    for seed in range(wanted // len(GENERATORS)):
        judged += [judge(data_set(generator, seed), pilot=seed % 4 > 0) for generator in GENERATORS]
    rows = [*(partial(stated, name, draw)() for name, draw in STATED.items()), *real()]
    lines = ["| data | evidence | ratio | article | ratio | mse | poisson |", "|---|---|---:|---|---:|---:|---:|"]
    for one in rows:
        ratios = {who: f"{ratio:.2f}" for who, ratio in one.ratios.items()}
        evidence, article = one.objectives["evidence"], one.objectives["article"]
        lines.append(
            f"| {one.name} | `{evidence}` | {ratios['evidence']} | `{article}` | {ratios['article']} | "
            f"{ratios['mse']} | {ratios.get('poisson', '')} |"
        )
    harmed = [one for one in judged if one.harmed("evidence")]
    for one in harmed[:20]:
        print(one)
    text = f"# Is the total kept?\n\n{(__doc__ or '').partition('?')[2].strip()}\n\n" + "\n".join(lines)
    text += f"\n\n{len(judged)} data sets; in one of four the profile was measured on targets alone.\n\n"
    text += f"{table(judged)}\n"
    (HERE / "harm.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
