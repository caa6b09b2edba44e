"""Deliberate refusals: what was wanted, what came, and the way out.

Refusal
├── UnknownLoss          no loss of that name
├── BadExpression        the objective's text cannot be read
├── BadParameter         a parameter's value is out of its range, or no such parameter
├── BadOption            an option that this loss, or these inputs, cannot honour
├── TooMuchAtOnce        a block of this loss on these inputs would hold too much memory
├── MissingInput         a role of the loss was not given
├── UnknownInput         an input that is no role of the loss
├── ShapeMismatch        axes do not fit
├── UnsupportedDtype     numbers of a kind that is not read here
├── DomainViolation      numbers outside the set the loss is defined on
└── NonFiniteInput       NaN or an infinity where a number belongs
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from losses.text import Text, both, listed, paragraph

LONGEST_NAME = 60  # characters of the caller's text that are said back


class Refusal(Exception):  # noqa: N818 - it is the caller's request that is at fault, and nothing broke
    """An error that the caller can mend: `text` says in one sentence what to change, `facts` the same for machines.

    A message passed as a plain string has no Chinese translation; it is then English in both languages. `example` holds
    the arguments of the instance that the API's documentation shows.
    """

    title = Text("The request cannot be answered", "无法回答此请求")
    example: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def __init__(self, text: str | Text, **facts: object) -> None:
        self.text = both(text)
        super().__init__(self.text.en)
        self.facts = {name: value for name, value in facts.items() if value is not None}

    @property
    def message(self) -> str:
        """The message in English, as written to logs."""
        return self.text.en


def refusal_kinds(within: type[Refusal] = Refusal) -> list[type[Refusal]]:
    """Return every concrete refusal class: those without subclasses, in all modules imported so far."""
    below = within.__subclasses__()
    return [kind for each in below for kind in refusal_kinds(each)] if below else [within]


def did_you_mean(suggestion: str | None) -> Text:
    """Return the question "Did you mean ...?" for a suggested name, an empty text for None."""
    return Text(f"Did you mean {suggestion}?", f"是否指 {suggestion}?") if suggestion else Text("", "")


class UnknownLoss(Refusal):
    """No loss of the catalogue has this name."""

    title = Text("No such loss", "没有这个损失")
    example: ClassVar = {"suggestion": "huber"}

    def __init__(self, suggestion: str | None = None, what: str | Text = "", **facts: object) -> None:
        """Make the refusal of an unknown name.

        Args:
            suggestion: The nearest known name.
            what: An explanation, where the name means something other than a loss of the catalogue.
            facts: Further facts for machines.
        """
        unknown = paragraph(Text("There is no loss of that name.", "没有这个名称的损失。"), did_you_mean(suggestion))
        way_out = Text("All losses are at /v1/losses.", "全部损失见 /v1/losses。")
        super().__init__(paragraph(what or unknown, way_out), did_you_mean=suggestion, **facts)


class BadExpression(Refusal):
    """The text of an objective cannot be parsed; `position` is the index of the first character at fault."""

    title = Text("The objective cannot be read", "目标表达式无法解析")
    example: ClassVar = {"message": "After dice there is no + or *.", "position": 5}

    def __init__(self, message: str | Text, position: int | None = None) -> None:
        way_out = Text(
            "Write losses and weights such as dice + 0.5*bce(pos_weight=3).",
            "请写成损失与权重的形式,如 dice + 0.5*bce(pos_weight=3)。",
        )
        super().__init__(paragraph(message, way_out), position=position)


class BadParameter(Refusal):
    """A parameter does not exist, or its value is out of range; `wanted` says what the value must be."""

    title = Text("A parameter of the loss is wrong", "损失的参数有误")
    example: ClassVar = {"loss": "smooth_l1", "parameter": "beta", "wanted": "must be greater than 0"}

    def __init__(
        self,
        loss: str,
        parameter: str,
        wanted: str | Text,
        suggestion: str | None = None,
        way_out: str | Text = "",
    ) -> None:
        meaning = both(wanted)
        wrong = Text(f"{loss}: {parameter} {meaning.en}.", f"{loss}:{parameter} {meaning.zh}。")
        super().__init__(
            paragraph(wrong, way_out),
            loss=loss,
            parameter=parameter,
            wanted=meaning.en,
            did_you_mean=suggestion,
        )


class BadOption(Refusal):
    """An option cannot be honoured for this loss or these inputs."""

    title = Text("An option does not fit", "选项不适用")
    example: ClassVar = {"option": "per_class", "message": "mse has no classes."}

    def __init__(self, option: str, message: str | Text) -> None:
        super().__init__(message, option=option)


class TooMuchAtOnce(Refusal):
    """One block of this loss would need more memory than allowed.

    `fits` is the longest axis that would fit, 0 for none.
    """

    title = Text("It would hold too much memory at once", "一次占用的内存过多")
    example: ClassVar = {
        "loss": "nt_xent",
        "axis": "n",
        "length": 65536,
        "fits": 8192,
        "held_bytes": 17179869184,
        "limit_bytes": 268435456,
    }

    def __init__(self, loss: str, axis: str, length: int, fits: int, held_bytes: int, limit_bytes: int) -> None:
        too_much = Text(
            f"{loss} would hold {held_bytes} bytes at once with {axis} of {length}; {limit_bytes} is the most.",
            f"{axis} 为 {length} 时,{loss} 一次需占用 {held_bytes} 字节,上限为 {limit_bytes}。",
        )
        few = Text(f"At most {fits} would fit.", f"最多可为 {fits}。")
        super().__init__(
            paragraph(too_much, few if fits else Text("Send less of it.", "请减少数据量。")),
            loss=loss,
            axis=axis,
            got=length,
            expected=fits or None,
            held_bytes=held_bytes,
            limit=limit_bytes,
            limit_name="max_block_bytes",
        )


class MissingInput(Refusal):
    """A required input of the loss was not sent."""

    title = Text("An input is missing", "缺少输入")
    example: ClassVar = {"loss": "triplet", "role": "negative", "roles": ("anchor", "positive", "negative")}

    def __init__(self, loss: str, role: str, roles: Iterable[str]) -> None:
        names = list(roles)
        inputs = listed(names)
        text = Text(f"{loss} needs {role}; its inputs are {inputs.en}.", f"{loss} 需要 {role};它的输入有 {inputs.zh}。")
        super().__init__(text, loss=loss, role=role, roles=names)


class UnknownInput(Refusal):
    """An input was sent that the loss does not take."""

    title = Text("An input that the loss does not take", "损失不接受的输入")
    example: ClassVar = {"name": "predicitons", "roles": ("predictions", "targets"), "suggestion": "predictions"}

    def __init__(
        self, name: str, roles: Iterable[str], suggestion: str | None = None, way_out: str | Text = ""
    ) -> None:
        names = list(roles)
        inputs = listed(names)
        super().__init__(
            paragraph(
                Text(f"{pointer(name)} has no meaning here.", f"{pointer(name)} 在此没有意义。"),
                did_you_mean(suggestion) if suggestion else way_out or Text("Leave it out.", "请去掉它。"),
                Text(f"These have: {inputs.en}.", f"有意义的是:{inputs.zh}。"),
            ),
            pointer=pointer(name),
            roles=names,
            did_you_mean=suggestion,
        )


class ShapeMismatch(Refusal):
    """The shape of an input does not match the axes that the loss declares."""

    title = Text("Shapes do not fit", "形状不匹配")
    example: ClassVar = {"role": "targets", "expected": "n", "got": [2, 1], "way_out": "Send targets[:, 0]."}

    def __init__(self, role: str, expected: str, got: Iterable[int], way_out: str | Text = "") -> None:
        self.role, self.expected, self.got = role, expected, list(got)
        mismatch = Text(
            f"{role} must have axes ({expected}), got shape {self.got}.",
            f"{role} 的轴必须是 ({expected}),实际形状为 {self.got}。",
        )
        super().__init__(paragraph(mismatch, way_out), role=role, expected=expected, got=self.got)


class UnsupportedDtype(Refusal):
    """The dtype of an input is not supported."""

    title = Text("Numbers of this kind are not read", "不支持这种数值类型")
    example: ClassVar = {"role": "predictions", "got": "complex64", "accepted": ("float32", "float64")}

    def __init__(self, role: str, got: str, accepted: Iterable[str]) -> None:
        names = list(accepted)
        kinds = listed(names)
        text = Text(f"{role} holds {got}; send {kinds.en}.", f"{role} 的类型为 {got};请发送 {kinds.zh}。")
        super().__init__(text, role=role, got=got, accepted=names)


class DomainViolation(Refusal):
    """An input has a number outside its domain; `index` is the position of the first one."""

    title = Text("Numbers outside the domain of the loss", "数值超出损失的定义域")
    example: ClassVar = {"role": "targets", "wanted": "0 or 1", "index": [3]}

    def __init__(self, role: str, wanted: str | Text, index: list[int], way_out: str | Text = "") -> None:
        self.role, self.wanted, self.index, self.way_out = role, wanted, index, way_out
        meaning = both(wanted)
        outside = Text(
            f"{role} must be {meaning.en}; the first that is not is at index {index}.",
            f"{role} 必须是 {meaning.zh};第一个不符合的位于索引 {index}。",
        )
        super().__init__(paragraph(outside, way_out), role=role, wanted=meaning.en, index=index)

    def at(self, index: list[int]) -> "DomainViolation":
        """Return the same refusal with another index."""
        return DomainViolation(self.role, self.wanted, index, self.way_out)


class NonFiniteInput(Refusal):
    """An input has a NaN or an infinity; `index` is the position of the first one."""

    title = Text("NaN or an infinity in the input", "输入中有 NaN 或无穷大")
    example: ClassVar = {"role": "predictions", "index": [17], "way_out": "Leave it out, or send nonfinite=allow."}

    def __init__(self, role: str, index: list[int], way_out: str | Text) -> None:
        self.role, self.index, self.way_out = role, index, way_out
        text = Text(
            f"{role} has NaN or an infinity, first at index {index}.",
            f"{role} 中有 NaN 或无穷大,首个位于索引 {index}。",
        )
        super().__init__(paragraph(text, way_out), role=role, index=index)

    def at(self, index: list[int]) -> "NonFiniteInput":
        """Return the same refusal with another index."""
        return NonFiniteInput(self.role, index, self.way_out)


def shown(name: str) -> str:
    """Return the first 60 characters of a name that the caller sent, "?" for every one that is not plain ASCII."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in name[:LONGEST_NAME])


def pointer(*names: str) -> str:
    """Return names as a JSON pointer (RFC 6901).

    Each is cut and cleaned by `shown`, since it may come from the caller.
    """
    return "".join("/" + shown(name).replace("~", "~0").replace("/", "~1") for name in names)
