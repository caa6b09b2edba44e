// What a linear model learns from each loss on a table that was uploaded: the quick experiment of /v1/advise.

import { post } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { address } from "../core/state.js";
import { problem } from "./problem.js";
import { differences } from "./standings.js";

const answers = new Map(); // by the question, so that moving a slider trains nothing again

/** Return the answer of /v1/advise with the quick experiment on a table. Raises: Problem. */
export function quickExperiment({ dataset, target }, question = {}) {
  const body = JSON.stringify({ dataset, target, ...question });
  if (!answers.has(body)) {
    const answer = post("v1/advise?experiment=quick", JSON.parse(body));
    answers.set(body, answer);
    answer.catch(() => answers.delete(body));
  }
  return answers.get(body);
}

/** Return a section that says which loss did best on the table, filled as soon as the answer is there. */
export function comparedSection(table, question, { t, language }) {
  const lines = h("div", { "aria-live": "polite" }, h("p", { class: "working" }, t("comparing")));
  const further = address("experiments", "", { dataset: table.dataset, target: table.target });
  quickExperiment(table, question).then(({ experiment }) => {
    fill(lines, h("p", { class: "summary small", lang: language }, experiment.verdict.summary), differences(experiment, experiment.verdict.model, t));
  }).catch((error) => fill(lines, problem(error, t)));
  return h("section", { class: "compared" }, h("h2", {}, t("compared")), lines, h("p", {}, h("a", { class: "button", href: further }, t("compare_further"))));
}
