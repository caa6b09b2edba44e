// What is shown where the service refuses: its sentence, the name that was meant, and a place for a key.

import { keep } from "../core/api.js";
import { h } from "../core/dom.js";

/** Return a refusal for people; `retry` is offered where a key is asked for or the service could not be reached. */
export function problem(error, t, retry = () => location.reload()) {
  if (error.status === undefined) throw error;
  if (error.status === 401) return askForKey(t, retry);
  const title = error.status === 0 ? t("unreachable") : error.body.title;
  return h("div", { class: "problem", role: "alert" }, h("strong", {}, title), h("p", {}, error.status === 0 ? t("unreachable_detail") : error.body.detail),
    error.status === 0 ? h("button", { type: "button", onclick: retry }, t("again")) : null);
}

function askForKey(t, retry) {
  const input = h("input", { type: "password", id: "key", autocomplete: "off", required: true });
  return h("form", { class: "problem", onsubmit: (event) => { event.preventDefault(); keep(input.value.trim()); retry(); } },
    h("label", { for: "key" }, t("key_wanted")), input, h("button", {}, t("use_key")));
}
