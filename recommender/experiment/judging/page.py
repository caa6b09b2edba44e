"""The report of an experiment as one self-contained HTML page, without scripts."""

from collections.abc import Sequence
from html import escape

from losses.text import Language, Text, in_language
from recommender.experiment.judging.plots import EPOCHS, curves_of, curves_plot, differences_plot, models_of
from recommender.experiment.judging.report import ExperimentReport, Standing, Verdict

_WORDS = {
    "title": Text("Which loss for {target}?", "预测 {target} 应使用哪种损失?"),
    "standings": Text("Standings", "排名"),
    "training": Text("While it was trained", "训练过程"),
    "books": Text("What the rule books recommend", "规则书的推荐"),
    "rows": Text(
        "Rows far from what the candidates agree about: mistakes, or real?", "与候选损失共识相差最远的行:错误还是真实?"
    ),
    "beware": Text("To know before it is trusted", "使用前须知"),
    "code": Text("The code", "代码"),
    "loss": Text("loss", "损失"),
    "interval": Text("95 %", "95 %"),
    "best": Text("is best with", "最优概率"),
    "regret": Text("worse by", "相差"),
    "book": Text("book", "规则书"),
    "rate": Text("learning rate", "学习率"),
    "row": Text("row", "行"),
    "target": Text("target", "目标"),
    "predicted": Text("predicted", "预测"),
    "sigmas": Text("sigmas", "标准差倍数"),
    "tied": Text("cannot be told from the chosen", "与所选无法区分"),
}
_BOOKS = {"article": Text("article", "文章"), "evidence": Text("evidence", "证据")}
_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1f2430, #e6e9ef); --paper: light-dark(#ffffff, #14171d);
        --soft: light-dark(#5d6675, #9aa3b2); --rule: light-dark(#e2e5ea, #2c323d);
        --best: light-dark(#0b57a4, #7db7ff);
        --wash: light-dark(#f2f6fb, #1b2430); }
body { margin: 0 auto; max-width: 46rem; padding: 2rem 1rem 4rem; background: var(--paper); color: var(--ink);
       font: 16px/1.55 ui-sans-serif, system-ui, "Noto Sans CJK SC", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
.verdict { background: var(--wash); border-left: 4px solid var(--best); padding: .9rem 1.1rem;
           border-radius: 0 8px 8px 0; }
.verdict b { font: 600 1.15rem ui-monospace, monospace; color: var(--best); display: block; overflow-wrap: anywhere; }
:is(p, div).soft { color: var(--soft); font-size: .9rem; }
figure { margin: 0; overflow-x: auto; } svg { width: 100%; min-width: 30rem; height: auto; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; width: 100%; }
th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; } th:first-child, td:first-child { text-align: left; }
td:first-child { font-family: ui-monospace, monospace; } tr.tied td:first-child { color: var(--best); }
pre { background: var(--wash); padding: 1rem; border-radius: 8px; overflow-x: auto; font-size: .85rem; }
li { margin: .3rem 0; }
"""


def report_page(report: ExperimentReport, language: Language = "en") -> str:
    """Return the page; a table below each picture has its numbers."""

    def word(name: str) -> str:
        """Return a heading in the language of the page."""
        return escape(in_language(_WORDS[name], language).format(target=report.target))

    parts = [f"<h1>{word('title')}</h1>", _chosen(report.verdict)]
    parts += [_chosen(other) for other in report.verdicts if other.model != report.verdict.model]
    for model in models_of(report):
        picture = differences_plot(report, model, language)
        parts.append(f"<h2>{word('standings')}: {escape(model)}</h2><figure>{picture}</figure>")
        parts.append(_table_of(report, [row for row in report.standings if row.model == model], language))
        curves = curves_plot(report, model, language)
        if curves:
            table = _table_of_curves(report, model, language)
            parts.append(f"<h2>{word('training')}: {escape(model)}</h2><figure>{curves}</figure>{table}")
    parts.append(f"<h2>{word('books')}</h2>{_books(report, language)}")
    if report.extreme_rows:
        head = [word(name) for name in ("row", "target", "predicted", "sigmas")]
        rows = [
            (str(row.row), f"{row.target:.4g}", f"{row.predicted:.4g}", f"{row.sigmas:.1f}")
            for row in report.extreme_rows
        ]
        parts.append(f"<h2>{word('rows')}</h2>{_table(head, rows)}")
    listed = "".join(f"<li>{escape(text)}</li>" for text in report.warnings)
    parts.append(f"<h2>{word('beware')}</h2><ul>{listed}</ul>")
    parts.append(f"<h2>{word('code')}</h2><pre>{escape(report.snippets.get('pytorch') or '')}</pre>")
    parts.append(f'<p class="soft">Lossary {report.versions.service} · rules {report.versions.rules_hash}</p>')
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{word("title")}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>"
    )


def _chosen(verdict: Verdict) -> str:
    """Return the paragraph with the chosen loss."""
    return (
        f'<div class="verdict"><b>{escape(verdict.objective)}</b>{escape(verdict.summary)}'
        f'<div class="soft">{escape(verdict.model)} · {escape(verdict.selection)}</div></div><br>'
    )


def _table_of(report: ExperimentReport, standings: list[Standing], language: Language) -> str:
    """Return the table of standings of one kind of model."""
    names = ("loss", "interval", "best", "regret", "rate")
    loss, interval, best, regret, rate = (escape(in_language(_WORDS[name], language)) for name in names)
    head = [loss, escape(report.metric), interval, best, regret, rate]
    rows = [_row(report, standing) for standing in standings]
    return _table(head, rows, [standing.tied for standing in standings])


def _row(report: ExperimentReport, standing: Standing) -> tuple[str, ...]:
    """Return the cells of one candidate in the table of standings."""
    if standing.value is None:
        return (standing.objective, "-", "-", "-", "-", "-")
    low, high = standing.interval or (standing.value, standing.value)
    apart = standing.regret or 0.0
    return (
        standing.objective,
        f"{standing.value:.4g}",
        f"{low:.4g} – {high:.4g}",
        f"{100 * standing.probability_best:.0f} %",
        f"{apart:.3g}" if report.larger_is_better else f"{100 * apart:.1f} %",
        f"{standing.learning_rate:g}" if standing.learning_rate else "-",
    )


def _table_of_curves(report: ExperimentReport, model: str, language: Language) -> str:
    """Return the table of learning curves of one kind of model."""
    curves, epochs = curves_of(report, model), in_language(EPOCHS, language)
    head = [in_language(_WORDS["loss"], language), *(f"{epoch:g} {epochs}" for epoch in curves[0].epochs)]
    rows = [
        (curve.objective, *("-" if value is None else f"{value:.4g}" for value in curve.values)) for curve in curves
    ]
    return _table([escape(name) for name in head], rows)


def _books(report: ExperimentReport, language: Language) -> str:
    """Return the table of the rule books' answers with their regret."""
    rows = []
    for name, book in report.verdict.books.items():
        apart = book.regret
        shown = "-" if apart is None else f"{apart:.3g}" if report.larger_is_better else f"{100 * apart:.1f} %"
        rows.append((book.objective, in_language(_BOOKS.get(name, Text(name, name)), language), shown))
    return _table([escape(in_language(_WORDS[name], language)) for name in ("loss", "book", "regret")], rows)


def _table(head: list[str], rows: Sequence[tuple[str, ...]], marked: list[bool] | None = None) -> str:
    """Return an HTML table."""
    top = "".join(f'<th scope="col">{entry}</th>' for entry in head)
    body = "".join(
        f"<tr{' class=tied' if marked and marked[place] else ''}>"
        + "".join(f"<td>{escape(entry)}</td>" for entry in row)
        + "</tr>"
        for place, row in enumerate(rows)
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
