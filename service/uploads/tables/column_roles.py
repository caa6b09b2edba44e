"""Chooses the column of each input: as `roles=` says, by the input's name, or by a common synonym."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from losses.errors import did_you_mean, shown
from losses.near import near
from losses.text import Text, listed, paragraph
from service.problems import BadRequest
from service.uploads.roles import MEANT, known_roles, plain_name

ROW_NUMBERS = ("", "__index_level_0__", "Unnamed: 0", "rownames", "...1")  # of R, pandas and readr; left out silently
MOST_SHOWN = 10  # names of the user's own in a refusal or a notice
SLIP = 0.85  # of difflib, from which on a name is taken for a misspelt role
RequestedColumns = tuple[tuple[str, str], ...]  # roles, and a column or a pattern of columns for each


@dataclass(frozen=True)
class Assignment:
    """The columns of each role, which of them were matched by a synonym, and the columns that are not used."""

    columns: dict[str, list[str]]
    assumed: dict[str, str]
    ignored: list[str]


def assign(names: Sequence[str], requested: RequestedColumns) -> Assignment:
    """Return which columns are read as which inputs.

    Args:
        names: The columns in the order of the file.
        requested: The columns of each role as `roles=` states them, by name or by a pattern such as p_* whose columns
            form one array; None to decide by the names.

    Raises: BadRequest where a column is missing, or its meaning is ambiguous.
    """
    columns, assumed = (_as_requested(names, requested), {}) if requested else _by_name(names)
    used = {name for chosen in columns.values() for name in chosen}
    refuse_repeated([name for name in names if name in used])
    ignored = [shown(name) for name in names if name not in used and name not in ROW_NUMBERS]
    return Assignment(columns, assumed, ignored[:MOST_SHOWN] + (["..."] if len(ignored) > MOST_SHOWN else []))


def refuse_repeated(names: Sequence[str]) -> None:
    """Refuse columns of which two have the same name.

    Raises: BadRequest.
    """
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise BadRequest(
            Text(
                f"The column {shown(repeated[0])} stands in the file twice; rename one of them.",
                f"列 {shown(repeated[0])} 在文件中出现两次;请重命名其中之一。",
            )
        )


def by_place(names: Sequence[str], order: Sequence[str], requested: RequestedColumns) -> Assignment:
    """Return the columns of a file without a header by role: in the order of `order`, or as `roles=` says.

    Raises: BadRequest.
    """
    if requested:
        return assign(names, requested)
    if len(names) != len(order):
        places = f"roles={','.join(f'{role}:{place}' for place, role in enumerate(order, 1))}"
        wanted = listed(order)
        raise BadRequest(
            Text(
                f"The file has no header and {len(names)} columns, where {wanted.en} are wanted. Say which: {places}.",
                f"文件没有表头,有 {len(names)} 列,而需要 {wanted.zh}。请写明:{places}。",
            ),
            roles=list(order),
            columns=len(names),
        )
    return Assignment({role: [name] for role, name in zip(order, names, strict=True)}, {}, [])


def _as_requested(names: Sequence[str], requested: RequestedColumns) -> dict[str, list[str]]:
    """Return the columns of each role as `roles=` asks."""
    columns: dict[str, list[str]] = {}
    for role, pattern in requested:
        chosen = [name for name in names if name == pattern] or [name for name in names if fnmatchcase(name, pattern)]
        if not chosen:
            close = near(pattern, names)
            known = _some(names)
            raise BadRequest(
                paragraph(
                    Text(
                        f"The column that is named for {role} is not in the file.",
                        f"为 {role} 写的列在文件中不存在。",
                    ),
                    did_you_mean(shown(close) if close else None),
                    Text(f"It has {known.en}.", f"文件有 {known.zh}。"),
                ),
                role=role,
                did_you_mean=close and shown(close),
            )
        taken = columns.setdefault(role, [])
        taken += [name for name in dict.fromkeys(chosen) if name not in taken]
    return columns


def _by_name(names: Sequence[str]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the columns of each role by their names, and the synonyms that were used."""
    known = known_roles()
    columns = {name: [name] for name in names if name in known}
    assumed: dict[str, str] = {}
    for name in names:
        role = MEANT.get(plain_name(name))
        if name in columns or role is None or (role in columns and role not in assumed):
            continue
        if role in assumed and columns[role] != [name]:
            raise BadRequest(
                Text(
                    f"{assumed[role]} and {shown(name)} may both be the {role}. Say which: roles={role}:COLUMN.",
                    f"{assumed[role]} 和 {shown(name)} 都可能是 {role}。请写明:roles={role}:COLUMN。",
                ),
                role=role,
            )
        columns[role], assumed[role] = [name], shown(name)
    _refuse_slips([name for name in names if MEANT.get(plain_name(name)) not in columns], columns)
    if not columns:
        raise BadRequest(
            Text(
                f"No column is named for an input; the file has {_some(names).en}. Say which is which: "
                "roles=predictions:COLUMN,targets:COLUMN.",
                f"没有以输入命名的列;文件有 {_some(names).zh}。请写明对应关系:"
                "roles=predictions:COLUMN,targets:COLUMN。",
            )
        )
    return columns, assumed


def _refuse_slips(names: Iterable[str], columns: dict[str, list[str]]) -> None:
    """Refuse a column whose name is a near miss of an input's, where that input has no column."""
    meant = {role: role for role in known_roles()} | MEANT
    missing = [name for name, role in meant.items() if role not in columns]
    for name in names:
        close = None if name in columns else get_close_matches(plain_name(name)[:100], missing, n=1, cutoff=SLIP)
        if close:
            raise BadRequest(
                Text(
                    f"The column {shown(name)} is no input. Did you mean {close[0]}? Rename it, or say with roles= "
                    "which columns are wanted.",
                    f"列 {shown(name)} 不是输入。是否指 {close[0]}?请重命名,或用 roles= 写明要用的列。",
                ),
                did_you_mean=close[0],
            )


def _some(names: Sequence[str]) -> Text:
    """Return the first names of a list, with the number of further ones."""
    if not names:
        return Text("no column", "零列")
    some, left = listed(shown(name) or '""' for name in names[:MOST_SHOWN]), len(names) - MOST_SHOWN
    return Text(f"{some.en} and {left} more", f"{some.zh}等,另有 {left} 列") if left > 0 else some
