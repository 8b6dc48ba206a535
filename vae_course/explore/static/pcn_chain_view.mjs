// The elements of the explorer of a Markov chain, without any behaviour.
import { h } from "./dom.mjs";

export const STEP_POSITIONS = 40; // of the slider, twenty a factor of ten

// The slider is logarithmic: 0.01 at its left end, 1 at its right one, two digits.
export const stepAt = (position) => Number((10 ** (position / 20 - 2)).toPrecision(2));
export const positionOfStep = (step) => Math.round(20 * (Math.log10(step) + 2));

const HINT = "Click or tap the map to start the chain there; with the map in focus, arrow keys move the start by 0.1, with Shift " +
  "by 0.5, and Home puts it at the origin. A run can be repeated: the same settings and seed give the same chain.";

const button = (text, attributes = {}) => h("button", { type: "button", ...attributes }, text);
const choice = (text, attributes = {}) => button(text, { "aria-pressed": "false", ...attributes });
const group = (label, ...children) => h("div", { class: "explore-buttons", role: "group", "aria-label": label }, ...children);
const capital = (text) => text[0].toUpperCase() + text.slice(1);

export function buildPcnChain({ side, labels, visible, speeds }) {
  const picture = (name, size = side) => h("canvas", { width: size, height: size, role: "img", "aria-label": name });
  const number = () => h("output", { "aria-live": "off" }); // the summary speaks for them
  const slider = (most, label) => h("input", { type: "range", min: "0", max: String(most), step: "1", "aria-label": label });
  const parts = {
    thumbs: Array.from(labels, () => h("canvas", { width: side, height: side, "aria-hidden": "true" })),
    hidden: Object.fromEntries(Object.keys(visible).map((name) => [name, choice(capital(name))])),
    samplers: { pcn: choice("pCN"), random_walk: choice("Random walk") },
    step: slider(STEP_POSITIONS, "Step"),
    stepText: h("b"),
    views: { map: choice("Whole map"), "close-up": choice("Close-up") },
    canvas: h("canvas", { "aria-hidden": "true" }),
    note: h("p", { class: "explore-note" }),
    run: button("Run", { class: "pcn-run" }),
    one: button("One step"),
    restart: button("Restart"),
    again: button("New seed"),
    speed: slider(speeds.length - 1, "Speed"),
    speedText: h("b"),
    numbers: { steps: number(), accepted: number(), size: number(), distance: number() },
    given: picture("The given image, with a pattern where it is hidden", 4 * side),
    decoded: picture("The decoder's image at the present state"),
    mean: picture("The mean of the decoder's images over the chain"),
    traces: h("canvas", {
      class: "pcn-traces", role: "img",
      "aria-label": "Traces of both latents over shades of the exact marginals, and the total variation by step",
    }),
    summary: h("p", { class: "explore-hidden", "aria-live": "polite" }),
  };
  parts.digits = parts.thumbs.map((canvas, i) =>
    h("button", { type: "button", "aria-pressed": "false", "aria-label": `Image ${i + 1} of ${labels.length}: a ${labels[i]}` }, canvas));
  parts.map = h("div", {
    class: "explore-map pcn-map", tabindex: "0", role: "application", "aria-roledescription": "two-dimensional slider",
    "aria-label": "Map of the posterior: arrow keys move the chain's start, Shift moves it further, Home puts it at the origin",
  }, parts.canvas);
  const row = (name, value) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value));
  const { steps, accepted, size, distance } = parts.numbers;
  const titled = (canvas, text) => h("div", {}, canvas, h("small", {}, text));
  const setting = (text, ...children) => h("div", { class: "pcn-setting" }, h("span", { class: "explore-title" }, text), ...children);
  const key = (name, text) => h("span", {}, h("i", { class: `pcn-key pcn-${name}`, "aria-hidden": "true" }), text);
  const figure = h("div", { class: "explore-figure pcn", role: "group", "aria-label": "A Markov chain, live" },
    h("div", { class: "pcn-wide" },
      setting("Image", h("div", { class: "pcn-digits", role: "group", "aria-label": "Image" }, ...parts.digits)),
      setting("Hidden", group("What is hidden", ...Object.values(parts.hidden))),
      setting("Sampler", group("Sampler", ...Object.values(parts.samplers))),
      setting("Step", h("span", { class: "pcn-slider" }, parts.step, parts.stepText))),
    h("div", { class: "explore-left" },
      group("View", ...Object.values(parts.views)),
      parts.map,
      h("p", { class: "explore-note pcn-legend" }, key("shade", "exact posterior"), key("accepted", "accepted"),
        key("rejected", "rejected"), key("start", "start"), key("ring", "next proposal, 1 sd")),
      parts.note,
      h("div", { class: "pcn-controls" },
        group("The chain", parts.run, parts.one, parts.restart, parts.again),
        setting("Speed", h("span", { class: "pcn-slider" }, parts.speed, parts.speedText)))),
    h("div", { class: "explore-right" },
      h("table", { class: "pcn-numbers" }, h("tbody", {}, row("steps", steps), row("accepted", accepted),
        row("effective draws", size), row("total variation", distance))),
      h("div", { class: "pcn-pictures" },
        titled(parts.given, "given"), titled(parts.decoded, "decoded here"), titled(parts.mean, "mean so far")),
      parts.traces),
    h("p", { class: "explore-hint pcn-wide" }, HINT),
    parts.summary);
  parts.root = h("div", { class: "explore-frame" }, figure);
  return parts;
}
