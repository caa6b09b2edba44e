// What the benchmark measured of each rule, beside the other book and the best single loss.

import { get } from "../core/api.js";
import { comparisonFigure, intervalFigure } from "../core/chart.js";
import { fill, h } from "../core/dom.js";
import { replace } from "../core/state.js";
import { objective } from "./answer.js";
import { tasksOf } from "./question.js";

/** Show the evidence. */
export async function evidenceView(main, { t, language, query }) {
  const [{ rules }, { losses }] = await Promise.all([get("v1/rules"), get("v1/losses")]);
  const known = new Set(losses.map((loss) => loss.id));
  const measured = rules.filter((rule) => rule.measured.length || rule.compared);
  const tasks = tasksOf(measured).filter((task) => measured.some((rule) => rule.tasks.includes(task)));
  const figures = h("section", {});
  const choice = h("select", { id: "evidence-task" }, tasks.map((task) => h("option", { value: task, selected: task === query.get("task") }, t(`task.${task}`))));
  const show = () => fill(figures, measured.filter((rule) => rule.tasks.includes(choice.value)).map((rule) => ruleFigures(rule, { t, language, known })));
  choice.addEventListener("change", () => { replace("evidence", "", { task: choice.value }); show(); });
  show();
  fill(main, h("h1", {}, t("view.evidence")), h("p", { class: "lead" }, t("evidence_lead")),
    h("div", { class: "filters" }, h("div", { class: "field" }, h("label", { for: "evidence-task" }, t("task")), choice)),
    figures, h("p", { class: "hint" }, t("full_report")));
}

function ruleFigures(rule, { t, language, known }) {
  return h("article", { class: "measured" },
    h("div", {}, h("p", { class: "label" }, t(`book.${rule.book}`)), h("h2", {}, objective(rule.recommend, known)), h("p", { class: "hint", lang: language }, rule.because[language]), h("p", { class: "id" }, h("code", {}, rule.name))),
    h("div", {}, rule.measured.map((each) => {
      const unit = (value) => `${(100 * value).toFixed(each.unit === "relative" ? 1 : 2)}${each.unit === "relative" ? " %" : ""}`;
      const point = (label, value, kind) => ({ label: t(label), value, interval: [value, value], kind });
      return intervalFigure(`${each.metric} · ${t("decided", each.cells, each.clusters)}`, [
        { label: t("this_rule"), value: each.mean_regret, interval: each.interval, kind: rule.book },
        ...(each.other_book === null ? [] : [point("other_book", each.other_book, rule.book === "article" ? "evidence" : "article")]),
        point("best_constant", each.best_constant, "")], t, unit);
    }), rule.compared ? comparisonFigure(rule.compared, t) : null));
}
