// Small charts as SVG, each in a figure with its numbers in a table; a line is told by its dashes as well as its colour.

import { h, s } from "./dom.js";

const WIDTH = 460, HEIGHT = 250, LEFT = 46, RIGHT = 12, TOP = 14, BOTTOM = 38;
const MOST_UNLIKE = 20; // times the smallest line's size: beyond it, each line is drawn as a share of its own largest
const ROWS = 13; // of the table: more would be no reading

/** Return round numbers from low to high, about as many as wanted. */
export function ticks(low, high, wanted = 5) {
  const raw = (high - low) / wanted || 1;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((each) => each >= raw);
  const places = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at += 1) places.push(Number((at * step).toPrecision(10)));
  return places;
}

/**
 * Return lines over one axis as a drawing. The height is that of the first line, with some room: where another runs
 * out of it, it is cut off, so that the one that is spoken of is seen.
 */
function panel(title, axis, x, lines) {
  const first = lines[0].values.filter(Number.isFinite);
  const all = lines.flatMap((line) => line.values).filter(Number.isFinite);
  const room = 1.7 * (Math.max(...first) - Math.min(...first) || 1);
  const low = Math.max(Math.min(0, ...all), Math.min(0, Math.max(...first) - room));
  const top = Math.min(Math.max(0, ...all), Math.max(0, Math.min(...first) + room));
  const high = top > low ? top : low + 1;
  const across = (value) => LEFT + ((value - x[0]) / (x.at(-1) - x[0])) * (WIDTH - LEFT - RIGHT);
  const up = (value) => TOP + (1 - (value - low) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
  const within = (value) => Math.min(HEIGHT * 2, Math.max(-HEIGHT, up(value)));
  const grid = ticks(low, high).map((tick) => [
    s("line", { class: tick === 0 ? "axis" : "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: up(tick), y2: up(tick) }),
    s("text", { x: LEFT - 7, y: up(tick) + 4, "text-anchor": "end" }, short(tick)),
  ]);
  const marks = ticks(x[0], x.at(-1), 6).map((tick) => s("text", { x: across(tick), y: HEIGHT - BOTTOM + 17, "text-anchor": "middle" }, short(tick)));
  const clip = `clip-${Math.random().toString(36).slice(2)}`;
  const paths = lines.map((line, place) => {
    const points = x.map((at, index) => [at, line.values[index]]).filter(([, value]) => Number.isFinite(value));
    const d = points.map(([at, value], index) => `${index ? "L" : "M"}${across(at).toFixed(1)} ${within(value).toFixed(1)}`).join("");
    return s("path", { class: `line line-${place}`, d });
  }).reverse(); // the first one on top
  return s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title },
    s("clipPath", { id: clip }, s("rect", { x: LEFT, y: TOP - 4, width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM + 8 })),
    grid, marks,
    s("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, axis),
    s("g", { "clip-path": `url(#${clip})` }, paths));
}

/** Return a number in few letters. */
export function short(value) {
  if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)) return value.toExponential(0).replace("e+", "e");
  return String(Number(value.toPrecision(4)));
}

const size = (line) => Math.max(...line.values.filter(Number.isFinite).map(Math.abs), 0);
const toOne = (line) => ({ ...line, values: line.values.map((value) => (Number.isFinite(value) ? value / (size(line) || 1) : value)) });

/** Say whether lines differ so much in size that the smaller ones would lie flat on the axis. */
function unlike(lines) {
  const sizes = lines.map(size).filter((each) => each > 0);
  return Math.max(...sizes) > MOST_UNLIKE * Math.min(...sizes);
}

/** Return the value and the gradient of losses side by side, as /v1/losses/{id}/curve answers them. */
export function curveFigure(answer, t) {
  const axis = t.has(`axis.${answer.axis}`) ? t(`axis.${answer.axis}`) : answer.axis;
  const held = answer.target === null || answer.target === undefined ? axis : t("axis_target", axis, short(answer.target));
  const lines = (name) => answer.curves.map((line) => ({ name: line.loss, values: line[name] }));
  const own = ["value", "gradient"].some((name) => unlike(lines(name)));
  const part = (name) => (own ? lines(name).map(toOne) : lines(name));
  const label = (name) => t(own ? `${name}_to_one` : name);
  const step = Math.max(1, Math.floor((answer.x.length - 1) / (ROWS - 1)));
  const rows = answer.x.map((_, index) => index).filter((index) => index % step === 0);
  const names = answer.curves.map((line) => line.loss);
  return h("figure", { class: "curves" },
    h("div", { class: "panels" },
      h("div", {}, h("p", { class: "label" }, label("chart_value")), panel(t("chart_value_of", names.join(", ")), held, answer.x, part("value"))),
      h("div", {}, h("p", { class: "label" }, label("chart_gradient")), panel(t("chart_gradient_of", names.join(", ")), held, answer.x, part("gradient")))),
    h("figcaption", { class: "legend" }, names.map((name, place) =>
      h("span", {}, s("svg", { viewBox: "0 0 28 8", class: "swatch", "aria-hidden": "true" }, s("path", { class: `line line-${place}`, d: "M0 4H28" })), h("code", {}, name)))),
    numbers(t, [held, ...names.flatMap((name) => [`${name}, ${t("chart_value")}`, `${name}, ${t("chart_gradient")}`])],
      rows.map((index) => [answer.x[index], ...answer.curves.flatMap((line) => [line.value[index], line.gradient[index]])])));
}

/**
 * Return intervals about points on one axis, on which zero is marked: rows of {label, value, interval, kind, shown}.
 * `ends` says from where to where the axis runs, if not over all rows; what lies beyond it stands at its end.
 */
export function intervalFigure(title, rows, t, unit, ends = null) {
  const all = ends ?? rows.flatMap((row) => [...row.interval, row.value, 0]);
  const low = Math.min(...all), high = Math.max(...all);
  const room = (high - low || 1) * 0.06;
  const at = (value) => Math.min(100, Math.max(0, 100 * (value - low + room) / (high - low + 2 * room)));
  const lines = rows.map((row) => h("div", { class: `interval ${row.kind ?? ""}` },
    h("span", { class: "name" }, row.label),
    s("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      s("line", { class: "axis", x1: at(0), x2: at(0), y1: 0, y2: 10 }),
      s("line", { class: "range", x1: at(row.interval[0]), x2: at(row.interval[1]), y1: 5, y2: 5 }),
      s("line", { class: "point", x1: at(row.value), x2: at(row.value), y1: 1.5, y2: 8.5 })),
    h("span", { class: "number" }, row.shown ?? unit(row.value))));
  return h("figure", { class: "intervals" }, h("figcaption", { class: "label" }, title), h("div", {}, lines),
    numbers(t, [t("what"), t("mean"), t("from"), t("to")], rows.map((row) => [row.label, row.value, ...row.interval])));
}

/** Return how much worse the losses are that a rule was measured against than the one that it recommends. */
export function comparisonFigure({ metric, data, better, unit, objective: own, against, repeats }, t) {
  const worse = (value) => (better === "lower" ? -value : value);
  const shown = (value) => (unit === "relative" ? `${(100 * value).toFixed(1)} %` : short(value));
  const rows = against.map((each) => ({ label: each.objective, value: worse(each.difference), interval: each.interval.map(worse).sort((a, b) => a - b), kind: "" }));
  return h("div", {}, intervalFigure(t("worse_than", own, metric, repeats), rows, t, shown), h("p", { class: "hint", lang: "en" }, data));
}

/** Return the numbers of a chart as a table that is opened on request. */
export function numbers(t, head, rows) {
  const cell = (value) => (typeof value === "number" ? short(value) : String(value ?? ""));
  const row = (values) => h("tr", {}, values.map((value, place) => (place ? h("td", {}, cell(value)) : h("th", { scope: "row" }, cell(value)))));
  const table = h("table", {},
    h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, rows.map(row)));
  return h("details", { class: "numbers" }, h("summary", {}, t("numbers")),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("numbers") }, table));
}
