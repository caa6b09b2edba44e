// The first screen: the question on the left, the answer on the right, and both in the address.

import { get, post } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { FACTS } from "../core/facts.js";
import { read, replace } from "../core/state.js";
import { answerSections } from "./answer.js";
import { comparedSection } from "./compared.js";
import { problem } from "./problem.js";
import { GOALS, questionPanel } from "./question.js";

const PAUSE_MS = 90; // between a slider's steps nothing is asked
const BOOK = "evidence"; // that decides unless the article is chosen: the sentence on top follows what was measured
const TABLE = ["dataset", "target"]; // of which losses are compared
const EXAMPLE = { task: "regression", facts: { outlier_rate: 0.08, n: 5000 }, goal: {} };

/** Return the question that an address holds: goal.* are parts of the goal, rule.* thresholds, the rest facts. */
export function questionOf(query) {
  const question = { task: query.get("task") ?? EXAMPLE.task, book: query.get("book") ?? BOOK, facts: {}, goal: {}, thresholds: {}, table: null };
  if (![...query.keys()].some((key) => key !== "lang")) Object.assign(question.facts, EXAMPLE.facts);
  for (const [key, value] of query) {
    if (["task", "lang", "book", ...TABLE].includes(key)) continue;
    if (key.startsWith("goal.")) question.goal[key.slice(5)] = value;
    else if (key.startsWith("rule.")) question.thresholds[key.slice(5)] = Number(value);
    else question.facts[key] = value === "" || Number.isNaN(Number(value)) ? plain(value) : Number(value);
  }
  if (TABLE.every((name) => query.get(name))) question.table = Object.fromEntries(TABLE.map((name) => [name, query.get(name)]));
  return question;
}

const plain = (value) => ({ true: true, false: false })[value] ?? value;

/** Return the parameters of the address of a question. */
export function queryOf(question) {
  const flat = Object.entries(question.facts).filter(([, value]) => value !== null).map(([name, value]) => [name, String(value)]);
  return Object.fromEntries([["task", question.task], ...(question.book === BOOK ? [] : [["book", question.book]]), ...flat,
    ...Object.entries(question.goal).map(([name, value]) => [`goal.${name}`, String(value)]),
    ...Object.entries(question.thresholds).map(([name, value]) => [`rule.${name}`, String(value)]),
    ...Object.entries(question.table ?? {})]);
}

/** Return the body of POST /v1/recommend; `measured` holds what a file gave, whose intervals say how near an edge is. */
export function bodyOf(question, measured = {}) {
  const others = Object.entries(measured).filter(([name]) => !(name in FACTS));
  const profile = Object.fromEntries([...others, ...Object.entries(question.facts).map(([name, value]) =>
    [name, measured[name] && measured[name].value === value ? measured[name] : value])]);
  const goal = Object.fromEntries(Object.entries(question.goal).map(([name, value]) => [name, name === "empty_masks" ? value === "true" : name === "quantile" ? Number(value) : value]));
  if (goal.functional === "quantile") goal.quantile ??= 0.9;
  return { task: question.task, profile, goal, rulebook: question.book, thresholds: question.thresholds };
}

/** Show the first screen. */
export async function recommendView(main, { t, language }) {
  const question = questionOf(read().query);
  const measured = {};
  const answers = h("div", { class: "answer" });
  const side = h("div", { class: "answer-side" });
  const peek = h("button", { type: "button", class: "peek", onclick: () => side.scrollIntoView() }); // where the answer lies below
  const status = h("p", { class: "visually-hidden", role: "status" });
  let pending = null, timer = 0;
  const [{ rules }, { losses }] = await Promise.all([get("v1/rules"), get("v1/losses")]);
  const known = new Set(losses.map((loss) => loss.id));
  const ask = async () => {
    pending?.abort();
    pending = new AbortController();
    answers.setAttribute("aria-busy", "true");
    try {
      const answer = await post("v1/recommend", bodyOf(question, measured), pending.signal);
      const { task, goal, rulebook } = bodyOf(question);
      const compared = question.table ? comparedSection(question.table, { task, goal, rulebook }, { t, language }) : null;
      fill(answers, answerSections(answer, { t, language, known, ask: change, compared }));
      status.textContent = answer.summary;
      peek.textContent = answer.recommended ? `${t("use")} ${answer.recommended.objective}` : t("nothing_recommended");
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(answers, problem(error, t, ask));
    }
    answers.removeAttribute("aria-busy");
  };
  const changed = () => {
    replace("recommend", "", queryOf(question));
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  };
  const uploaded = (task, profile, table) => {
    question.task = task;
    question.table = table;
    question.goal = Object.fromEntries(Object.entries(question.goal).filter(([part]) => part in (GOALS[task] ?? {})));
    question.facts = {};
    for (const name of Object.keys(measured)) delete measured[name];
    for (const [name, fact] of Object.entries(profile).filter(([, each]) => each !== null)) {
      if (typeof fact === "object") measured[name] = fact;
      if (name in FACTS || typeof fact !== "object") question.facts[name] = typeof fact === "object" ? fact.value : fact;
    }
  };
  const { panel, draw } = questionPanel(question, { t, language, rules, changed, uploaded, table: question.table });
  const change = (part) => {
    Object.assign(question.goal, part.goal);
    Object.assign(question.facts, part.facts);
    draw();
    changed();
  };
  fill(main, h("div", { class: "ask-and-answer" }, panel, side, peek));
  side.append(status, answers);
  await ask();
}
