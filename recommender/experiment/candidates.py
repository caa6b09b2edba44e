"""The candidates of an experiment: the requested losses, or the answers of the rule books and the usual losses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from losses.contract.expression import Objective, parse
from losses.contract.loss import BoundLoss, Loss
from losses.errors import Refusal
from losses.text import Text, listed
from recommender.errors import BadExperiment
from recommender.experiment.proposals import CandidateOrigin, Proposal, of_the_books, of_the_scale, stated
from recommender.experiment.target import Target
from recommender.profile import Goal, Profile
from recommender.rules.formula import significant
from recommender.tasks import Task

Link = Literal["identity", "log", "log1p", "logit", "softmax", "score", "cumulative", "conditional", "order"]
MOST_AUTOMATIC = 12
TRIED, DRAWS = 64, 3  # rows and random predictions on which a loss is tried before anything is trained
TRIAL_DIGITS = 9  # to which two losses are one; float64 sums of so few rows agree to 14
OF_CLASSES = ("class_counts", "priors")  # roles of one number a class that are counted in the training rows
# Where the rule books cannot decide, these do: log links for amounts, Cauchy, label smoothing for probabilities. On 33
# tables the mean regret on natural ones was 3.61 % without log links and 1.88 % with them.
USUAL: dict[Task, tuple[str, ...]] = {
    Task.REGRESSION: ("mse", "mae"),
    Task.COUNT: ("poisson_nll", "mse", "mae"),
    Task.BINARY: ("bce", "bce(label_smoothing=0.1)", "focal", "squared_hinge"),
    Task.MULTICLASS: (
        "sparse_categorical_ce",
        "sparse_categorical_ce(label_smoothing=0.1)",
        "focal_softmax",
        "generalized_ce",
    ),
    Task.MULTILABEL: ("bce", "bce(label_smoothing=0.1)", "focal", "asymmetric"),
    Task.ORDINAL: ("corn", "coral", "ordinal_emd2", "sparse_categorical_ce"),
    Task.RANKING: ("lambda_loss", "ranknet", "list_mle", "listnet", "ranking_softmax", "approx_ndcg", "mse"),
}
OF_CLASS_IDS = {Task.ORDINAL: (Task.MULTICLASS,)}  # grades are classes too
OF_THRESHOLDS: dict[str, Link] = {"coral": "cumulative", "corn": "conditional"}


@dataclass(frozen=True)
class Candidate:
    """A loss that takes part in an experiment.

    Attributes:
        objective: The loss with the parameters that all rows give.
        proposal: The loss as a function of facts.
        by_fold: The loss with the parameters of the training rows of each repeat's folds; empty where none is computed.
    """

    objective: str
    link: Link
    one_hot: bool  # whether it takes targets as rows of 0 and 1
    origins: tuple[CandidateOrigin, ...]
    incumbent: bool = False
    proposal: Proposal | None = field(default=None, compare=False, repr=False)
    by_fold: tuple[tuple[str, ...], ...] = ()

    @property
    def parsed(self) -> Objective:
        """The objective, parsed."""
        return parse(self.objective)

    @property
    def is_computed(self) -> bool:
        """Whether its parameters are computed from facts of the rows."""
        return self.proposal is not None and bool(self.proposal.reads)

    def under(self, profiles: Sequence[Sequence[Profile]]) -> "Candidate":
        """Return the candidate with the parameters of each fold, from the facts of its training rows.

        `profiles` has those facts by repeat and fold.
        """
        if self.proposal is None or not self.is_computed:
            return self
        text = self.proposal.text
        return replace(self, by_fold=tuple(tuple(str(parse(text(own))) for own in folds) for folds in profiles))

    def in_folds(self, repeat: int) -> tuple[Objective, ...]:
        """Return the objective of every fold of a repeat; empty where all folds have the same."""
        return tuple(parse(text) for text in self.by_fold[repeat]) if self.by_fold else ()


def candidates_of(
    expressions: Sequence[str] | None, target: Target, profile: Profile, goal: Goal
) -> tuple[list[Candidate], dict[str, str]]:
    """Return the candidates, the incumbent first, and the answer of each rule book.

    The incumbent is the evidence book's recommendation, or the article's where the evidence book has none or it does
    not fit the models of the task.

    Raises: BadExperiment where a requested loss does not fit; what `parse` raises.
    """
    answers, alternatives = of_the_books(target.task, profile, goal)
    wanted = sorted(answers.values(), key=lambda answer: answer.origin, reverse=True)  # evidence first
    if expressions is None:
        wanted += [*_usual(target, profile, goal), *alternatives]
    else:
        wanted += [stated(objective, "asked") for objective in expressions]
    taking_part: dict[object, Candidate] = {}
    for proposal in wanted:
        text = proposal.text(profile)
        fitted = _fitted(text, proposal, target)
        if fitted is None:
            if proposal.origin == "asked":
                raise BadExperiment("candidates", _unfit(text, target))
            continue
        candidate, values = fitted
        same = (candidate.link, *values) if expressions is None else candidate.objective
        known = taking_part.get(same, candidate)
        taking_part[same] = replace(known, origins=tuple(dict.fromkeys((*known.origins, proposal.origin))))
    first, *others = list(taking_part.values())[: None if expressions else MOST_AUTOMATIC]
    return [replace(first, incumbent=True), *others], {name: answer.text(profile) for name, answer in answers.items()}


def _usual(target: Target, profile: Profile, goal: Goal) -> Iterator[Proposal]:
    """Yield the usual losses of a task, with scales from what was measured.

    A log link is expressed as a loss of the logarithm: `msle` compares log(1 + target), and the deviances take the
    logarithm of the mean.
    """
    named = list(USUAL[target.task])
    if goal.quantile is not None:
        named = [f"quantile(quantile={goal.quantile})", f"expectile(expectile={goal.quantile})", *named]
    yield from (stated(text, "usual") for text in named)
    if target.task is Task.REGRESSION:
        yield from of_the_scale(profile)
    if target.is_number and (target.values >= 0).all():
        yield from (stated(text, "usual") for text in ("msle", "poisson_nll", "tweedie"))
        if (target.values > 0).all():
            yield stated("gamma_deviance", "usual")


def _fitted(text: str, proposal: Proposal, target: Target) -> tuple[Candidate, tuple[float, ...]] | None:
    """Return a loss as a candidate for the models of the task, with its `_trial`; None where it cannot be trained."""
    objective = parse(text)
    of_logits = ("from_logits", "log_input")
    if any(
        not _takes_rows(term, target) or any(term.params.get(k) is False for k in of_logits)
        for _, term in objective.terms
    ):
        return None
    links = {_link(term.loss, target) for _, term in objective.terms}
    required = {role for _, term in objective.terms for role in term.loss.required}
    counted = OF_CLASSES if target.one_a_class else ()
    known = {target.task, *OF_CLASS_IDS.get(target.task, ())}
    if target.classes is not None and not all(known & set(term.loss.tasks) for _, term in objective.terms):
        return None  # a loss of numbers or of orders teaches no probability
    if len(links) != 1 or not required <= {"predictions", "targets", *counted}:
        return None
    (link,) = links
    if link is None:
        return None
    for one_hot in (False, True) if target.one_a_class else (False,):
        candidate = Candidate(str(objective), link, one_hot, (proposal.origin,), proposal=proposal)
        values = _trial(candidate, target)
        if values is not None:
            return candidate, values
    return None


def _takes_rows(term: BoundLoss, target: Target) -> bool:
    """Return whether a loss treats rows separately, so that padding of shorter lists does not count."""
    return target.task is not Task.RANKING or term.kind == "item"


def _link(loss: Loss, target: Target) -> Link | None:
    """Return how predictions are computed from a model's output; None where no model here fits the loss."""
    if target.classes is None:
        return _link_of_numbers(loss, target)
    if loss.id in OF_THRESHOLDS:
        return OF_THRESHOLDS[loss.id] if target.task is Task.ORDINAL else None
    if loss.activation == "none":
        return "score"
    if not target.one_a_class:
        return "logit" if loss.activation == "sigmoid" else None
    return "softmax" if loss.activation == "softmax" else None


def _link_of_numbers(loss: Loss, target: Target) -> Link | None:
    """Return the link of a loss of numbers; None where no model here fits the loss."""
    if target.task is Task.RANKING and Task.RANKING in loss.tasks:
        return "order"
    if loss.id == "msle":
        return "log1p"
    links: dict[str, Link] = {"none": "identity", "exp": "log"}
    return links.get(loss.activation)


def _trial(candidate: Candidate, target: Target) -> tuple[float, ...] | None:
    """Return the loss of random predictions, as multiples of the first; None where it takes no predictions.

    Equal objectives under two names, or multiples of each other, have equal trials: they train the same models.
    """
    from losses.evaluation.evaluate import evaluate  # noqa: PLC0415 - what trains needs none of it

    values = torch.from_numpy(_spread(target.values))
    columns = target.outputs - (candidate.link in OF_THRESHOLDS.values())
    shape = (len(values), columns) if target.outputs > 1 else (len(values),)
    generator = torch.Generator().manual_seed(0)
    counts = None if target.ids is None else torch.from_numpy(np.bincount(target.ids, minlength=target.outputs))
    drawn, targets = [], as_targets(values, candidate, target)
    if candidate.link == "order":
        shape = (1, len(values))
        targets = targets.reshape(shape)
    for _ in range(DRAWS):
        if candidate.link in ("identity", "log1p"):
            predictions = values[torch.randperm(len(values), generator=generator)]
        else:
            predictions = torch.randn(shape, generator=generator, dtype=torch.float64)
        given = {
            "predictions": predictions,
            "targets": targets,
            **{role: counts.double() for role in OF_CLASSES if counts is not None and role in candidate.parsed.roles},
        }
        try:
            drawn.append(evaluate(candidate.parsed, given).value)
        except Refusal:
            return None
    first, *others = drawn
    if first is None:
        return None
    return tuple(significant(value / first, TRIAL_DIGITS) for value in others if value is not None and first)


def _spread(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a sample with the smallest and the largest value; for several labels, the first rows."""
    if values.ndim > 1:
        return values[:TRIED]
    ordered = np.sort(values)
    places = np.linspace(0, len(ordered) - 1, min(TRIED, len(ordered))).astype(int)
    return np.asarray(ordered[places])


def as_targets(values: Tensor, candidate: Candidate, target: Target) -> Tensor:
    """Return the targets (n) in the form that a loss takes."""
    if not target.one_a_class:
        return values
    ids = values.long()
    return torch.nn.functional.one_hot(ids, target.outputs).to(values.dtype) if candidate.one_hot else ids


def _unfit(text: str, target: Target) -> Text:
    """Return the reason why an objective cannot be trained on this target."""
    outputs = target.outputs
    each = Text("one number", "一个数") if outputs == 1 else Text(f"{outputs} scores", f"{outputs} 个得分")
    fitting = listed(USUAL[target.task])
    return Text(
        f"{text} does not fit: models here put out {each.en} an item for {target.task}, and a candidate compares them "
        f"with the targets, without other inputs. {fitting.en} fit.",
        f"{text} 不适用:此处的模型对 {target.task} 每项输出{each.zh},候选损失只把它与目标比较,没有其他输入。"
        f"适用的有 {fitting.zh}。",
    )
