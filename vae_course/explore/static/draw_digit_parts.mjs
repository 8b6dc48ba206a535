// The elements of the drawing board, without any behaviour.
import { h } from "./dom.mjs";

export const SLIDER_STEPS = 40;
export const HASTY = 20; // the step at which the 9 is a hasty one
export const PENS = { least: 4, most: 14, first: 8 }; // hundredths of the sheet's side

export const HINT = "Draw with mouse or finger. Keys on the sheet: arrows move the pen (with Shift less far; Home, End, Page Up " +
  "and Page Down go diagonally), Space puts it down or lifts it, Backspace undoes, Delete clears.";

const title = (...words) => h("p", { class: "explore-title" }, ...words);
const note = (...words) => h("p", { class: "explore-note" }, ...words);
const button = (text, attributes = {}) => h("button", { type: "button", ...attributes }, text);
const group = (label, ...children) => h("div", { class: "explore-buttons", role: "group", "aria-label": label }, ...children);

export function buildDrawDigit({ side, thumbSide, k, latentDim, examples, axisNames, planeShare }) {
  const many = (n, make) => Array.from({ length: n }, (_, i) => make(i));
  const picture = (attributes) => h("canvas", { width: side, height: side, ...attributes });
  const range = (attributes) => h("input", { type: "range", step: "1", ...attributes });
  const seen = (name) => picture({ class: "draw-image", role: "img", "aria-label": name });
  const parts = {
    paper: h("canvas", { "aria-hidden": "true" }),
    seen: seen("The image that the network sees"),
    decoded: seen("The decoder's image at the posterior's mean"),
    mode: note(""),
    undo: button("Undo"),
    clear: button("Clear"),
    pen: range({ min: PENS.least, max: PENS.most, value: PENS.first }),
    examples: examples.map(({ label, rank }) =>
      h("button", { type: "button", "aria-label": `Load real digit ${label}, number ${rank}` }, picture({ "aria-hidden": "true" }))),
    canvas: h("canvas", { "aria-hidden": "true" }),
    place: note(""),
    bars: h("canvas", { "aria-hidden": "true" }),
    reading: h("output", { class: "draw-reading", "aria-live": "off" }),
    logvars: button("Show log-variances", { "aria-pressed": "false" }),
    rows: many(latentDim, (i) => h("tr", {}, h("th", { scope: "row" }, String(i + 1)), h("td"), h("td"), h("td"))),
    pictures: many(k, () => picture({ "aria-hidden": "true", width: thumbSide, height: thumbSide })),
    neighbourLabels: many(k, () => h("b")),
    distances: many(k, () => h("small")),
    stages: [["Clear 9", 0], ["Hasty 9", HASTY], ["0", SLIDER_STEPS]].map(([text, step]) =>
      button(text, { "data-step": step, "aria-label": `Drawn: ${text}` })),
    realOnes: [9, 0].filter((digit) => examples.some(({ label }) => label === digit)).map((digit) =>
      button(`A real ${digit}`, { "data-digit": digit })),
    slider: range({ min: 0, max: SLIDER_STEPS, value: 0 }),
    curves: h("canvas", { class: "draw-curves", role: "img", "aria-label": "Log-volume and ink on the way from 9 to 0" }),
    journey: note(""),
    penState: h("p", { class: "explore-hidden", "aria-live": "polite" }),
    summary: h("p", { class: "draw-summary", "aria-live": "polite" }),
  };
  parts.sheet = h("div", {
    class: "draw-sheet", tabindex: "0", role: "application", "aria-roledescription": "drawing sheet",
    "aria-label": "Sheet: arrow keys move the pen, Space puts it down or lifts it, Backspace undoes, Delete clears",
  }, parts.paper);
  parts.map = h("div", { class: "explore-map draw-map", role: "img", "aria-label": "Map of the means with the posterior" }, parts.canvas);
  parts.latents = h("div", {
    class: "draw-bars", tabindex: "0", role: "slider", "aria-label": "Latent that is read out",
    "aria-valuemin": "1", "aria-valuemax": String(latentDim), "aria-valuenow": "1",
  }, parts.bars);
  const head = (...names) => h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name)));
  parts.table = h("details", {}, h("summary", {}, `All ${2 * latentDim} numbers`),
    h("div", { class: "draw-table" },
      h("table", {}, h("thead", {}, head("latent", "mean", "sd", "log-variance")), h("tbody", {}, ...parts.rows))));
  const figure = h("div", { class: "explore-figure", role: "group", "aria-label": "Draw a digit" },
    h("div", { class: "draw-wide draw-top" },
      h("div", { class: "draw-pen" }, title("Draw a digit"), parts.sheet, parts.mode),
      h("div", {}, title("The network sees"), parts.seen, note("28 \u00d7 28 pixels")),
      h("div", {}, title("Reconstruction"), parts.decoded, note("the posterior's mean, decoded"))),
    h("div", { class: "draw-tools" },
      group("Drawing", parts.undo, parts.clear, h("label", { class: "draw-label" }, "Pen ", parts.pen)),
      h("div", { class: "draw-examples", role: "group", "aria-label": "Load a real digit" }, ...parts.examples),
      parts.summary,
      h("div", {},
        title("Nearest real digits"),
        h("ol", { class: "explore-nearest" },
          ...parts.pictures.map((canvas, i) => h("li", {}, canvas, parts.neighbourLabels[i], parts.distances[i]))),
        note(`label and distance of the means in ${latentDim > 2 ? `all ${latentDim}` : "both"} latents`))),
    h("div", { class: "draw-journey" },
      title("A 9 that turns into a 0"),
      group("From a 9 to a 0", ...parts.stages, ...parts.realOnes),
      h("label", { class: "draw-label" }, "From a clear 9 to a 0 ", parts.slider),
      parts.curves, parts.journey),
    h("div", { class: "draw-left" },
      title("Its posterior among the means of real digits"),
      parts.map,
      latentDim > 2 ? note(`u₁ and u₂ span the plane in which the classes' centres lie furthest apart. It holds ${planeShare} % of the means' variance.`) : "",
      parts.place),
    h("div", { class: "explore-right" },
      h("div", {},
        title(`The ${2 * latentDim} numbers of the encoder`),
        parts.latents, parts.reading, group("Numbers", parts.logvars), parts.table)),
    h("p", { class: "explore-hint draw-wide" }, HINT),
    parts.penState);
  parts.root = h("div", { class: "explore-frame" }, figure);
  parts.mapName = `Map with axes ${axisNames.join(" and ")}`;
  return parts;
}
