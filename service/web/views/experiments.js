// Experiments: a table, its target and a metric; what is sent is shown until its verdict by `standings.js`.

import { fresh, get, post } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { address, replace } from "../core/state.js";
import { problem } from "./problem.js";
import { experimentPage } from "./standings.js";
import { ACCEPTED, likelyTarget, sampleButton, upload } from "./upload.js";

const METRICS = ["rmse", "mae", "median_ae", "rmsle", "mape", "poisson_deviance", "log_loss", "brier", "auc", "average_precision", "balanced_accuracy", "accuracy"];
const BUDGETS = [20, 60, 180]; // seconds

/** Show the form, or the experiment that is named. */
export async function experimentsView(main, context) {
  await (context.name ? experimentPage(main, context) : form(main, context));
}

async function form(main, { t, query }) {
  const asked = { dataset: null, target: query.get("target"), metric: query.get("metric") ?? "", outliers: query.get("outliers") ?? "unknown", seconds: query.get("seconds") ?? "20", models: query.get("models") ?? "linear,mlp" };
  const columns = h("div", { "aria-live": "polite" });
  const faults = h("div", { "aria-live": "polite" });
  const file = h("input", { type: "file", id: "table", accept: ACCEPTED, class: "visually-hidden" });
  const start = h("button", { class: "main", disabled: true }, t("start"));
  const save = () => replace("experiments", "", Object.fromEntries([["dataset", asked.dataset?.id], ["target", asked.target], ["metric", asked.metric], ["outliers", asked.outliers], ["seconds", asked.seconds], ["models", asked.models]].filter(([, value]) => value)));
  const take = (dataset, name) => {
    asked.dataset = dataset;
    const names = (dataset.columns ?? []).map((column) => column.name);
    if (!names.includes(asked.target)) asked.target = likelyTarget(dataset);
    fill(columns, h("p", { class: "file" }, h("strong", {}, name), " ", t("rows_columns", dataset.rows, names.length)), choice("experiment-target", t("target_column"), names.map((each) => [each, each]), asked, "target", save));
    start.disabled = false;
    save();
  };
  const guarded = async (work) => {
    fill(faults);
    try { await work(); } catch (error) { fill(faults, problem(error, t)); }
  };
  const receive = (chosen) => chosen && guarded(async () => {
    fill(columns, h("p", { class: "working" }, t("reading", chosen.name)));
    take(await upload(chosen, t), chosen.name);
  });
  const send = () => guarded(async () => {
    const goal = { outliers: asked.outliers, ...(asked.metric ? { metric: asked.metric } : {}) };
    const made = await post("v1/experiments", { dataset: asked.dataset.id, target: asked.target, goal, models: asked.models.split(","), budget_seconds: Number(asked.seconds) });
    location.hash = address("experiments", made.id).slice(1);
  });
  file.addEventListener("change", () => receive(file.files[0]));
  const zone = h("div", { class: "drop" }, file, h("label", { for: "table" }, t("experiment_file")), h("p", { class: "hint" }, t("no_file_yet")));
  for (const kind of ["dragover", "drop"]) zone.addEventListener(kind, (event) => { event.preventDefault(); if (kind === "drop") receive(event.dataTransfer.files[0]); });
  const earlier = h("section", {});
  fill(main, h("h1", {}, t("view.experiments")), h("p", { class: "lead" }, t("experiments_lead")),
    h("form", { class: "experiment", onsubmit: (event) => { event.preventDefault(); send(); } },
      h("div", {}, zone, sampleButton(t, receive)), columns,
      choice("metric", t("judged_by"), [["", t("metric_default")], ...METRICS.map((name) => [name, t(`metric.${name}`)])], asked, "metric", save),
      choice("outliers", t("goal.outliers"), ["unknown", "errors", "signal"].map((name) => [name, t(`goal.outliers.${name}`)]), asked, "outliers", save),
      choice("models", t("models"), [["linear,mlp", t("models.both")], ["linear", t("model.linear")], ["mlp", t("model.mlp")]], asked, "models", save),
      choice("seconds", t("budget"), BUDGETS.map((seconds) => [String(seconds), t("seconds", seconds)]), asked, "seconds", save),
      h("p", {}, start), faults), earlier);
  if (query.get("dataset")) await guarded(async () => take(await get(`v1/datasets/${query.get("dataset")}`), query.get("dataset")));
  const { experiments } = await fresh("v1/experiments");
  if (experiments.length) fill(earlier, h("h2", {}, t("earlier")), h("ul", {}, experiments.map((each) =>
    h("li", {}, h("a", { href: address("experiments", each.id) }, `${each.question.target}${each.question.goal.metric ? `, ${each.question.goal.metric}` : ""}`), " ", h("span", { class: "hint" }, t(`status.${each.status}`), " · ", new Date(each.created).toLocaleString())))));
  else earlier.remove();
}

function choice(id, label, options, asked, field, save) {
  return h("div", { class: "field" }, h("label", { for: id }, label),
    h("select", { id, onchange: (event) => { asked[field] = event.target.value; save(); } }, options.map(([value, text]) => h("option", { value, selected: value === asked[field] }, text))));
}
