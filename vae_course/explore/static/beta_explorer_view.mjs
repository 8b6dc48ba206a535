// The elements of the figure over beta, in the order in which they are read.
import { h } from "./dom.mjs";

const HINT =
  "Move the slider, or click a point of the curve. Circles: one and two standard deviations of the prior. " +
  "Every \u03b2 draws the samples from the same z. A traversal moves one latent from \u22123 to 3, the others at 0. " +
  "Bars end at the largest KL of any \u03b2 above 0. Grey, off: an inactive latent, whose mean hardly varies over the digits.";

const button = (content, attributes = {}) => h("button", { type: "button", ...attributes }, content);
const many = (n, make) => Array.from({ length: n }, (_, i) => make(i));

export function buildBetas({ side, betas, colours, nSamples, exampleLabels, traversed, families }) {
  const picture = (attributes = {}) => h("canvas", { width: side, height: side, "aria-hidden": "true", ...attributes });
  const row = (n) => many(n, () => picture());
  const most = Math.max(...Object.keys(families).map(Number));
  const number = () => h("output", { "aria-live": "off" }); // the summary speaks for them
  const parts = {
    dims: Object.fromEntries(Object.keys(families).map((dim) =>
      [dim, button(`${dim} latents`, { "aria-pressed": "false" })])),
    slider: h("input", { type: "range", min: "0", max: String(betas.length - 1), step: "1", "aria-label": "\u03b2, the weight of the KL" }),
    beta: h("b", { "aria-hidden": "true" }),
    rate: number(),
    distortion: number(),
    active: number(),
    mapCanvas: h("canvas"),
    mapTitle: h("p", { class: "explore-title" }),
    curve: h("canvas", { class: "beta-curve", role: "img" }),
    legend: colours.map((_, digit) =>
      button(String(digit), { "aria-pressed": "false", "aria-label": `Show only digit ${digit}` })),
    digits: row(exampleLabels.length),
    decoded: row(exampleLabels.length),
    samples: row(nSamples),
    again: button("Draw again"),
    drawNote: h("span", { class: "explore-note" }),
    latents: many(most, () => ({
      name: h("b"), bar: h("i"), value: h("small"), strip: row(traversed.length),
    })),
    summary: h("p", { class: "explore-hidden", "aria-live": "polite" }),
  };
  const pictures = (label, canvases) => h("div", { class: "beta-row", role: "img", "aria-label": label }, ...canvases);
  parts.decodedRow = pictures("", parts.decoded);
  parts.samplesRow = pictures("", parts.samples);
  for (const each of parts.latents) {
    each.stripRow = h("span", { class: "beta-strip", role: "img" }, ...each.strip);
    each.root = h("li", { class: "beta-latent" },
      h("span", { class: "beta-name" }, each.name, h("span", { class: "beta-bar", "aria-hidden": "true" }, each.bar), each.value),
      each.stripRow);
  }
  parts.map = h("div", { class: "explore-map beta-map", role: "img" }, parts.mapCanvas);
  const figure = h("div", { class: "explore-figure beta", role: "group", "aria-label": "What beta does" },
    h("div", { class: "beta-wide beta-controls" },
      h("div", { class: "explore-buttons", role: "group", "aria-label": "Number of latents" }, ...Object.values(parts.dims)),
      h("div", { class: "beta-slider" }, parts.beta, parts.slider),
      h("p", { class: "beta-numbers" }, h("span", {}, "rate ", parts.rate), h("span", {}, "distortion ", parts.distortion),
        h("span", {}, "active ", parts.active))),
    h("div", { class: "explore-left" },
      parts.mapTitle,
      parts.map,
      h("div", { class: "explore-legend", role: "group", "aria-label": "Highlight one digit" }, ...parts.legend)),
    h("div", { class: "explore-right" },
      h("div", {}, h("p", { class: "explore-title" }, "Distortion (nats) against rate, held out"), parts.curve),
      h("div", {},
        h("p", { class: "explore-title" }, "Digits, and their reconstructions"),
        pictures(`Digits: ${[...exampleLabels].join(", ")}`, parts.digits), parts.decodedRow),
      h("div", {},
        h("p", { class: "explore-title" }, "Samples from the prior"),
        parts.samplesRow,
        h("div", { class: "beta-again" }, parts.again, parts.drawNote))),
    h("div", { class: "beta-wide" },
      h("p", { class: "explore-title" }, `Latents, the largest KL first, each from \u2212${traversed.at(-1)} to ${traversed.at(-1)}`),
      h("ol", { class: "beta-latents", role: "list", "aria-label": "Latents, the largest KL first" },
        ...parts.latents.map((each) => each.root))),
    h("p", { class: "explore-hint beta-wide" }, HINT),
    parts.summary);
  parts.root = h("div", { class: "explore-frame" }, figure);
  return parts;
}
