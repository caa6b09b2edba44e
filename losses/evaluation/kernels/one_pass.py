"""The function that a kernel is compiled from: formulas, checks, sums and moments of one chunk of an objective."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from losses.contract.domain_checks import departure, shows_in_a_sum
from losses.contract.domains import Domain
from losses.contract.loss import BoundLoss, Items, Sums
from losses.evaluation.kernels.axes import equal_axes
from losses.evaluation.kernels.form import DTYPES, Form
from losses.evaluation.layout import looked_at_in
from losses.evaluation.totals import Accumulator

Facts = dict[str, Tensor]


@dataclass
class VectorContents:
    """The meaning of the numbers in the result: `names` of the first, then the sums of quotients by term and axis."""

    names: list[str] = field(default_factory=list)
    totals: list[tuple[int, str]] = field(default_factory=list)


class OnePass(torch.nn.Module):
    """Computes everything that an evaluation needs from one unweighted chunk, as one float64 vector.

    `contents` describes the vector once it was computed.
    """

    def __init__(self, form: Form) -> None:
        """Store the form to compute."""
        super().__init__()
        self.form, self.objective = form, form.objective()
        self.contents = VectorContents()  # of its own, since tracing puts the attributes of a module back

    def forward(self, tensors: Sequence[Tensor]) -> Tensor:
        """Return the result vector for the tensors: the inputs, the open parameters, and the shift of the moments."""
        roles, shift = [entry.role for entry in self.form.inputs], tensors[-1]
        sent = dict(zip(roles, tensors, strict=False))
        self._join_axes(sent)
        free = iter(tensors[len(roles) : -1])
        facts: Facts = {}
        columns: list[Tensor] = []
        totals: list[Tensor] = []
        self.contents.totals = []
        weighted, summed = True, False
        numerators: Facts = {}
        for place, (_, term) in enumerate(self.objective.terms):
            given = {name: next(free) for name, _ in self.form.terms[place].free}
            own = BoundLoss(term.loss, {**term.params, **given})  # type: ignore[dict-item] # tensors stand for numbers
            inputs = {role: self._looked_at(place, own, role, sent, facts) for role in term.loss.roles if role in sent}
            out = own(inputs)
            if isinstance(out, Sums):
                for item_axis, rows in out.parts.items():
                    self.contents.totals.append((place, item_axis))
                    totals.append(rows.sum(0, dtype=torch.float64).flatten())
                continue
            items = out if isinstance(out, Items) else Items(out)
            more = Accumulator(own, {}, {}).columns(items)
            numerators[f"{place} numerator"] = more[0].sum()
            if items.denominator is None:
                weighted = False
            else:
                facts[f"{place} denominator"] = more[1].sum()
                facts[f"{place} kept"] = items.present.sum()
            columns += more
            summed |= items.numerator.ndim > 1
        if weighted or summed or not self.objective.spreads_at_once:  # else the sums of shifted columns give them
            facts |= numerators
        if self.objective.spreads_at_once:
            facts |= _moments(columns, shift, weighted=weighted, by_means=summed)
        self.contents.names = list(facts)
        return torch.cat([torch.stack([fact.to(torch.float64) for fact in facts.values()]), *totals])

    def _join_axes(self, sent: Mapping[str, Tensor]) -> None:
        """State which axes are equally long: the compiler joins loops only where it knows that."""
        for (first, first_axis), *others in equal_axes(self.form):
            for role, axis in others:
                equal = sent[role].shape[axis] == sent[first].shape[first_axis]
                torch._check(equal)  # type: ignore[no-untyped-call] # noqa: SLF001 - torch's public name

    def _looked_at(self, place: int, term: BoundLoss, role: str, sent: Mapping[str, Tensor], facts: Facts) -> Tensor:
        """Return one input of one term as its formula takes it, and add the results for its check to `facts`."""
        domain = term.domain(role)
        chunk = sent[role].to(looked_at_in(domain, sent[role].dtype, DTYPES[self.form.dtype]))
        key = f"{place} {role}"
        if shows_in_a_sum(domain):
            facts[f"{key} sum"] = chunk.sum()
            return chunk
        facts[f"{key} low"], facts[f"{key} high"] = _extremes(term, role, chunk)
        counted: Tensor | None = None
        ignored = term.params.get("ignore_index")
        if domain.whole and ignored is not None:
            counted = torch.ne(chunk, ignored)  # type: ignore[arg-type] # a number
            legal = chunk.where(counted, 0)
            facts[f"{key} counted low"], facts[f"{key} counted high"] = legal.amin(), legal.amax()
        if domain.is_shaped:
            facts[f"{key} departure"] = departure(chunk if counted is None else chunk.where(counted, 0), domain)
        if domain.sizes:
            facts[f"{key} in order"] = (chunk[:, 2:] >= chunk[:, :2]).all()
        if not domain.is_index:
            return chunk
        return _within(chunk.to(torch.int64), counted, self._most(term, domain, sent))

    def _most(self, term: BoundLoss, domain: Domain, sent: Mapping[str, Tensor]) -> int:
        """Return the largest legal number of a domain that an axis bounds."""
        axis = domain.below or domain.up_to
        if axis is None:
            return int(domain.high or 0)
        for role in term.loss.roles:
            names = term.loss.pattern(role).names
            if role in sent and axis in names:
                return sent[role].shape[names.index(axis)] - (1 if domain.below else 0)
        raise ValueError(f"no input of {term.loss.id} has the axis {axis}")


def _extremes(term: BoundLoss, role: str, chunk: Tensor) -> tuple[Tensor, Tensor]:
    """Return the smallest and the largest number.

    Those of (n, C, *s) are taken along some axes first, in a loop that the formula has anyway: that of its sums over
    pixels, where items have none, for labels and probabilities; that of the softmax, along the classes, for the rest.
    """
    if chunk.ndim <= 2 or len(term.loss.pattern(role).names) <= 2:  # noqa: PLR2004 - items and classes
        return chunk.amin(), chunk.amax()
    summed = "*s" not in term.loss.shapes.items.names and term.domain(role).is_of_probabilities
    first = list(range(2, chunk.ndim)) if summed else [1]
    return chunk.amin(first, keepdim=True).amin(), chunk.amax(first, keepdim=True).amax()


def _within(ids: Tensor, counted: Tensor | None, most: int) -> Tensor:
    """Return ids with 0 in place of those that the check will refuse, so that none indexes beyond an axis."""
    legal = (ids >= 0) & (ids <= most)
    return ids.where(legal if counted is None else legal | ~counted, 0)


def _moments(columns: list[Tensor], shift: Tensor, *, weighted: bool, by_means: bool) -> Facts:
    """Return sums and products of shifted columns, and the number of rows where not all count.

    With `by_means` the shift is the means of all rows; the extra pass is cheap over columns that are sums.
    """
    facts: Facts = {}
    moved = [column - (column.mean() if by_means else shift[place]) for place, column in enumerate(columns)]
    if by_means:
        facts |= {f"shift {place}": column.mean() for place, column in enumerate(columns)}
    if weighted:
        counted = torch.stack(columns[1::2]).amax(0) > 0
        facts["rows"] = counted.sum()
        moved = [column.where(counted, 0) for column in moved]
    for place, column in enumerate(moved):
        facts[f"sum {place}"] = column.sum()
        facts |= {f"product {place} {other}": (column * moved[other]).sum() for other in range(place + 1)}
    return facts
