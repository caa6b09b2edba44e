"""The catalogue: every loss under its id and the names other libraries give it."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import losses.families
from losses.contract.domains import NON_NEGATIVE, Domain
from losses.contract.loss import Call, Case, Kind, Loss, Said, Value
from losses.contract.probability import ProbabilityMapOf
from losses.contract.shapes import Pattern, Shapes
from losses.contract.work import PLAIN, Work
from losses.text import Text, both

Computes = Callable[..., Any]
_TRAINED_BY: dict[str | Text, str] = {
    Text(
        "bce, or cross_entropy for several classes", "bce,多个类别时为 cross_entropy"
    ): "accuracy acc binaryaccuracy categoricalaccuracy "
    "sparsecategoricalaccuracy balancedaccuracy topkaccuracy topk errorrate zeroone",
    "bce": "auc rocauc auroc averageprecision prauc auprc",
    "dice": "f1 fscore fbeta fmeasure dicescore dicecoefficient",
    Text(
        "tversky, with alpha and beta for false positives and negatives",
        "tversky,其 alpha 和 beta 分别对应假正例和假负例",
    ): "precision recall sensitivity specificity",
    "jaccard": "iouscore miou meaniou jaccardscore jaccardindex",
    "approx_ndcg": "ndcg dcg mrr map meanaverageprecision",
    "mse": "rmse rootmeansquarederror r2 explainedvariance psnr",
    "cross_entropy": "perplexity bleu rouge",
    "ctc": "wer cer worderrorrate",
}
LOSS_OF_METRIC = {
    metric: both(loss) for loss, metrics in _TRAINED_BY.items() for metric in metrics.split()
}  # what is asked for as a loss and judges a model, by the loss that trains one for it
LAST = "9"  # sorts after every section of the article
_shelf: dict[str, Loss] = {}


def loss(
    *,
    title: Text,
    task: str | tuple[str, ...],
    shapes: str,
    formula: str,
    source: str,
    elicits: str,
    cases: list[Case],
    pytorch: str | Callable[[dict[str, Value]], str],
    activation: str = "none",
    probability: ProbabilityMapOf | None = None,
    kind: Kind | Callable[[dict[str, Value]], Kind] = "item",
    nothing_counts: str = "",
    elements: str | None = None,
    work: Work = PLAIN,
    traits: set[str] | None = None,
    aliases: Mapping[str, dict[str, Value]] | None = None,
    names_of_log_probabilities: str = "",
    conventions: Mapping[str, dict[str, Value]] | None = None,
    elsewhere: Mapping[str, str | tuple[str | Call, ...]] | None = None,
    differences: tuple[str, ...] = (),
    constant: tuple[str, ...] = ("targets",),
    shifts: str = "",
    article: Said | None = None,
    **domains: Domain,
) -> Callable[[Computes], Computes]:
    """Register a function as a loss; its name is the id, further keywords are the domains of its inputs.

    `shapes`: the axes of every input in order, then those of the items. `elements`: what a weight or a mask may
    stand for where that is finer than an item (pixels of an image). `work`: what a block holds and costs where that is
    more than a few passes over its inputs (all pairs: n n). `pytorch`: the body of a function `loss` that gives the
    same number, its parameters in braces or passed in. `conventions`: what each library's name for it stands for, in
    parameters of its own; `differences`: what those cannot say. `elsewhere`: the call of each library that gives the
    same number under its convention, an expression of the inputs with parameters in braces; of several, the first that
    takes the parameters wanted counts. `constant`: inputs that no gradient is taken for. `shifts`: inputs to
    which one number may be added, to those named together, without any change (both sides of an error, the scores of a
    softmax); a comma stands between those that may be shifted without the others.
    `names_of_log_probabilities`: the aliases that elsewhere take log-probabilities, and no logits.
    `nothing_counts`: the reason that is given where no item counts although some are neither masked nor ignored.
    `probability`: of the parameters, what maps the output back to a probability where the loss bends it; None
    where nothing is bent.
    """

    def register(compute: Computes) -> Computes:
        """Add the function to the catalogue, after checking its columns against its signature."""
        parsed = Shapes.parse(shapes)
        entry = Loss(
            compute=compute,
            id=compute.__name__,
            title=title,
            tasks=(task,) if isinstance(task, str) else task,
            shapes=parsed,
            domains={"class_weights": NON_NEGATIVE, **domains},
            formula=formula,
            source=source,
            elicits=elicits,
            activation=activation,
            probability=probability,
            cases=tuple(cases),
            pytorch=pytorch,
            elsewhere={library: _calls(given) for library, given in (elsewhere or {}).items()},
            traits=frozenset(traits or ()),
            aliases=dict(aliases or {}),
            names_of_log_probabilities=frozenset(names_of_log_probabilities.split()),
            conventions=dict(conventions or {}),
            differences=differences,
            constant=constant,
            shifts=tuple(tuple(group.split()) for group in shifts.split(",") if group),
            article=article,
            kind=kind,
            nothing_counts=nothing_counts,
            elements=Pattern.parse(elements) if elements else parsed.items,
            work=work,
        )
        _shelf[entry.id] = entry
        return compute

    return register


def _calls(given: str | tuple[str | Call, ...]) -> tuple[Call, ...]:
    listed = (given,) if isinstance(given, str) else given
    return tuple(Call(call) if isinstance(call, str) else call for call in listed)


@cache
def catalogue() -> dict[str, Loss]:
    """Return every loss by id, in the order in which the article speaks of them."""
    for module in pkgutil.iter_modules(losses.families.__path__):
        importlib.import_module(f"losses.families.{module.name}")
    entries = sorted(_shelf.values(), key=lambda entry: entry.article.section if entry.article else LAST)
    return {entry.id: entry for entry in entries}


@cache
def names() -> dict[str, tuple[Loss, dict[str, Value]]]:
    """Return every name a loss answers to, with the parameters that name implies."""
    known: dict[str, tuple[Loss, dict[str, Value]]] = {entry.id: (entry, {}) for entry in catalogue().values()}
    for entry in catalogue().values():
        for alias, params in entry.aliases.items():
            if alias in known:
                raise ValueError(f"{alias} names two losses")
            known[alias] = (entry, params)
    return known
