// A file is dropped or chosen: its columns are asked for, its facts measured, and the sliders follow.

import { Problem, get, post, send } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { quickExperiment } from "./compared.js";
import { problem } from "./problem.js";

const MEDIA = { csv: "text/csv", tsv: "text/csv", txt: "text/csv", parquet: "application/vnd.apache.parquet", npy: "application/x-npy", npz: "application/x-npz", feather: "application/vnd.apache.arrow.file", arrow: "application/vnd.apache.arrow.file", ndjson: "application/x-ndjson", jsonl: "application/x-ndjson", safetensors: "application/x-safetensors" };
export const ACCEPTED = Object.keys(MEDIA).map((suffix) => `.${suffix}`).join(",");

/** Return the media type of a file by its name, or null. */
export function mediaOf(name) {
  return MEDIA[name.replace(/\.gz$/, "").split(".").pop().toLowerCase()] ?? null;
}

/** Send a file; what it holds comes back. Raises: Problem. */
export async function upload(file, t) {
  const media = mediaOf(file.name);
  if (!media) throw new Problem(415, { title: t("file_unknown"), detail: t("file_unknown_detail", ACCEPTED.replaceAll(",", " ")) });
  return send("v1/datasets", file, media);
}

/** Return the target that a table most likely has: the column whose name says it, else its last. */
export function likelyTarget(dataset) {
  return dataset.roles?.targets?.[0] ?? dataset.columns?.at(-1)?.name ?? null;
}

const SAMPLE = "web/samples/diabetes.csv";

/** Return a button that takes the table which ships with the page; `take` is given it as a file. */
export function sampleButton(t, take) {
  const fetched = async () => take(new File([await (await fetch(SAMPLE)).blob()], "diabetes.csv"));
  return h("p", { class: "sample" }, h("button", { type: "button", class: "quiet", onclick: fetched, title: t("sample_hint") }, t("sample")));
}

/**
 * Return a place to drop files at, with a button that does the same. `take` is given the task, the facts, and the table
 * to compare losses on, {dataset, target}, where there is one. `table` is shown at once.
 */
export function dropZone({ t, take, table = null }) {
  const input = h("input", { type: "file", id: "file", accept: ACCEPTED, class: "visually-hidden", "aria-describedby": "file-hint" });
  const below = h("div", { "aria-live": "polite" });
  const zone = h("div", { class: "drop" }, input, h("label", { for: "file" }, t("choose_file")), h("p", { class: "hint", id: "file-hint" }, t("file_hint")));
  const receive = async (file) => {
    if (!file) return;
    fill(below, h("p", { class: "working" }, t("reading", file.name)));
    try {
      const dataset = await upload(file, t);
      fill(below, columns(dataset, file.name));
      await measure(dataset);
    } catch (error) {
      fill(below, problem(error, t));
    }
  };
  const columns = (dataset, name, target = likelyTarget(dataset)) => {
    if (!dataset.columns) return h("p", { class: "file" }, h("strong", {}, name));
    const pick = (id, label, chosen, optional) => h("div", { class: "field" }, h("label", { for: id }, label),
      h("select", { id, onchange: () => measure(dataset) }, optional ? h("option", { value: "" }, t("none")) : null,
        dataset.columns.map((column) => h("option", { value: column.name, selected: column.name === chosen }, column.name))));
    return [h("p", { class: "file" }, h("strong", {}, name), " ", t("rows_columns", dataset.rows, dataset.columns.length)),
      pick("target", t("target_column"), target, false),
      pick("prediction", t("prediction_column"), dataset.roles?.predictions?.[0] ?? "", true)];
  };
  const shown = async ({ dataset: id, target }) => {
    try {
      const dataset = await get(`v1/datasets/${encodeURIComponent(id)}`);
      fill(below, columns(dataset, id, target));
    } catch (error) {
      fill(below, problem(error, t));
    }
  };
  const measured = h("div", {});
  const measure = async (dataset) => {
    if (!below.contains(measured)) below.append(measured);
    const target = below.querySelector("#target")?.value, prediction = below.querySelector("#prediction")?.value;
    const named = target ? [`targets:${target}`, ...(prediction ? [`predictions:${prediction}`] : [])].join(",") : "targets";
    fill(measured, h("p", { class: "working" }, t("measuring")));
    try {
      const about = target && !prediction ? await learnt({ dataset: dataset.id, target }) : null;
      const answer = about?.measured ?? await post("v1/profile", { dataset: dataset.id, roles: named });
      fill(measured, (answer.warnings ?? []).map((warning) => h("p", { class: "notice" }, warning.text)));
      take(answer.task, answer.profile, about ? { dataset: dataset.id, target } : null);
    } catch (error) {
      fill(measured, problem(error, t));
    }
  };
  input.addEventListener("change", () => receive(input.files[0]));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", kind === "dragover");
      if (kind === "drop") receive(event.dataTransfer.files[0]);
    });
  }
  if (table) shown(table);
  return h("div", {}, zone, table ? null : sampleButton(t, receive), below);
}

/** Return what a linear model learns of a table, null where none can: the facts are then those of the target alone. */
function learnt(table) {
  return quickExperiment(table).catch((error) => {
    if (error instanceof Problem && error.status === 422) return null;
    throw error;
  });
}
