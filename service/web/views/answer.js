// The right side of the first screen: the loss, why, what would change it, the other book, its curve, and code.

import { get } from "../core/api.js";
import { comparisonFigure, curveFigure, intervalFigure } from "../core/chart.js";
import { copyable, fill, h, tabs } from "../core/dom.js";
import { said } from "../core/facts.js";
import { address } from "../core/state.js";
import { conditionText, factName } from "../core/words.js";
import { problem } from "./problem.js";

const NAMES = { pytorch: "PyTorch", keras: "Keras", optax: "Optax", monai: "MONAI", smp: "smp", sklearn: "scikit-learn", lightgbm: "LightGBM", xgboost: "XGBoost" };
const MOST_CURVES = 6, MOST_SHOWN = 4; // in one answer; that eyes tell apart
let library = "pytorch"; // whose code was looked at last

/** Return the answer to a question as sections. `ask` is called with a change of the question that an answer offers. */
export function answerSections(answer, { t, language, ask, known, compared = null }) {
  const chosen = answer.recommended;
  const head = h("section", { class: "verdict" },
    h("p", { class: "label" }, t(chosen ? `use.${chosen.rulebook}` : "use")),
    h("h1", {}, chosen ? objective(chosen.objective, known) : t("nothing_recommended")),
    h("p", { class: "summary", lang: language }, answer.summary),
    answer.warnings.map((each) => h("p", { class: "notice", lang: language }, each.text)),
    answer.ask ? question(answer.ask, ask, t) : null);
  if (!chosen) return [head, compared];
  return [head, compared, curves(answer, t), why(answer, { t, language, ask, known }), books(answer, t, known), others(answer, t, known), code(answer, t)];
}

/** Return an objective, each of its losses a link to its page. */
export function objective(text, known) {
  const parts = text.split(/([a-z_0-9]+)/);
  return h("code", {}, parts.map((part) => (known.has(part) ? h("a", { href: address("losses", part) }, part) : part)));
}

function question(asked, ask, t) {
  const [group, part] = asked.fact.split(".");
  return h("div", { class: "ask" },
    h("p", { class: "asked" }, asked.question),
    h("div", { class: "answers" }, asked.answers.map((each) =>
      h("button", { type: "button", onclick: () => ask(part ? { goal: { [part]: each.value } } : { facts: { [group]: each.value } }) },
        h("span", {}, each.meaning), h("code", {}, each.objective)))),
    asked.how_to_tell ? h("details", {}, h("summary", {}, t("how_to_tell")), h("p", {}, asked.how_to_tell)) : null);
}

function curves(answer, t) {
  const place = h("section", { class: "drawn", "aria-label": t("curves") }, h("div", { class: "curve-room" }));
  const main = answer.recommended.heads.at(-1).objective;
  const books = [answer.article, answer.evidence].filter(Boolean).map((book) => book.heads.at(-1).objective);
  const others = [...new Set([...books, ...[...answer.alternatives, ...answer.ruled_out].map((each) => each.objective)])].filter((each) => each !== main);
  const parts = main.split(" + ");
  const asked = parts.length > 1 ? [main, ...others] : others;
  get(curvePath(parts[0], asked.slice(0, MOST_CURVES - 1))).then((found) => {
    const lines = new Map(found.curves.map((line) => [line.loss, line])); // of a sum, its first part is asked for too
    const shown = { ...found, curves: [main, ...others].filter((name) => lines.has(name)).map((name) => lines.get(name)).slice(0, MOST_SHOWN) };
    const left = found.left_out.find((each) => each.loss === main) ?? (shown.curves.length ? null : found.left_out[0]);
    fill(place, h("h2", {}, t("curves")), left ? h("p", { class: "hint" }, left.because) : null, shown.curves.length ? curveFigure(shown, t) : null);
  }).catch((error) => fill(place, problem(error, t)));
  return place;
}

/** Return the path of the curve of a loss with others over it; errors run three times as far as the furthest bend. */
export function curvePath(text, others = []) {
  const [, id, parameters = ""] = /^([a-z_0-9]+)(?:\((.*)\))?$/.exec(text.replace(/^[\d.]+\*/, "")) ?? [];
  const bends = [...[text, ...others].join(" ").matchAll(/\b(?:beta|delta|c|scale)=([\d.e+-]+)/g)].map(([, value]) => Number(value));
  const bend = Math.max(1, ...bends);
  const query = new URLSearchParams({ points: "121", unfit: "skip", span: String(Number((3 * bend).toPrecision(3))) });
  if (parameters) query.set("parameters", parameters);
  if (others.length) query.set("others", others.join("; "));
  return `v1/losses/${id}/curve?${query}`;
}

function why(answer, { t, language, ask, known }) {
  const fact = (name) => factName(name, t);
  const side = (row) => (typeof row.threshold !== "number" ? conditionText({ ...row, value: row.threshold }, t, language)
    : `${conditionText({ ...row, value: row.threshold }, t, language)} (${said(row.fact, row.value, t, language)})`);
  const rules = Map.groupBy ? [...Map.groupBy(answer.fired, (row) => row.rule).values()] : answer.fired.map((row) => [row]);
  const fired = rules.map((rows) => h("li", {}, h("p", { lang: language }, rows[0].because), h("p", { class: "hint" }, rows.map(side).join(", "), " · ", rows[0].source)));
  const changes = [];
  const turn = answer.counterfactual;
  if (turn) {
    const bound = turn.below ?? turn.above ?? turn.at_least ?? turn.at_most;
    const way = Object.keys(turn).find((name) => ["below", "above", "at_least", "at_most", "from"].includes(name) && turn[name] !== null && turn[name] !== undefined);
    changes.push(h("li", {}, typeof bound === "number"
      ? t(`change.${way}`, fact(turn.fact), said(turn.fact, bound, t, language)) : fact(turn.fact), " ", objective(turn.objective, known)));
  }
  changes.push(...answer.other_goals.map((each) => h("li", {}, goalText(each.goal, t), " ", objective(each.objective, known))));
  changes.push(...answer.nearly.map((row) => h("li", {}, h("span", { class: "hint" }, t("nearly"), " "), side(row))));
  return h("section", { class: "two" },
    h("div", {}, h("h2", {}, t("why")), h("ul", { class: "plain" }, fired),
      answer.parameters.map((each) => h("p", { class: "hint" }, h("code", {}, `${each.name} = ${each.value}`), ` = ${each.formula}. ${each.source}`)),
      answer.assumptions.map((text) => h("p", { class: "hint", lang: language }, text))),
    h("div", {}, h("h2", {}, t("what_changes")), changes.length ? h("ul", { class: "plain" }, changes) : h("p", { class: "hint" }, t("nothing_changes"))));
}

function goalText(goal, t) {
  const said = Object.entries(goal).filter(([part, value]) => value !== null && part !== "quantile").map(([part, value]) => {
    if (part === "false_negative_cost") return t("a_miss_costs", value);
    const answer = t(`goal.${part}.${value}`);
    return ["outliers", "empty_masks"].includes(part) ? `${t(`goal.${part}`)} ${answer}:` : t("if_you_want", answer);
  });
  return said.join(" ");
}

function books(answer, t, known) {
  const book = (name, each) => h("div", { class: `book${answer.recommended.rulebook === name ? " chosen" : ""}` },
    h("h3", {}, t(`book.${name}`)),
    each ? [h("p", { class: "objective" }, objective(each.objective, known)), each.sources.map((source) => h("p", { class: "hint" }, source.text))] : h("p", { class: "hint" }, t("book.silent")));
  return h("section", {}, h("h2", {}, answer.agreement ? t(`agreement.${answer.agreement}`) : t("both_books")),
    h("div", { class: "two books" }, book("article", answer.article), book("evidence", answer.evidence)),
    measured(answer, t), (answer.evidence?.compared ?? []).map((each) => comparisonFigure(each, t)));
}

/** Return what the benchmark measured of both books, a figure for each unit. */
function measured(answer, t) {
  const rows = ["article", "evidence"].flatMap((name) => (answer[name]?.measured ?? []).map((each) => ({ label: `${each.metric} · ${t(`book.${name}`)}`, value: each.mean_regret, interval: each.interval, kind: name, unit: each.unit })));
  return [...new Set(rows.map((row) => row.unit))].map((unit) => {
    const own = rows.filter((row) => row.unit === unit).sort((a, b) => a.label.localeCompare(b.label));
    return intervalFigure(t(`regret.${unit}`), own, t, (value) => (unit === "relative" ? `${(100 * value).toFixed(1)} %` : `${(100 * value).toFixed(2)}`));
  });
}

function others(answer, t, known) {
  const row = (each, text, kind) => h("li", { class: kind }, objective(each.objective, known), h("p", {}, text));
  if (!answer.alternatives.length && !answer.ruled_out.length) return null;
  return h("section", { class: "two" },
    h("div", {}, h("h2", {}, t("alternatives")), h("ul", { class: "plain" }, answer.alternatives.slice(0, 5).map((each) => row(each, t("prefer_when", each.prefer_when), "")))),
    answer.ruled_out.length ? h("div", {}, h("h2", {}, t("ruled_out")), h("ul", { class: "plain" }, answer.ruled_out.map((each) => row(each, each.because, "out")))) : null);
}

function code(answer, t) {
  const entries = Object.entries(answer.snippets ?? {}).filter(([, text]) => text);
  if (!entries.length) return null;
  return h("section", {}, h("h2", {}, t("code_for")), codeTabs(entries, t));
}

/** Return code for each library in tabs; the library that was looked at last is shown. */
export function codeTabs(entries, t) {
  return tabs(t("code_for"), entries.map(([name, text]) => [name, NAMES[name] ?? name, copyable(text, t, name)]), library, (name) => { library = name; });
}
