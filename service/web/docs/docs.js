// Swagger UI with what it lacks: the system's dark mode, forms of the chosen loss, and refusals in one place.

import { fill, h } from "../core/dom.js";

const root = document.documentElement.dataset.root;
const REFUSED = [
  ["GET", "/v1/losses/hubber"],
  ["POST", "/v1/evaluate", { loss: "mse", predictions: [1, 2], targets: [[1], [2]] }],
  ["POST", "/v1/recommend", { task: "regression", profile: { outlier_rate: 8 } }],
];
const ALWAYS = ["request", "table", "predictions", "targets", "weights", "mask"]; // parts of a form, whatever the loss
const LONG = 8; // parts from which on a form is cut

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

window.SwaggerUIBundle({
  url: `${root}/openapi.json`,
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  persistAuthorization: true,
  onComplete: () => new MutationObserver(later).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true }),
});

let waiting = 0;
function later() {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => document.querySelectorAll(".opblock.is-open").forEach(cut));
}

/** Show of a long form the parts that the loss named in its request takes. */
async function cut(block) {
  const rows = [...block.querySelectorAll("tr[data-property-name]")];
  if (rows.length < LONG) return;
  const request = block.querySelector('tr[data-property-name="request"] textarea');
  const wanted = await roles(request?.value ?? "");
  for (const row of rows) row.hidden = !wanted.has(row.dataset.propertyName);
  if (request && !request.dataset.watched) {
    request.dataset.watched = "yes";
    request.addEventListener("input", () => cut(block));
  }
}

async function roles(text) {
  const names = new Set(ALWAYS);
  let losses = [];
  try { losses = [JSON.parse(text).loss ?? []].flat(); } catch { /* half a text, while somebody types */ }
  for (const loss of losses.flatMap((each) => String(each).match(/[a-z_][a-z_0-9.]*(?=\s*[(+]|\s*$)/gi) ?? [])) {
    const answer = await fetch(`${root}/v1/losses/${encodeURIComponent(loss)}`);
    if (!answer.ok) continue;
    const { inputs } = await answer.json();
    if (!inputs.some((each) => each.role === "predictions")) ["predictions", "targets"].forEach((role) => names.delete(role));
    inputs.forEach((each) => names.add(each.role));
  }
  return names;
}

const refusals = document.getElementById("refusals");
refusals.addEventListener("toggle", async () => {
  const { paths } = await (await fetch(`${root}/openapi.json`)).json();
  const titles = new Map();
  for (const operation of Object.values(paths).flatMap((each) => Object.values(each))) {
    for (const [status, { description }] of Object.entries(operation.responses ?? {})) {
      if (Number(status) >= 400) titles.set(status, new Set([...(titles.get(status) ?? []), ...description.split("; ")]));
    }
  }
  fill(document.getElementById("statuses"), [...titles].sort().map(([status, said]) => h("tr", {}, h("th", { scope: "row" }, status), h("td", {}, [...said].join(", ").replaceAll(", ", " · ")))));
  fill(document.getElementById("examples"), await Promise.all(REFUSED.map(shown)));
}, { once: true });

async function shown([method, path, body]) {
  const answer = await fetch(root + path, { method, body: body && JSON.stringify(body), headers: body ? { "Content-Type": "application/json" } : {} });
  return h("figure", {}, h("figcaption", {}, h("code", {}, `${method} ${path}`), " ", h("code", {}, body ? JSON.stringify(body) : "")), h("pre", { tabindex: "0" }, JSON.stringify(await answer.json(), null, 2)));
}
