// The facts that sliders move: their scales, and what they say. The first place of a slider is "not measured".

export const STEPS = 200;

const share = (low, high) => ({ kind: "share", low, high, curve: "log" });
const ratio = (low, high) => ({ kind: "ratio", low, high, curve: "log" });
const count = (low, high) => ({ kind: "count", low, high, curve: "log" });

/** By name: the ends of the slider, and whether equal steps are equal ratios (log), of the rest to 1 (rest), or equal. */
export const FACTS = {
  outlier_rate: share(0.0005, 0.5),
  class_imbalance: ratio(1, 1000),
  mask_sparsity: { kind: "share", low: 0.5, high: 0.9999, curve: "rest" },
  n: count(50, 1e7),
  residual_scale: { kind: "number", low: 0.01, high: 1e5, curve: "log" },
  positive_share: share(0.001, 0.9),
  classes: count(2, 1e5),
  label_noise: share(0.001, 0.6),
  empty_share: { kind: "share", low: 0, high: 1, curve: "equal" },
  one_sidedness: { kind: "share", low: 0, high: 1, curve: "equal" },
  outlier_magnitude: { kind: "number", low: 3.5, high: 100, curve: "log" },
  outlier_sum_share: share(0.001, 0.9),
  zero_share: share(0.001, 0.99),
  dispersion: { kind: "number", low: 0.5, high: 100, curve: "log" },
  tail_index: { kind: "number", low: 0.5, high: 10, curve: "log" },
  thinness: { kind: "number", low: 1, high: 100, curve: "log" },
  box_area_spread: ratio(1, 1000),
};

const scale = {
  log: [(fact, at) => fact.low * (fact.high / fact.low) ** at, (fact, value) => Math.log(value / fact.low) / Math.log(fact.high / fact.low)],
  rest: [(fact, at) => 1 - (1 - fact.low) * ((1 - fact.high) / (1 - fact.low)) ** at, (fact, value) => Math.log((1 - value) / (1 - fact.low)) / Math.log((1 - fact.high) / (1 - fact.low))],
  equal: [(fact, at) => fact.low + (fact.high - fact.low) * at, (fact, value) => (value - fact.low) / (fact.high - fact.low)],
};

/** Return the value at a step from 1 to STEPS, in two digits. */
export function valueAt(name, step) {
  const fact = FACTS[name];
  const raw = scale[fact.curve][0](fact, (step - 1) / (STEPS - 1));
  if (fact.curve === "rest") return 1 - Number((1 - raw).toPrecision(2));
  const rounded = Number(raw.toPrecision(2));
  return fact.kind === "count" ? Math.max(1, Math.round(rounded)) : rounded;
}

/** Return the step nearest to a value, within the slider. */
export function stepOf(name, value) {
  const fact = FACTS[name];
  const at = scale[fact.curve][1](fact, value);
  const inside = Number.isNaN(at) ? 0 : Math.min(1, Math.max(0, at));
  return 1 + Math.round(inside * (STEPS - 1));
}

/** Return a value in the unit of its fact. */
export function said(name, value, t, language) {
  if (value === null || value === undefined) return t("not_measured");
  const kind = FACTS[name]?.kind ?? (name.endsWith("share") || name.endsWith("rate") ? "share" : "number");
  const number = (digits) => Number(Number(value).toPrecision(digits)).toLocaleString(language);
  if (kind === "share") {
    const percent = 100 * value;
    const digits = percent > 90 && percent < 100 ? 5 : 3;
    return `${Number(percent.toPrecision(digits)).toLocaleString(language, { maximumFractionDigits: 4 })} %`;
  }
  if (kind === "ratio") return t("to_one", number(3));
  return number(kind === "count" ? 6 : 3);
}
