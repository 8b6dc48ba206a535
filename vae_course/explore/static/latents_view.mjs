// The elements of the figure "the latents", in the order in which they are read.
import { h } from "./dom.mjs";
import { formatNumber } from "./plane.mjs";
import { POSITIONS } from "./ranges.mjs";

const HINT =
  "Drag a handle, or use the arrow keys; Page Up and Page Down go further, Home and End to the ends. " +
  "Violin: this latent over all digits. Thin outline: the prior N(0, 1). Bar: mean \u00b1 2 sd of the loaded digit. " +
  "Blue: more ink than in the picture compared with, orange: less.";

const HINT_INACTIVE = " Grey, off: an inactive latent, whose mean hardly varies over the digits.";

function button(content, attributes = {}) {
  return h("button", { type: "button", ...attributes }, content);
}

// "z" with the number below the line; the model's own numbering, from 1.
export function latentLabel(j) {
  return [h("i", {}, "z"), h("sub", {}, String(j + 1))];
}

// One row a latent: name and KL, the slider on its violin, the value.
function buildRow(j, kl, active) {
  const name = `z${j + 1}, KL ${formatNumber(kl)} nats${active ? "" : ", inactive"}`;
  const row = {
    latent: j,
    canvas: h("canvas", { "aria-hidden": "true" }),
    input: h("input", { type: "range", min: "0", max: String(POSITIONS), step: "1", "aria-label": name }),
    value: h("b"),
    span: h("small"),
  };
  row.root = h("li", { class: active ? "latents-row" : "latents-row latents-inactive" },
    h("span", { class: "latents-name", "aria-hidden": "true" },
      h("b", {}, ...latentLabel(j)),
      h("small", {}, active ? `${formatNumber(kl)} nats` : `${formatNumber(kl)}, off`)),
    h("span", { class: "latents-track" }, row.canvas, row.input),
    h("span", { class: "latents-value", "aria-hidden": "true" }, row.value, row.span)); // the slider says both
  return row;
}

export function buildLatents({ side, order, kl, active, labels, nStrip }) {
  const many = (n, make) => Array.from({ length: n }, (_, i) => make(i));
  const picture = (attributes) => h("canvas", { width: side, height: side, ...attributes });
  const parts = {
    thumbs: many(labels.length, () => picture({ "aria-hidden": "true" })),
    ranges: {
      prior: button("Prior range", { "aria-pressed": "true" }),
      posterior: button("Posterior range", { "aria-pressed": "false" }),
    },
    rangeNote: h("p", { class: "explore-note" }),
    reset: button("Reset to z = 0"),
    decoded: picture({ role: "img", "aria-label": "The decoder's image at z" }),
    difference: picture({ role: "img", "aria-label": "Where the image changed: more ink blue, less ink orange" }),
    change: h("b", { class: "latents-number" }),
    reference: h("span"),
    stripTitle: h("p", { class: "explore-title" }),
    strip: many(nStrip, () => picture({ "aria-hidden": "true" })),
    stripValues: many(nStrip, () => h("small")),
    resetOne: button("", { class: "latents-small" }),
    rows: order.map((j) => buildRow(j, kl[j], active[j])),
    summary: h("p", { class: "explore-hidden", "aria-live": "polite" }),
  };
  parts.examples = parts.thumbs.map((canvas, i) =>
    button(canvas, {
      "aria-pressed": "false", "aria-label": `Load digit ${i + 1} of ${labels.length}: a ${labels[i]}`,
    }));
  parts.stripRow = h("div", { class: "latents-strip", role: "img" },
    ...parts.strip.map((canvas, i) => h("span", {}, canvas, parts.stripValues[i])));
  parts.list = h("ol", { class: "latents-list", role: "list", "aria-label": "Latents, the largest KL first" },
    ...parts.rows.map((row) => row.root));
  parts.panel = h("div", { class: "latents-panel" },
    h("div", { class: "latents-readout" },
      h("div", {}, parts.decoded, h("small", {}, "decoded at z")),
      h("div", {}, parts.difference,
        h("small", {}, h("span", { class: "latents-more" }), " more ", h("span", { class: "latents-less" }), " less")),
      h("p", {}, parts.change, h("small", {}, "grey levels: mean change of a pixel from ", parts.reference))),
    h("div", { class: "latents-focus" }, parts.stripTitle, parts.resetOne),
    parts.stripRow);
  const figure = h("div", { class: "explore-figure latents", role: "group", "aria-label": "The latents" },
    h("div", {},
      h("p", { class: "explore-title" }, "Load a digit"),
      h("div", { class: "latents-examples", role: "group", "aria-label": "Load a digit" }, ...parts.examples)),
    h("div", { class: "latents-controls" },
      h("div", { class: "explore-buttons", role: "group", "aria-label": "Range of all sliders" },
        parts.ranges.prior, parts.ranges.posterior, parts.reset),
      parts.rangeNote),
    h("div", { class: "latents-work" }, parts.panel, parts.list),
    h("p", { class: "explore-hint" }, active.every(Boolean) ? HINT : HINT + HINT_INACTIVE),
    parts.summary);
  parts.root = h("div", { class: "explore-frame" }, figure);
  return parts;
}
