// The left side of the first screen: a file or sliders, and what the model should be right about.

import { FACTS, STEPS, said, stepOf, valueAt } from "../core/facts.js";
import { fill, h } from "../core/dom.js";
import { dropZone } from "./upload.js";

const TASKS = ["regression", "binary", "multiclass", "multilabel", "segmentation", "detection", "similarity", "generation", "count", "ordinal", "ranking", "survival", "sequence", "distillation", "multitask"];
const FIRST = { regression: ["outlier_rate", "n"], binary: ["class_imbalance", "n"], multiclass: ["class_imbalance", "classes", "n"], multilabel: ["class_imbalance", "n"], segmentation: ["mask_sparsity", "n"], count: ["dispersion", "n"], detection: ["box_area_spread", "n"] };
const DECISIONS = ["probabilities", "ranking", "balanced", "accuracy"];
const FUNCTIONALS = ["mean", "median", "quantile", "interval", "distribution"];
const OUTLIERS = ["unknown", "errors", "signal"];
/** By task: the parts of the goal that are asked for, each with its answers; the first is what is assumed. */
export const GOALS = {
  regression: { functional: FUNCTIONALS, outliers: OUTLIERS },
  count: { functional: FUNCTIONALS },
  binary: { decision: DECISIONS },
  multilabel: { decision: DECISIONS },
  multiclass: { decision: DECISIONS },
  ordinal: { decision: ["accuracy", "probabilities"] },
  segmentation: { segmentation: ["overlap", "boundary", "probabilities"], empty_masks: ["false", "true"] },
  detection: { boxes: ["iou", "coordinates"] },
  ranking: { ranking: ["ndcg", "pairs", "top_one"] },
  generation: { generation: ["likelihood", "adversarial"] },
};

/** Return every task, those first that are asked for most. */
export function tasksOf(rules) {
  return [...new Set([...TASKS, ...rules.flatMap((rule) => rule.tasks)])];
}

/** Return the facts of a task that rules read, with the edges of each: {name: [{value, book}]}. */
export function edgesOf(rules, task) {
  const edges = {};
  for (const rule of rules.filter((each) => each.tasks.includes(task))) {
    for (const { fact, value, threshold } of [...rule.when, ...rule.unless]) {
      if (!(fact in FACTS) || !threshold) continue;
      edges[fact] ??= [];
      if (!edges[fact].some((edge) => edge.threshold === threshold)) edges[fact].push({ value, threshold, book: rule.book });
    }
  }
  return edges;
}

/** Return the panel. `question` has task, facts and goal; `changed` is called after each change of it. */
export function questionPanel(question, { t, language, rules, changed, uploaded, table }) {
  const sliders = h("div", {}), goals = h("div", {});
  const choice = h("select", { id: "task" }, tasksOf(rules).map((task) => h("option", { value: task }, t(`task.${task}`))));
  const draw = () => {
    choice.value = question.task;
    const edges = edgesOf(rules, question.task);
    const first = (FIRST[question.task] ?? ["n"]).filter((name) => name in FACTS);
    const others = [...new Set([...Object.keys(edges), ...(question.task === "regression" ? ["residual_scale"] : []), ...Object.keys(question.facts).filter((name) => name in FACTS)])].filter((name) => !first.includes(name));
    const row = (name) => slider(name, question, edges[name] ?? [], { t, language, changed });
    const open = sliders.querySelector(".more")?.open ?? false;
    fill(sliders, first.map(row), others.length ? h("details", { class: "more", open }, h("summary", {}, t("more_facts", others.length)), others.map(row)) : null);
    fill(goals, Object.entries(GOALS[question.task] ?? {}).map(([part, answers]) => goal(part, answers, question, { t, changed })), book(question, { t, changed }));
  };
  choice.addEventListener("change", () => {
    question.task = choice.value;
    question.goal = {};
    draw();
    changed();
  });
  draw();
  const panel = h("form", { class: "question", "aria-label": t("question"), onsubmit: (event) => event.preventDefault() },
    h("h2", { class: "label" }, t("your_data")),
    dropZone({ t, table, take: (task, facts, own) => { uploaded(task, facts, own); draw(); changed(); } }),
    h("div", { class: "field" }, h("label", { for: "task" }, t("task")), choice),
    sliders, goals);
  return { panel, draw };
}

function slider(name, question, edges, { t, language, changed }) {
  const output = h("output", { for: `fact-${name}` });
  const input = h("input", { type: "range", id: `fact-${name}`, min: "0", max: String(STEPS), step: "1", "aria-describedby": `hint-${name}` });
  const show = () => {
    const text = said(name, question.facts[name], t, language);
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
    input.classList.toggle("unset", question.facts[name] === undefined);
  };
  input.value = question.facts[name] === undefined ? 0 : stepOf(name, question.facts[name]);
  input.addEventListener("input", () => {
    if (Number(input.value) === 0) delete question.facts[name];
    else question.facts[name] = valueAt(name, Number(input.value));
    show();
    changed();
  });
  show();
  const marks = edges.map((edge) => {
    const mark = h("span", { class: `edge ${edge.book}`, title: `${edge.threshold}: ${said(name, edge.value, t, language)}` });
    mark.style.setProperty("--at", String(stepOf(name, edge.value) / STEPS));
    return mark;
  });
  return h("div", { class: "fact" },
    h("label", { for: `fact-${name}` }, t(`fact.${name}`)), output,
    h("div", { class: "track" }, input, h("div", { class: "edges", "aria-hidden": "true" }, marks)),
    h("p", { class: "hint", id: `hint-${name}` }, t(`hint.${name}`)));
}

function book(question, { t, changed }) {
  return h("fieldset", {}, h("legend", {}, t("book")), h("p", { class: "hint" }, t("book_hint")),
    h("div", { class: "choices" }, ["evidence", "article"].map((name) => h("label", { class: "choice" },
      h("input", { type: "radio", name: "book", value: name, checked: name === question.book, onchange: () => { question.book = name; changed(); } }),
      h("span", {}, t(`book.${name}`))))));
}

function goal(part, answers, question, { t, changed }) {
  const chosen = question.goal[part] ?? answers[0];
  return h("fieldset", {}, h("legend", {}, t(`goal.${part}`)),
    h("div", { class: "choices" }, answers.map((answer) => h("label", { class: "choice" },
      h("input", { type: "radio", name: part, value: answer, checked: answer === chosen, onchange: () => { question.goal[part] = answer; changed(); } }),
      h("span", {}, t(`goal.${part}.${answer}`))))));
}
