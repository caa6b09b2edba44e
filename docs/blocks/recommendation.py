"""One recommendation as a picture: the question, what was answered and why, and where the answer would be another."""

from collections.abc import Iterator
from html import escape
from itertools import pairwise
from math import log10
from textwrap import wrap

from recommender.profile import Profile
from recommender.recommendation.answer import BookAnswer, Recommendation
from recommender.recommendation.recommend import recommend
from recommender.rules import ROWS
from recommender.rules.table import RulebookName
from recommender.rules.thresholds import THRESHOLDS
from recommender.tasks import Task

TASK, FACT, AT = Task.REGRESSION, "outlier_rate", 0.08
KNOWN = {"residual_scale": 2.1}
WIDTH, HEIGHT, LEFT, RIGHT = 860, 466, 32, 828
NOTE_LETTERS = 112  # of small text in a line of the notes
STRIP_LEFT, STRIP = 132, 696  # px: where the axis of the fact begins, and how long it is
LOW, HIGH = 0.0005, 1.0  # of the fact, on a logarithmic axis
LETTER, HEADING_LETTER = 7.3, 16.5  # px: a letter of the small text, of the heading
_AGREEMENT = {
    "agree": "the evidence agrees",
    "refine": "the evidence refines it",
    "conflict": "the evidence says otherwise",
    "": "one book is silent",
}
BOOKS: tuple[RulebookName, ...] = ("article", "evidence")
STYLE = """\
svg{font:14px system-ui,sans-serif;background:#fff}text{fill:#24292f}.faint{fill:#656d76;font-size:12px}
.code{font-family:ui-monospace,Menlo,Consolas,monospace}.big{font-size:27px;font-weight:650;fill:#0b57a4}.bold{font-weight:650}
.zone{fill:#eef1f4}.chosen{fill:#cfe3f8}.edge,.at{stroke:#fff;stroke-width:3}.at{stroke:#d55e00;stroke-width:2}.mark{fill:#d55e00}
.frame{fill:none;stroke:#d0d7de}.line{stroke:#d0d7de}
@media(prefers-color-scheme:dark){svg{background:#16181d}text{fill:#e6e6e6}.faint{fill:#9aa0a6}.big{fill:#7cb8f5}
.zone{fill:#262a31}.chosen{fill:#1d4064}.edge{stroke:#16181d}.at{stroke:#f0883e}.mark{fill:#f0883e}
.frame,.line{stroke:#3a4049}}"""


def _ask(value: float, book: RulebookName = "article") -> Recommendation:
    return recommend(TASK, profile=Profile(**{FACT: value}, **KNOWN), rulebook=book)  # type: ignore[arg-type] # by name


def picture() -> str:
    """Return the picture as an SVG that stands alone, for light and dark pages."""
    answer = _ask(AT)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="100%"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(_title(answer))}</title><style>{STYLE}</style>",
        f'<rect class="frame" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>',
        *_question(),
        *_decision(answer),
        *_strips(),
        *_footer(answer),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _title(answer: Recommendation) -> str:
    return f"{TASK} with {FACT} {AT:g}: {answer.objective}, since {answer.fired[0].because}"


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>'


def _question() -> Iterator[str]:
    known = ", ".join(f"{name} {value:g}" for name, value in {FACT: AT, **KNOWN}.items())
    yield _text(LEFT, 36, f"{TASK}, {known}", "code faint")
    yield f'<line class="line" x1="{LEFT}" x2="{RIGHT}" y1="50" y2="50"/>'


def _decision(answer: Recommendation) -> Iterator[str]:
    article, parameter = answer.article, answer.parameters[0]
    yield _text(LEFT, 90, answer.objective, "big code")
    beside = LEFT + HEADING_LETTER * len(answer.objective) + 24
    yield _text(beside, 78, f"article, section {_section(article)}: {article.rule if article else ''}", "faint")
    yield _text(beside, 96, _AGREEMENT[answer.agreement or ""], "faint")
    fired = answer.fired[0]
    because = f"{fired.fact} {fired.value} {fired.operator} {fired.threshold}: {fired.because}"
    for place, line in enumerate(wrap(because, int((RIGHT - LEFT) / LETTER))):
        yield _text(LEFT, 128 + 20 * place, line)
    yield _text(LEFT, 158, f"{parameter.name} = {parameter.formula} = {parameter.value:g}", "code faint")


def _section(book: BookAnswer | None) -> str:
    return str(book.section) if book else ""


def _strips() -> Iterator[str]:
    for place, book in enumerate(BOOKS):
        top = 190 + 62 * place
        yield _text(LEFT, top + 28, book, "bold")
        edges = [LOW, *_edges(book), HIGH]
        for low, high in pairwise(edges):
            objective = _ask(low, book).objective
            style = "chosen" if low <= AT < high else "zone"
            yield f'<rect class="{style}" x="{_x(low)}" y="{top}" width="{_x(high) - _x(low):.1f}" height="46"/>'
            yield from _label((_x(low) + _x(high)) / 2, top + 23, objective, _x(high) - _x(low))
        yield from (
            f'<line class="edge" x1="{_x(edge)}" x2="{_x(edge)}" y1="{top}" y2="{top + 46}"/>' for edge in edges[1:-1]
        )
    yield f'<line class="at" x1="{_x(AT)}" x2="{_x(AT)}" y1="182" y2="306"/>'
    ticks = sorted({0.001, 0.01, 1.0} | {edge for book in BOOKS for edge in _edges(book)})
    yield from (
        _text(_x(tick), 322, f"{tick:g}", "faint", "middle") for tick in ticks if abs(_x(tick) - _x(AT)) > LETTER
    )
    yield _text(LEFT, 322, FACT, "faint")
    yield f'<path class="mark" d="M{_x(AT)} 304 l5 8 h-10z"/>'


def _label(x: float, y: float, objective: str, width: float) -> Iterator[str]:
    """Write an objective into its zone, its parameters below it where the zone is narrow."""
    name, _, parameters = objective.partition("(")
    lines = [objective] if not parameters or len(objective) * LETTER < width else [name, f"({parameters}"]
    for place, line in enumerate(lines):
        yield _text(x, y + 5 + 16 * place - 8 * (len(lines) - 1), line, "code faint", "middle")


def _edges(book: RulebookName) -> list[float]:
    """Return the thresholds of the fact at which the answer of a book changes."""
    used = {condition.bound for row in ROWS if row.book == book and TASK in row.tasks for condition in row.when}
    bounds = sorted({each.default for each, fact in THRESHOLDS.values() if fact == FACT and each in used})
    return [bound for bound in bounds if _ask(bound, book).objective != _ask(bound * (1 - 1e-9), book).objective]


def _x(value: float) -> float:
    return round(STRIP_LEFT + STRIP * log10(value / LOW) / log10(HIGH / LOW), 1)


def _footer(answer: Recommendation) -> Iterator[str]:
    yield f'<line class="line" x1="{LEFT}" x2="{RIGHT}" y1="340" y2="340"/>'
    named = [other for other in answer.alternatives if other.origin == "rule"]
    lines = [
        ("learns", answer.warnings[0].text if answer.warnings else ""),
        ("or else", "; ".join(f"{other.objective} where {other.prefer_when}" for other in named)),
        ("not", "; ".join(f"{out.objective}: {out.because}" for out in answer.ruled_out)),
    ]
    for place, (heading, said) in enumerate((heading, said) for heading, said in lines if said):
        yield _text(LEFT, 364 + 34 * place, heading, "bold")
        for below, line in enumerate(wrap(said, NOTE_LETTERS)[:2]):
            yield _text(STRIP_LEFT - 40, 364 + 34 * place + 15 * below, line, "faint")
