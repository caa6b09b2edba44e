// Facts and conditions in the words of the language.

import { said } from "./facts.js";

/** Return what a fact is called. */
export function factName(name, t) {
  return t.has(`fact.${name}`) ? t(`fact.${name}`) : t.has(name) ? t(name) : name;
}

/** Return a condition in words: of a fact with a number, a text, or a part of the goal. */
export function conditionText({ fact, operator, value }, t, language) {
  if (typeof value === "number") return `${factName(fact, t)} ${{ ">=": "\u2265", "<=": "\u2264" }[operator] ?? operator} ${said(fact, value, t, language)}`;
  if (fact === "task") return t.has(`task.${value}`) ? t(`task.${value}`) : value;
  if (fact.startsWith("goal.")) return t("goal_is", t.has(`${fact}.${value}`) ? t(`${fact}.${value}`) : operator === "known" ? factName(fact, t) : value);
  if (operator === "known") return `${factName(fact, t)} ${t("is_known")}`;
  return `${factName(fact, t)}: ${[value].flat().join(", ").replaceAll("_", " ")}`;
}
