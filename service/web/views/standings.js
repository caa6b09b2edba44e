// One experiment: how far it is, the standings as they come in, the verdict, and the rows that only a person can judge.

import { Problem, events, fresh, get, post } from "../core/api.js";
import { intervalFigure, numbers, short } from "../core/chart.js";
import { fill, h } from "../core/dom.js";
import { address } from "../core/state.js";
import { codeTabs, objective } from "./answer.js";
import { problem } from "./problem.js";

const SHOWN = 8; // rows of each figure; the table has all
const OVER = ["succeeded", "failed", "cancelled"];

/** Show an experiment until it is over. */
export async function experimentPage(main, context) {
  const { t, name } = context;
  const path = `v1/experiments/${encodeURIComponent(name)}`;
  const [first, { losses }] = await Promise.all([fresh(path), get("v1/losses")]);
  const known = new Set(losses.map((loss) => loss.id));
  let shown = first;
  const draw = () => fill(main, sections(shown, { ...context, known, path }));
  const leave = new AbortController();
  addEventListener("hashchange", () => leave.abort(), { once: true });
  draw();
  try {
    while (!OVER.includes(shown.status)) {
      for await (const { data } of events(`${path}/events`, leave.signal)) {
        if (data.standings) shown = { ...shown, status: "running", standings: data.standings, progress: { ...shown.progress, done: data.done } };
        draw();
      }
      shown = await fresh(path);
      draw();
    }
  } catch (error) {
    if (error.name !== "AbortError") fill(main, problem(error, t));
  }
}

function sections(experiment, context) {
  const { t, known, language } = context;
  const { verdict, progress, question } = experiment;
  const over = OVER.includes(experiment.status);
  const head = verdict
    ? h("section", { class: "verdict" }, h("p", { class: "label" }, `${experiment.target} · ${metricName(experiment, t)}`), h("h1", {}, objective(verdict.objective, known)), h("p", { class: "summary", lang: language, role: "status" }, verdict.summary))
    : h("section", { class: "verdict" }, h("h1", {}, question.target), h("p", { class: "hint", role: "status" }, t(`status.${experiment.status}`)));
  const bar = over ? null : h("section", { class: "verdict" },
    h("progress", { max: progress.total, value: progress.done, "aria-label": t("trained", progress.done, progress.total) }),
    h("p", { class: "hint" }, t("trained", progress.done, progress.total), progress.seconds_left ? `, ${t("seconds_left", Math.ceil(progress.seconds_left))}` : ""),
    h("p", {}, h("button", { type: "button", onclick: () => post(`${context.path}/cancel`, {}) }, t("cancel"))));
  const failed = experiment.problem ? problem(new Problem(experiment.problem.status ?? 422, experiment.problem), t) : null;
  const code = Object.entries(experiment.snippets ?? {}).filter(([, text]) => text);
  return [head, bar, failed, extremes(experiment, context), standings(experiment, t), judged(experiment, context),
    code.length ? h("section", {}, h("h2", {}, t("code_for")), codeTabs(code, t)) : null,
    verdict ? h("p", { class: "back" }, h("a", { href: `${context.path}/report` }, t("report"))) : null,
    over ? h("p", { class: "back" }, h("a", { href: address("experiments", "", { dataset: question.dataset, target: question.target }) }, t("again_experiment"))) : null];
}

function metricName({ metric, metric_title: title, question }, t) {
  const name = metric ?? question.goal.metric;
  return t.has(`metric.${name}`) ? t(`metric.${name}`) : title ?? name ?? t("metric_default");
}

/** Return how much worse than the chosen loss the others of one kind of model are, with intervals. */
export function differences(experiment, model, t) {
  const rows = experiment.standings.filter((each) => each.model === model && typeof each.difference === "number").slice(0, SHOWN);
  const isShare = experiment.difference_unit !== "absolute";
  const chosen = rows.find((each) => each.difference === 0 && !each.difference_interval);
  const size = (value) => (isShare ? `${(100 * value).toFixed(1).replace(/^-(0\.0)$/, "$1")} %` : short(value));
  const ends = rows.filter((each) => each.tied).flatMap((each) => each.difference_interval ?? [0, 0]);
  const far = Math.max(0, ...rows.map((each) => each.difference));
  const low = Math.min(0, ...ends), near = Math.max(0, ...ends);
  const high = near > 0 ? Math.min(Math.max(far, near), 3 * near) : far;
  return intervalFigure(t("differences_of", t(`model.${model}`), metricName(experiment, t), chosen ? `${chosen.objective}: ${short(chosen.value)}` : ""),
    rows.map((each) => ({ label: `${each.objective}${each === chosen ? "" : each.tied ? ` · ${t("tied")}` : ""}`, value: each.difference, interval: each.difference_interval ?? [each.difference, each.difference], kind: each.tied ? "evidence" : "", shown: each === chosen ? t("the_chosen") : size(each.difference) })),
    t, size, [low, high > low ? high : low + 1]);
}

function standings(experiment, t) {
  const models = [...new Set(experiment.standings.map((each) => each.model))];
  if (!models.length) return null;
  const figures = models.map((model) => differences(experiment, model, t));
  const table = numbers(t, [t("loss"), t("model"), t("value"), t("from"), t("to"), t("regret"), t("probability_best"), t("learning_rate")], experiment.standings.map((each) =>
    [each.objective, t(`model.${each.model}`), each.value, ...(each.interval ?? ["", ""]), each.regret, each.probability_best, each.learning_rate]));
  table.querySelector("summary").textContent = t("all_standings");
  return h("section", {}, figures, table);
}

function extremes({ extreme_rows: rows, question, verdict }, { t, known }) {
  if (!verdict || !rows.length || question.goal.outliers === "errors" || question.goal.outliers === "signal") return null;
  const readings = [["if_signal", verdict.if_outliers_are_signal], ["if_errors", verdict.if_outliers_are_errors]].filter(([, other]) => other);
  const again = async (outliers) => {
    const made = await post("v1/experiments", { ...question, goal: { ...question.goal, outliers } });
    location.hash = address("experiments", made.id).slice(1);
  };
  return h("section", {}, h("div", { class: "ask" }, h("p", { class: "asked" }, t("extreme")), h("p", { class: "hint" }, t("extreme_lead")),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("extreme") }, h("table", {},
      h("thead", {}, h("tr", {}, ["row", "target", "predicted", "sigmas"].map((name) => h("th", { scope: "col" }, name === "target" ? question.target : t(name))))),
      h("tbody", {}, rows.slice(0, 10).map((each) => h("tr", {}, h("th", { scope: "row" }, String(each.row + 1)), [each.target, each.predicted, Math.abs(each.sigmas)].map((value) => h("td", {}, short(value)))))))),
    readings.map(([name, other]) => h("p", {}, t(name), " ", other.agrees ? t("the_same") : objective(other.objective, known))),
    h("div", { class: "answers" }, ["errors", "signal"].map((name) => h("button", { type: "button", onclick: () => again(name) }, h("span", {}, t(`they_are_${name}`)))))));
}

function judged({ verdict, verdicts, warnings }, { t, language, known }) {
  if (!verdict) return null;
  const others = verdicts.filter((each) => each.model !== verdict.model);
  return h("section", {}, h("h2", {}, t("how_judged")), h("p", { lang: language }, verdict.selection),
    others.map((each) => h("p", {}, `${t(`model.${each.model}`)}: `, objective(each.objective, known), ". ", h("span", { class: "hint" }, each.summary))),
    warnings.map((text) => h("p", { class: "notice" }, text)));
}
