"""The contract of a loss: its inputs and their domains, its axes, its parameters, and how it reduces."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal, get_type_hints

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from torch import Tensor

from losses.contract.domains import Domain
from losses.contract.encodings import LOG_PROBABILITIES, LooksLike
from losses.contract.parameters import BY_ITS_LOGARITHM, PastTheEnds
from losses.contract.probability import ProbabilityMapOf
from losses.contract.shapes import Pattern, Shapes
from losses.contract.work import Work
from losses.errors import BadParameter, pointer
from losses.field_errors import field_error
from losses.near import near
from losses.text import Text, listed

Kind = Literal["item", "ratio", "batch"]
Value = float | int | bool | str | None
Roles = Mapping[str, Tensor]


@dataclass(frozen=True)
class Items:
    """The result of a loss for each item; the value of the loss is sum(numerator) / sum(denominator).

    Attributes:
        numerator: The loss of each item, times its weight.
        denominator: The weight of each item; None stands for ones.
        kept: Which items exist although their weight may be 0; None: those of positive weight. Masked and ignored items
            do not exist; items of weight 0 do, and reduction=mean_over_count counts them.
    """

    numerator: Tensor
    denominator: Tensor | None = None
    kept: Tensor | None = None

    @property
    def counts(self) -> Tensor:
        """The denominator, ones where it is None (expanded, so that they take no memory)."""
        ones = self.numerator.new_ones(()).expand_as(self.numerator)
        return ones if self.denominator is None else self.denominator

    @property
    def present(self) -> Tensor:
        """A mask of the items that are neither masked nor ignored, whatever their weight."""
        return self.counts > 0 if self.kept is None else self.kept


@dataclass(frozen=True)
class Sums:
    """Sufficient statistics that add up over chunks, and `finish`, which computes the loss from their totals.

    Attributes:
        parts: The statistics, by the name of their leading axis: shape (rows, ...), summed over the rows.
        finish: Takes the totals of `parts`, in float64, and returns the items of the loss.
    """

    parts: dict[str, Tensor]
    finish: Callable[[dict[str, Tensor]], Items]


@dataclass(frozen=True)
class Call:
    """A call of another library that computes the loss.

    Attributes:
        text: A Python expression of the inputs, with parameters in braces.
        stands_for: The parameters of this call that differ from the library's convention.
    """

    text: str
    stands_for: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class ArticleNote:
    """What the article says of a loss; `note` says where it is imprecise."""

    section: str
    characteristics: Text
    scenarios: Text
    note: Text | None = None


@dataclass(frozen=True)
class Case:
    """A worked example: inputs by role, parameters, and the expected items or value."""

    gives: Any
    params: dict[str, Value] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)


def case(*, gives: object, params: dict[str, Value] | None = None, **inputs: object) -> Case:
    """Return a worked example; the keyword arguments besides `gives` and `params` are its inputs by role."""
    return Case(gives=gives, params=params or {}, inputs=inputs)


@dataclass(frozen=True, kw_only=True, eq=False)
class Loss:
    """An entry of the catalogue: the function of a loss, and the columns that `registry.loss` documents."""

    compute: Callable[..., Tensor | Items | Sums]
    id: str
    title: Text
    tasks: tuple[str, ...]
    shapes: Shapes
    domains: dict[str, Domain]
    formula: str
    source: str
    elicits: str
    activation: str
    probability: ProbabilityMapOf | None
    cases: tuple[Case, ...]
    pytorch: str | Callable[[dict[str, Value]], str]
    elsewhere: dict[str, tuple[Call, ...]]
    traits: frozenset[str]
    aliases: dict[str, dict[str, Value]]
    names_of_log_probabilities: frozenset[str]
    conventions: dict[str, dict[str, Value]]
    differences: tuple[str, ...]
    constant: tuple[str, ...]
    shifts: tuple[tuple[str, ...], ...]
    article: ArticleNote | None
    kind: Kind | Callable[[dict[str, Value]], Kind]
    nothing_counts: str
    no_kernel: str
    elements: Pattern
    work: Work

    @cached_property
    def _signature(self) -> inspect.Signature:
        """The signature of the function."""
        return inspect.signature(self.compute)

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The names of the array inputs, in the order of the signature."""
        return tuple(
            name
            for name, parameter in self._signature.parameters.items()
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        )

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The names of the inputs that must be sent."""
        return tuple(name for name in self.roles if self._signature.parameters[name].default is inspect.Parameter.empty)

    @cached_property
    def differentiable(self) -> tuple[str, ...]:
        """The inputs that gradients are computed for: what a model outputs."""
        return tuple(name for name in self.required if name not in self.constant)

    @cached_property
    def encodings(self) -> dict[str, str | Text]:
        """The advice for inputs whose axes do not fit, by role."""
        return {role: domain.shape_way_out for role, domain in self.domains.items()}

    @cached_property
    def sums_itself(self) -> bool:
        """Whether the function takes `weights` of single elements, because it sums over the elements itself."""
        return "weights" in self._signature.parameters

    @cached_property
    def parameters(self) -> type[BaseModel]:
        """The scalar parameters with their ranges and defaults, as a pydantic model."""
        hints = get_type_hints(self.compute, include_extras=True)
        fields: dict[str, Any] = {
            name: (hints[name], parameter.default)
            for name, parameter in self._signature.parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY and name != "weights"
        }
        if self.conventions:
            convention_names = Literal[tuple(sorted(self.conventions))]  # type: ignore[valid-type] # known when the program runs
            described = Field(description="The parameters another library gives it; those named here come on top.")
            fields["convention"] = (Annotated[convention_names | None, described], None)
        config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)
        return create_model(self.id, __config__=config, **fields)

    def pattern(self, role: str) -> Pattern:
        """Return the axes of the input `role`."""
        return self.shapes.roles[self.roles.index(role)]

    def bind(self, params: Mapping[str, Value] | None = None) -> "BoundLoss":
        """Return the loss with validated parameters and defaults filled in.

        Raises: BadParameter.
        """
        sent = dict(params or {})
        preset = self.conventions.get(str(sent.get("convention")), {})
        try:
            checked = self.parameters.model_validate({**preset, **sent})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            names = list(self.parameters.model_fields)
            name = str(first["loc"][0])
            if first["type"] == "extra_forbidden":
                raise self._unknown_parameter(name, names) from None
            marks = self.parameters.model_fields[name].metadata
            way_out = next((mark.way_out for mark in marks if isinstance(mark, PastTheEnds)), "")
            message = field_error(first)
            wanted = Text(message.en.replace("Input should", "should"), message.zh)
            raise BadParameter(self.id, name, wanted, way_out=way_out) from None
        bound = checked.model_dump()
        return BoundLoss(self, bound, bound.pop("convention", None))

    def _unknown_parameter(self, name: str, parameter_names: list[str]) -> BadParameter:
        """Return the refusal of a parameter that the loss does not have; `parameter_names` are those that it has.

        The message says where the name is an option or an input rather than a parameter.
        """
        suggestion = None
        if name in ("reduction", "size_average", "reduce"):
            wanted = Text(
                "is no parameter but an option of the evaluation: send reduction beside the loss",
                "不是参数,而是计算选项:请在损失旁边发送 reduction",
            )
        elif name in (*self.roles, "weights", "mask"):
            wanted = Text(
                "is no parameter but an input: send it beside the predictions",
                "不是参数,而是输入:请与 predictions 一起发送",
            )
        elif name == "weight" and "class_weights" in self.roles:
            wanted = Text(
                "is no parameter but an input: send class_weights beside the predictions",
                "不是参数,而是输入:请与 predictions 一起发送 class_weights",
            )
        else:
            names, suggestion = listed(parameter_names), near(name, parameter_names)
            has = Text(f"it has {names.en or 'none'}", f"它有 {names.zh}" if parameter_names else "它没有参数")
            wanted = Text(f"is no parameter; {has.en}", f"不是参数;{has.zh}")
        return BadParameter(self.id, pointer(name), wanted, suggestion)


@dataclass(frozen=True)
class BoundLoss:
    """A loss with values for all its parameters."""

    loss: Loss
    params: dict[str, Value]
    convention: str | None = None
    asked_as: str = field(default="", compare=False)  # the name in the expression
    stated: frozenset[str] = field(default=frozenset(), compare=False)  # parameters printed also where they are usual

    @cached_property
    def kind(self) -> Kind:
        """How the items reduce to the value: item, ratio or batch; it can depend on a parameter."""
        kind = self.loss.kind
        return kind(self.params) if callable(kind) else kind

    @cached_property
    def item_axis(self) -> str | None:
        """The axis along which items are counted; None where there is none."""
        return self.loss.shapes.items.item_axis if self.kind == "item" else None

    def refuse_unfit(self, dtype: torch.dtype) -> None:
        """Refuse parameters that overflow or underflow in the dtype of the computation.

        Raises: BadParameter.
        """
        range_, fields = torch.finfo(dtype), self.loss.parameters.model_fields
        for name, value in self.params.items():
            if not isinstance(value, float) or not value or BY_ITS_LOGARITHM in fields[name].metadata:
                continue
            if not range_.smallest_normal <= abs(value) <= range_.max:
                kind = str(dtype).removeprefix("torch.")
                least, most = f"{range_.smallest_normal:.3g}", f"{range_.max:.3g}"
                wider = Text("; dtype=float64 has a wider range", ";dtype=float64 的范围更大")
                advice = Text("", "") if dtype == torch.float64 else wider
                wanted = Text(
                    f"must fit {kind}: 0, or from {least} to {most} in size{advice.en}",
                    f"必须能用 {kind} 表示:0,或大小在 {least} 到 {most} 之间{advice.zh}",
                )
                raise BadParameter(self.loss.id, name, wanted)

    def domain(self, role: str) -> Domain:
        """Return the domain of an input under these parameters, such as probabilities where from_logits is false."""
        domain = self.loss.domains[role]
        return domain.instead.get(self.params.get(domain.switch), domain)

    @cached_property
    def mistakable(self) -> tuple[tuple[str, LooksLike], ...]:
        """Pairs of an input and another encoding whose numbers would be legal for it."""
        return tuple((role, encoding) for role in self.loss.roles for encoding in self._looks_like(role))

    @cached_property
    def one_class_of_several(self) -> bool:
        """Whether targets are masks (n, C, *s) of exclusive classes, which a softmax over the classes predicts."""
        if "targets" not in self.loss.roles or self.loss.pattern("targets").names != ("n", "C", "*s"):
            return False
        domain = self.domain("targets")
        return domain.is_of_probabilities and not domain.simplex and "softmax" in self.loss.activation

    def _looks_like(self, role: str) -> tuple[LooksLike, ...]:
        """Return the other encodings whose numbers would be legal for an input."""
        domain = self.domain(role)
        named = self.asked_as in self.loss.names_of_log_probabilities and role in self.loss.differentiable
        return (*domain.looks_like, *LOG_PROBABILITIES) if named and domain.minus_infinity else domain.looks_like

    def __call__(self, inputs: Roles, weights: Tensor | None = None) -> Tensor | Items | Sums:
        """Compute the formula on one chunk.

        Args:
            inputs: The tensors by role.
            weights: Weights of single elements, used only where the loss sums over elements itself.
        """
        extra = {"weights": weights} if self.loss.sums_itself else {}
        return self.loss.compute(**inputs, **self.params, **extra)

    def __str__(self) -> str:
        """Return the loss as an expression; parameters at their default are left out."""
        return self._text

    @cached_property
    def _text(self) -> str:
        """The loss as an expression."""
        fields = self.loss.parameters.model_fields
        usual = {name: fields[name].default for name in self.params} | self.loss.conventions.get(
            self.convention or "", {}
        )
        shown = {name: value for name, value in self.params.items() if value != usual[name] or name in self.stated}
        named = {"convention": self.convention, **shown} if self.convention else shown
        arguments = ", ".join(f"{name}={show(value)}" for name, value in named.items())
        return f"{self.loss.id}({arguments})" if arguments else self.loss.id


def show(value: Value) -> str:
    """Return a parameter value as an expression spells it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)  # noqa: PLR2004 - exact below
    return str(value)
