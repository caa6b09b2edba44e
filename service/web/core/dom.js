// Elements from names, attributes and children; text is always text, so nothing that is sent can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. Attributes that begin with "on" are listeners; false, null and undefined are left out. */
export function h(name, attributes = {}, ...children) {
  return build(document.createElement(name), attributes, children);
}

/** Return an element of a drawing. */
export function s(name, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, name), attributes, children);
}

function build(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put children in place of those that an element has. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/** Return code with a button that copies it. */
export function copyable(text, t, language = "") {
  const button = h("button", { type: "button", class: "copy" }, t("copy"));
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = t("copied");
    setTimeout(() => { button.textContent = t("copy"); }, 1500);
  });
  const code = h("code", {}, text);
  return h("div", { class: "code", "data-language": language }, h("pre", { tabindex: "0", "aria-label": t("code") }, code), button);
}

/** Return tabs over panels, as ARIA's pattern for them has it: arrows move, one tab is in the order of focus. */
export function tabs(label, entries, chosen, choose = () => {}) {
  const place = Math.max(0, entries.findIndex(([name]) => name === chosen));
  const buttons = entries.map(([name, title], index) =>
    h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, "aria-selected": String(index === place), tabindex: index === place ? "0" : "-1" }, title));
  const panels = entries.map(([name, , content], index) =>
    h("div", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, hidden: index !== place }, content));
  const show = (index) => {
    buttons.forEach((button, at) => {
      button.setAttribute("aria-selected", String(at === index));
      button.tabIndex = at === index ? 0 : -1;
      panels[at].hidden = at !== index;
    });
    choose(entries[index][0]);
  };
  buttons.forEach((button, index) => {
    button.addEventListener("click", () => show(index));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = (index + step + buttons.length) % buttons.length;
      show(next);
      buttons[next].focus();
    });
  });
  return h("div", { class: "tabs" }, h("div", { role: "tablist", "aria-label": label }, buttons), panels);
}
