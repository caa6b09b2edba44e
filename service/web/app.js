// The page: its head, its foot, and the view that the address names.

import { speak } from "./core/api.js";
import { fill, h, s } from "./core/dom.js";
import { translator } from "./core/messages.js";
import { address, read } from "./core/state.js";
import { problem } from "./views/problem.js";

const VIEWS = {
  recommend: async () => (await import("./views/recommend.js")).recommendView,
  losses: async () => (await import("./views/losses.js")).lossesView,
  rules: async () => (await import("./views/rules.js")).rulesView,
  evidence: async () => (await import("./views/evidence.js")).evidenceView,
  experiments: async () => (await import("./views/experiments.js")).experimentsView,
};
const main = document.getElementById("main");
let shown = "";

/** Return the language that the address names, else that of the browser. */
function languageOf(query) {
  const wanted = query.get("lang") ?? navigator.languages[0] ?? "en";
  return wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function header(view, language, t) {
  const other = language === "en" ? "zh" : "en";
  const { query, name } = read();
  const turned = new URLSearchParams(query);
  turned.set("lang", other);
  fill(document.getElementById("header"),
    h("a", { class: "mark", href: address("recommend") }, s("svg", { viewBox: "0 0 32 32", "aria-hidden": "true" }, s("path", { d: "M3 5C8 24 12 27 16 27s8-3 13-22" })), "Lossary"),
    h("nav", { "aria-label": t("pages") }, Object.keys(VIEWS).map((each) =>
      h("a", { href: address(each), "aria-current": each === view ? "page" : null }, t(`view.${each}`))), h("a", { href: "docs" }, "API")),
    h("a", { class: "language", href: address(view, name, Object.fromEntries(turned)), lang: other, hreflang: other }, other === "zh" ? "中文" : "English"));
  document.getElementById("skip").textContent = t("skip");
  fill(document.getElementById("footer"), h("p", {}, t("about"), " ", h("a", { href: "docs" }, t("about_docs"))));
}

async function show() {
  const { view: wanted, name, query } = read();
  const view = wanted in VIEWS ? wanted : "recommend";
  const language = languageOf(query);
  const t = translator(language);
  document.documentElement.lang = language;
  speak(language);
  header(view, language, t);
  document.title = `${t(`view.${view}`)}${name ? ` · ${name}` : ""} · Lossary`;
  const moved = shown && shown !== `${view}/${name}`;
  shown = `${view}/${name}`;
  main.className = `page view-${view}`;
  try {
    await (await VIEWS[view]())(main, { t, language, name, query });
  } catch (error) {
    fill(main, problem(error, t, show));
  }
  if (moved) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

addEventListener("hashchange", show);
show();
