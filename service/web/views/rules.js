// The rules of both books as a table, and the thresholds with a slider at each edge: moved, they go into the next question.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { FACTS, STEPS, said, stepOf, valueAt } from "../core/facts.js";
import { address, replace } from "../core/state.js";
import { conditionText } from "../core/words.js";
import { source } from "./losses.js";
import { tasksOf } from "./question.js";
import { objective } from "./answer.js";

/** Show the rules of a task. */
export async function rulesView(main, { t, language, query }) {
  const [{ rules, thresholds }, { losses }] = await Promise.all([get("v1/rules"), get("v1/losses")]);
  const known = new Set(losses.map((loss) => loss.id));
  const moved = Object.fromEntries([...query].filter(([name]) => name.startsWith("rule.")).map(([name, value]) => [name.slice(5), Number(value)]));
  const choice = h("select", { id: "rules-task" }, tasksOf(rules).map((task) => h("option", { value: task, selected: task === (query.get("task") ?? "regression") }, t(`task.${task}`))));
  const place = h("div", {});
  const ask = h("a", { class: "button" }, t("ask_with_these"));
  const overridden = () => ({ task: choice.value, ...Object.fromEntries(Object.entries(moved).map(([name, value]) => [`rule.${name}`, String(value)])) });
  const saved = () => {
    replace("rules", "", overridden());
    ask.href = address("recommend", "", overridden());
  };
  const draw = () => {
    const own = rules.filter((rule) => rule.tasks.includes(choice.value));
    const used = new Set(own.flatMap((rule) => [...rule.when, ...rule.unless].map((each) => each.threshold)));
    const edges = thresholds.filter((each) => used.has(each.name));
    fill(place,
      edges.length ? h("section", {}, h("h2", {}, t("thresholds")), h("p", { class: "hint" }, t("thresholds_hint")), edges.map((each) => edge(each, moved, saved, t, language)), h("p", {}, ask)) : null,
      ["article", "evidence"].map((book) => table(own.filter((rule) => rule.book === book), book, { t, language, known })));
    saved();
  };
  choice.addEventListener("change", draw);
  fill(main, h("h1", {}, t("view.rules")), h("p", { class: "lead" }, t("rules_lead")), h("div", { class: "filters" }, h("div", { class: "field" }, h("label", { for: "rules-task" }, t("task")), choice)), place);
  draw();
}

function edge(threshold, moved, saved, t, language) {
  const id = `edge-${threshold.name}`;
  const movable = threshold.fact in FACTS;
  const output = h("output", { for: id });
  const show = () => {
    const value = moved[threshold.name] ?? threshold.value;
    output.textContent = said(threshold.fact, value, t, language);
    input?.setAttribute("aria-valuetext", output.textContent);
    reset.hidden = !(threshold.name in moved);
  };
  const input = movable ? h("input", { type: "range", id, min: "1", max: String(STEPS), value: stepOf(threshold.fact, moved[threshold.name] ?? threshold.value) }) : null;
  const reset = h("button", { type: "button", class: "quiet" }, t("reset"));
  input?.addEventListener("input", () => { moved[threshold.name] = valueAt(threshold.fact, Number(input.value)); show(); saved(); });
  reset.addEventListener("click", () => { delete moved[threshold.name]; input.value = stepOf(threshold.fact, threshold.value); show(); saved(); });
  show();
  return h("div", { class: "fact wide" }, h("label", movable ? { for: id } : {}, h("span", { lang: language }, threshold.description[language]), " ", h("code", {}, threshold.name)),
    output, h("div", { class: "track" }, input, reset), h("p", { class: "hint" }, source(threshold.source)));
}

function table(rules, book, { t, language, known }) {
  if (!rules.length) return h("section", {}, h("h2", {}, t(`book.${book}`)), h("p", { class: "hint" }, t("book.silent")));
  const condition = (each, not) => h("li", {}, not ? `${t("unless")} ` : "", conditionText(each, t, language));
  return h("section", {}, h("h2", {}, t(`book.${book}`)), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t(`book.${book}`) },
    h("table", { class: "rules" }, h("thead", {}, h("tr", {}, ["when", "then", "because", "source"].map((name) => h("th", { scope: "col" }, t(name))))),
      h("tbody", {}, rules.map((rule) => h("tr", {},
        h("td", {}, rule.when.length + rule.unless.length ? h("ul", { class: "plain" }, rule.when.map((each) => condition(each, false)), rule.unless.map((each) => condition(each, true))) : t("else")),
        h("th", { scope: "row" }, objective(rule.recommend, known)),
        h("td", { lang: language }, rule.because[language]),
        h("td", { class: "hint" }, source(rule.source.replace(/^article, section (\S+)$/, (_, section) => t("article_section", section))))))))));
}
