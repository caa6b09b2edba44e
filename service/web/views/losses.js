// The catalogue with search, and the page of a loss: formula, curve, parameters, other libraries, code, source.

import { get } from "../core/api.js";
import { curveFigure } from "../core/chart.js";
import { fill, h } from "../core/dom.js";
import { formula } from "../core/formula.js";
import { OF_PARAMETERS } from "../core/parameter_messages.js";
import { address, replace } from "../core/state.js";
import { codeTabs, curvePath } from "./answer.js";

/** Show the catalogue, or the loss that is named. */
export async function lossesView(main, context) {
  await (context.name ? lossPage(main, context) : catalogue(main, context));
}

async function catalogue(main, { t, query }) {
  const { losses } = await get("v1/losses");
  const list = h("ul", { class: "losses" });
  const count = h("p", { class: "hint", role: "status" });
  const search = h("input", { type: "search", id: "search", value: query.get("q") ?? "", autocomplete: "off", spellcheck: "false" });
  const task = h("select", { id: "of-task" }, h("option", { value: "" }, t("every_task")),
    [...new Set(losses.flatMap((loss) => loss.tasks))].map((each) => h("option", { value: each, selected: each === query.get("task") }, t.has(`task.${each}`) ? t(`task.${each}`) : each)));
  const draw = () => {
    const words = search.value.toLowerCase().split(/[\s_.]+/).filter(Boolean);
    const found = losses.filter((loss) => (!task.value || loss.tasks.includes(task.value)) && words.every((word) => text(loss).includes(word)));
    fill(list, found.map((loss) => row(loss, t)));
    if (found.length) fill(count, t("losses_found", found.length, losses.length));
    else wayOut(count, search.value, losses, t);
    replace("losses", "", { ...(search.value ? { q: search.value } : {}), ...(task.value ? { task: task.value } : {}) });
  };
  search.addEventListener("input", draw);
  task.addEventListener("change", draw);
  fill(main, h("h1", {}, t("view.losses")),
    h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      h("div", { class: "field" }, h("label", { for: "search" }, t("search_losses")), search),
      h("div", { class: "field" }, h("label", { for: "of-task" }, t("task")), task)), count, list);
  draw();
}

/** Say that nothing is found, with the loss that was most likely meant. */
function wayOut(place, wanted, losses, t) {
  const meant = nearest(wanted, losses);
  fill(place, t("no_loss_found", wanted), " ", meant ? [t("did_you_mean"), " ", h("a", { href: address("losses", meant.id) }, meant.title), "."] : h("a", { href: address("losses") }, t("show_all")));
}

/** Return the loss of which some name differs from a text in the fewest pairs of letters, where that is not many. */
function nearest(wanted, losses) {
  const pairs = (word) => new Set(Array.from({ length: word.length + 1 }, (_, at) => ` ${word} `.slice(at, at + 2)));
  const own = pairs(wanted.toLowerCase().trim());
  const likeness = (name) => {
    const others = pairs(name.toLowerCase());
    return (2 * [...own].filter((pair) => others.has(pair)).length) / (own.size + others.size);
  };
  const [first] = losses.map((loss) => [Math.max(...[loss.id, loss.title, ...loss.aliases].map(likeness)), loss]).sort((a, b) => b[0] - a[0]);
  return first[0] > 0.4 ? first[1] : null;
}

const text = (loss) => [loss.id, loss.title, ...loss.aliases, ...loss.traits, ...loss.tasks].join(" ").toLowerCase();

function row(loss, t) {
  return h("li", {}, h("h2", {}, h("a", { href: address("losses", loss.id) }, loss.title)),
    h("p", { class: "id" }, h("code", {}, loss.id)), formula(loss.formula),
    h("p", { class: "hint" }, [...loss.tasks.map((task) => (t.has(`short.${task}`) ? t(`short.${task}`) : task)), ...loss.traits.map((trait) => t.has(`trait.${trait}`) ? t(`trait.${trait}`) : trait)].join(" · ")));
}

async function lossPage(main, { t, name, language }) {
  const loss = await get(`v1/losses/${encodeURIComponent(name)}`);
  const drawn = h("section", { "aria-label": t("curves") });
  const properties = Object.entries(loss.parameters.properties ?? {}).filter(([parameter]) => parameter !== "convention");
  fill(main, h("p", { class: "back" }, h("a", { href: address("losses") }, t("view.losses"))),
    h("h1", {}, loss.title), h("p", { class: "id" }, h("code", {}, loss.id), " · ", loss.tasks.map((task) => t(`short.${task}`)).join(", ")),
    formula(loss.formula, true), drawn,
    h("div", { class: "two" },
      h("section", {}, h("h2", {}, t("what_it_is")), definitions([
        [t("elicits"), named(`elicits.${loss.elicits}`, loss.elicits, t)], [t("activation"), named(`activation.${loss.activation}`, loss.activation, t)],
        [t("traits"), loss.traits.map((trait) => (t.has(`trait.${trait}`) ? t(`trait.${trait}`) : trait)).join(", ")],
        [t("kind"), t(`kind.${loss.kind}`)], [t("source"), source(loss.source)], [t("aliases"), loss.aliases.join(", ")]]),
        articleOf(loss, t, language)),
      h("section", {}, h("h2", {}, t("inputs")), definitions(loss.inputs.map((each) => [each.role, [h("code", {}, each.axes), ` ${each.domain}`, each.optional ? ` (${t("optional")})` : ""]])),
        properties.length ? [h("h2", {}, t("parameters")), definitions(properties.map(([parameter, schema]) => [h("code", {}, parameter), [described(schema.description ?? "", language), " ", h("span", { class: "hint" }, t("default", JSON.stringify(schema.default ?? null)))]]))] : null)),
    loss.differences.length ? h("section", {}, h("h2", {}, t("differences")), h("ul", {}, loss.differences.map((each) => h("li", {}, each)))) : null,
    Object.values(loss.snippets).some(Boolean) ? h("section", {}, h("h2", {}, t("code_for")), codeTabs(Object.entries(loss.snippets).filter(([, each]) => each), t)) : null);
  const found = await get(curvePath(loss.id));
  fill(drawn, found.curves.length ? curveFigure(found, t) : h("p", { class: "hint" }, found.left_out[0].because));
}

/** Return what a parameter is in the language of the page; in English where no Chinese is known. */
const described = (sentence, language) => (language === "zh" ? OF_PARAMETERS[sentence] ?? sentence : sentence);

/** Return a word of the catalogue in the language of the page; as it is where that has none. */
const named = (name, word, t) => (t.has(name) ? t(name) : word);

function articleOf(loss, t, language) {
  if (!loss.article) return null;
  const say = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value[language] ?? Object.values(value).join(" ") : Array.isArray(value) ? value.join(" ") : value);
  return h("details", {}, h("summary", {}, t("article_says")), Object.entries(loss.article).map(([, value]) => h("p", {}, String(say(value) ?? ""))));
}

function definitions(rows) {
  return h("dl", {}, rows.filter(([, value]) => value && value.length !== 0).map(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]));
}

/** Return a source, its DOI or arXiv number a link. */
export function source(text) {
  return text.split(/((?:doi:10\.\S+?|arXiv:[\d.]+\d)(?=[,;)\s]|$))/).map((part) => {
    if (part.startsWith("doi:10.")) return h("a", { href: `https://doi.org/${part.slice(4)}`, rel: "noreferrer" }, part);
    if (part.startsWith("arXiv:")) return h("a", { href: `https://arxiv.org/abs/${part.slice(6)}`, rel: "noreferrer" }, part);
    return part;
  });
}
