"""The catalogue: every loss under its id and the names other libraries give it."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import losses.families
from losses.contract.domains import NON_NEGATIVE, Domain
from losses.contract.loss import ArticleNote, Call, Case, Kind, Loss, Value
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
_registered: dict[str, Loss] = {}


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
    no_kernel: str = "",
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
    article: ArticleNote | None = None,
    **domains: Domain,
) -> Callable[[Computes], Computes]:
    """Return a decorator that registers a function as a loss; the function's name becomes the loss's id.

    Args:
        title: The name of the loss in both languages.
        task: The task or tasks that the loss is for.
        shapes: The axes of every input in the order of the signature, then "->" and those of the items.
        formula: The loss of one item in LaTeX.
        source: The publication that defines the loss.
        elicits: What the minimiser estimates: mean, median, quantile, probability, ...
        cases: Worked examples.
        pytorch: The body of a function `loss` in plain PyTorch that gives the same number, with parameters in braces,
            or a function of the parameters that returns it.
        activation: What turns the model's outputs into predictions, where the loss takes logits.
        probability: Maps the parameters to the map from outputs to probabilities; it gives None where none is needed.
        kind: item, ratio or batch (see "A loss is a map, a sum and a finish" in docs/architecture.md), or a function of
            the parameters.
        nothing_counts: The reason in the answer where no item counts though some are neither masked nor ignored.
        no_kernel: Why the formula cannot be compiled into a kernel; empty where it can.
        elements: The axes of weights and masks, where those are finer than items (pixels of an image).
        work: Memory and time of a block, where they exceed a few passes over the inputs (all pairs: "n n").
        traits: Properties such as robust or convex.
        aliases: Other names, each with the parameters that it implies.
        names_of_log_probabilities: The aliases, separated by spaces, that take log-probabilities in other libraries.
        conventions: The parameters under which this loss equals each library's.
        elsewhere: For each library, the call or calls that give the same number under its convention; the first that
            accepts the parameters is used.
        differences: Differences to the libraries that no parameter expresses.
        constant: Inputs that no gradient is computed for.
        shifts: Groups of inputs, separated by commas; adding one number to all inputs of a group changes nothing.
        article: What the article says of the loss.
        domains: The domain of every input, by role.
    """

    def register(compute: Computes) -> Computes:
        """Add the function to the catalogue with its columns."""
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
            elsewhere={library: _calls(calls) for library, calls in (elsewhere or {}).items()},
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
            no_kernel=no_kernel,
            elements=Pattern.parse(elements) if elements else parsed.items,
            work=work,
        )
        _registered[entry.id] = entry
        return compute

    return register


def _calls(calls: str | tuple[str | Call, ...]) -> tuple[Call, ...]:
    """Return the calls of one library as `Call` objects."""
    listed = (calls,) if isinstance(calls, str) else calls
    return tuple(Call(call) if isinstance(call, str) else call for call in listed)


@cache
def catalogue() -> dict[str, Loss]:
    """Return every loss by id, in the order of the article's sections; losses that it does not mention come last."""
    for module in pkgutil.iter_modules(losses.families.__path__):
        importlib.import_module(f"losses.families.{module.name}")
    entries = sorted(_registered.values(), key=lambda entry: entry.article.section if entry.article else LAST)
    return {entry.id: entry for entry in entries}


@cache
def names() -> dict[str, tuple[Loss, dict[str, Value]]]:
    """Return every name of every loss, with the parameters that the name implies."""
    by_name: dict[str, tuple[Loss, dict[str, Value]]] = {entry.id: (entry, {}) for entry in catalogue().values()}
    for entry in catalogue().values():
        for alias, params in entry.aliases.items():
            if alias in by_name:
                raise ValueError(f"{alias} names two losses")
            by_name[alias] = (entry, params)
    return by_name
