// Formulas by KaTeX, which is fetched when the first formula is shown; until then, and without it, they are LaTeX.

import { h } from "./dom.js";

const FOLDER = "web/vendor/katex/";
let loaded = null;

async function load() {
  document.head.append(h("link", { rel: "stylesheet", href: `${FOLDER}katex.min.css` }));
  await import("../vendor/katex/katex.min.js"); // no module: it leaves its name in the window
  return window.katex;
}

/** Return an element in which a formula is set once it comes near the screen. */
export function formula(latex, display = false) {
  const element = h(display ? "div" : "span", { class: display ? "formula display" : "formula", ...(display ? { tabindex: "0", role: "group", "aria-label": latex } : {}) }, h("code", {}, latex));
  new IntersectionObserver(async (entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    loaded ??= load();
    const katex = await loaded;
    katex.render(latex, element, { displayMode: display, throwOnError: false, output: "htmlAndMathml" });
  }, { rootMargin: "200px" }).observe(element);
  return element;
}
