"""An objective as text: "dice + 0.5*bce(pos_weight=3)". Parsed against a whitelist, never evaluated."""

import ast
import re
import sys
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from losses.contract import names
from losses.contract.loss import BoundLoss, Value, show
from losses.errors import BadExpression, UnknownLoss, did_you_mean
from losses.near import near
from losses.text import Text, paragraph

LONGEST_EXPRESSION = 1_000  # characters; sixty losses with all their parameters fit
MOST_TERMS = 16
_WORDS: dict[str, Value] = {"none": None, "null": None, "None": None, "true": True, "false": False}
_LOST_PLUS = re.compile(r"(?<=[\w)]) (?= *[A-Za-z\d.])")  # an unescaped + in a query string is decoded as a space
_NO_LIST = Text(
    "A parameter is one number. A number a class is an input beside predictions, as "
    "class_weights, or weights of the shape of targets.",
    "参数是一个数。每个类别一个数的是 predictions 旁边的输入(如 class_weights),或与 targets 形状相同的 weights。",
)
_ILLEGAL = re.compile(r"[^\w\s+*().,='\"-]", re.ASCII)


@dataclass(frozen=True)
class Objective:
    """A weighted sum of losses; the coefficients are positive."""

    terms: tuple[tuple[float, BoundLoss], ...]

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The names of all inputs of all terms, in order, each once."""
        return tuple(dict.fromkeys(role for _, term in self.terms for role in term.loss.roles))

    @cached_property
    def losses(self) -> tuple[str, ...]:
        """The ids of the losses, in the order of the terms."""
        return tuple(term.loss.id for _, term in self.terms)

    @cached_property
    def spreads_at_once(self) -> bool:
        """Whether the standard error needs only one pass: every term is a mean of items, all along the same axis."""
        item_axes = {term.loss.shapes.items.item_axis for _, term in self.terms}
        return all(term.kind == "item" for _, term in self.terms) and len(item_axes) == 1

    @cached_property
    def layouts(self) -> dict[object, object]:
        """A cache of `losses.evaluation.layout`: layouts by the shapes and dtypes of the inputs."""
        return {}

    @cached_property
    def _text(self) -> str:
        """The objective as an expression."""
        return " + ".join(
            str(term) if coefficient == 1 else f"{show(coefficient)}*{term}" for coefficient, term in self.terms
        )

    def __str__(self) -> str:
        """Return the objective as an expression that `parse` reads."""
        return self._text


@lru_cache(1024)  # most requests repeat a few expressions, and parsing one takes 100 us
def parse(text: str) -> Objective:
    """Return the objective that an expression such as "dice + 0.5*bce(pos_weight=3)" denotes.

    Raises: BadExpression with the position, UnknownLoss, BadParameter.
    """
    if len(text) > LONGEST_EXPRESSION:
        raise BadExpression(
            Text(
                f"The objective has {len(text)} characters; {LONGEST_EXPRESSION} are read.",
                f"目标表达式有 {len(text)} 个字符;最多读取 {LONGEST_EXPRESSION} 个。",
            )
        )
    illegal = _ILLEGAL.search(text)
    if illegal:
        message = Text(
            f"Character {illegal.start()} is none that objectives are written with.",
            f"第 {illegal.start()} 个字符不能用于目标表达式。",
        )
        way_out = _NO_LIST if illegal.group() in "[{" else ""
        raise BadExpression(paragraph(message, way_out), illegal.start())
    source = _LOST_PLUS.sub("+", re.sub(r"\s", " ", text))
    start = len(source) - len(source.lstrip())
    try:
        tree = ast.parse(source[start:], mode="eval")
    except SyntaxError as error:
        position = start + error.offset - 1 if error.offset else len(text.rstrip())  # 0 and None: it ends too early
        raise BadExpression(
            Text(f"The text stops making sense at character {position}.", f"文本从第 {position} 个字符起无法理解。"),
            position,
        ) from None
    except (ValueError, RecursionError, MemoryError):
        raise BadExpression(Text("The text is no sum of losses.", "文本不是损失之和。")) from None
    for node in ast.walk(tree.body):
        if isinstance(node, ast.expr):
            node.col_offset += start
    terms = tuple(_terms(tree.body))
    if len(terms) > MOST_TERMS:
        raise BadExpression(
            Text(
                f"The objective has {len(terms)} terms; {MOST_TERMS} are read.",
                f"目标表达式有 {len(terms)} 项;最多读取 {MOST_TERMS} 项。",
            )
        )
    return Objective(terms)


def split_objectives(text: str) -> list[str]:
    """Return the objectives of a list, split at commas and semicolons outside parentheses."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter in ",;" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()] or [text]


def _terms(node: ast.expr) -> list[tuple[float, BoundLoss]]:
    """Return the coefficient and the loss of every term of a sum.

    Raises: BadExpression, UnknownLoss, BadParameter.
    """
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_terms(node.left), *_terms(node.right)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [(_coefficient(node.left), _bound(node.right))]
    return [(1.0, _bound(node))]


def _coefficient(node: ast.expr) -> float:
    """Return the coefficient that a syntax node holds.

    Raises: BadExpression where it is not a positive finite number.
    """
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadExpression(
            Text("A coefficient is a number in front of its loss.", "系数是写在损失之前的数。"), node.col_offset
        )
    if not 0 < value <= sys.float_info.max:
        raise BadExpression(
            Text("A coefficient is greater than 0 and finite.", "系数应大于 0 且有限。"), node.col_offset
        )
    return float(value)


def _bound(node: ast.expr) -> BoundLoss:
    """Return the loss that a syntax node names, with its parameters.

    Raises: BadExpression, UnknownLoss, BadParameter.
    """
    call = node if isinstance(node, ast.Call) else None
    asked_as, (loss, implied) = _named(call.func if call else node)
    params: dict[str, Value] = {}
    for keyword in call.keywords if call else []:
        if keyword.arg is None or keyword.arg in params:
            raise BadExpression(
                Text("Each parameter is named, once.", "每个参数都要写名称,且只写一次。"), keyword.value.col_offset
            )
        params[keyword.arg] = _literal(keyword.value)
    if call and call.args:
        raise BadExpression(Text("Parameters are named: gamma=2.", "参数要写名称:gamma=2。"), call.args[0].col_offset)
    return replace(loss.bind({**implied, **params}), asked_as=asked_as)


def _named(node: ast.expr) -> tuple[str, names.Named]:
    """Return the last part of a dotted name, and the loss that the whole name stands for.

    Raises: UnknownLoss with the position, BadExpression.
    """
    parts: list[str] = []
    inner = node
    while isinstance(inner, ast.Attribute):
        parts, inner = [inner.attr, *parts], inner.value
    if not isinstance(inner, ast.Name):
        raise BadExpression(_instead_of_a_loss(node), node.col_offset)
    try:
        return [inner.id, *parts][-1], names.find(".".join([inner.id, *parts]))
    except UnknownLoss as unknown:
        unknown.facts["position"] = inner.col_offset
        raise


def _instead_of_a_loss(node: ast.expr) -> Text:
    """Return what is wrong with a syntax node that stands where a loss is expected."""
    if isinstance(node, ast.Tuple):
        return Text(
            "Several objectives go in a list; one is a sum, with + between its losses.",
            "多个目标请放在列表中;一个目标是用 + 连接的损失之和。",
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        hyphened = near(ast.unparse(node), names.plain_names())
        no_hyphen = Text(
            "Here a loss is expected: losses are added, and no name has a hyphen.",
            "此处应为损失:损失之间是相加,且名称中没有连字符。",
        )
        return paragraph(no_hyphen, did_you_mean(hyphened))
    if isinstance(node, ast.BinOp):
        return Text(
            "Here a loss is expected: a coefficient stands in front of one loss, not of a sum.",
            "此处应为损失:系数写在一个损失之前,而不是和之前。",
        )
    return Text("Here a loss is expected.", "此处应为损失。")


def _literal(node: ast.expr) -> Value:
    """Return the parameter value that a syntax node holds.

    Raises: BadExpression where it is not a number, a word, true, false or none.
    """
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -value
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str | None):
        return node.value
    if isinstance(node, ast.Name):
        return _WORDS.get(node.id, node.id)
    raise BadExpression(
        Text("A parameter is a number, a word, true, false or none.", "参数是数、单词、true、false 或 none。"),
        node.col_offset,
    )
