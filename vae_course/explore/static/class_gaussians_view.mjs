// The parts of the class Gaussians' figure, and its table.
import { h } from "./dom.mjs";
import { covariance, klToPrior, withinShare } from "./gaussians.mjs";
import { formatNumber } from "./plane.mjs";

const DENSITY_NAMES = { mixture: "Mixture", gaussian: "Matched Gaussian", prior: "Prior", difference: "Mixture \u2212 Gaussian" };
const SHARE_NAMES = { total: "Total", within: "Within images", between: "Between images" };
const LOG_NAMES = { mixture: "mixture", gaussian: "matched Gaussian", prior: "prior N(0, I)" };

const sub = (index) => ["z", h("sub", {}, String(index))];

export function buildClassGaussians({ side, colours }) {
  const ten = (make) => colours.map((_, digit) => make(digit));
  const button = (text, attributes = {}) => h("button", { type: "button", ...attributes }, text);
  const choices = (names) =>
    Object.fromEntries(Object.entries(names).map(([key, text]) => [key, button(text, { "aria-pressed": "false" })]));
  const parts = {
    canvas: h("canvas", { "aria-hidden": "true" }),
    summary: h("p", { class: "explore-hidden", "aria-live": "polite" }),
    hint: h("p", { class: "explore-hint" }),
    decoded: h("canvas", { width: side, height: side, class: "explore-decoded", role: "img", "aria-label": "The decoder's image at z" }),
    z1: h("output", { "aria-live": "off" }), // the summary speaks for it
    z2: h("output", { "aria-live": "off" }),
    legend: ten((digit) => button(String(digit), { "aria-pressed": "false", "aria-label": `Class ${digit}` })),
    all: button("All"),
    none: button("None"),
    reset: button("Reset point"),
    densities: choices(DENSITY_NAMES),
    shares: choices(SHARE_NAMES),
    bars: ten(() => h("i")),
    percents: ten(() => h("small")),
    logs: Object.fromEntries(Object.keys(LOG_NAMES).map((key) => [key, h("dd")])),
    apart: h("p", { class: "explore-note" }),
    scale: h("p", { class: "explore-note" }),
    caption: h("p", { class: "explore-note" }), // no <caption>, which would scroll sideways with a wide table
    table: h("table", { class: "gaussians-table", "aria-label": "Chosen classes" }),
  };
  parts.map = h("div", {
    class: "explore-map", tabindex: "0", role: "application", "aria-roledescription": "two-dimensional slider",
    "aria-label": "Map of class Gaussians: arrow keys move the point that is read out, Shift moves it further, Home goes to the origin",
  }, parts.canvas);
  const titled = (title, ...children) => h("div", {}, h("p", { class: "explore-title" }, title), ...children);
  const group = (label, ...buttons) => h("div", { class: "gaussians-choices", role: "group", "aria-label": label }, ...buttons);
  const figure = h("div", { class: "explore-figure", role: "group", "aria-label": "Class Gaussians" },
    h("div", {},
      parts.map,
      h("div", { class: "explore-legend", role: "group", "aria-label": "Choose classes" }, ...parts.legend)),
    h("div", { class: "explore-right gaussians-right" },
      h("div", { class: "explore-readout" },
        parts.decoded,
        titled("Decoded at z",
          h("p", { class: "explore-numbers" },
            h("span", {}, ...sub(1), " = ", parts.z1), h("span", {}, ...sub(2), " = ", parts.z2)))),
      titled("p(class | z), in %",
        h("div", { class: "gaussians-bars" },
          ...parts.bars.map((bar, digit) => h("div", {}, h("span", {}, bar), h("b", {}, String(digit)), parts.percents[digit])))),
      titled("Log density at z, in nats",
        h("dl", { class: "gaussians-logs" },
          ...Object.entries(LOG_NAMES).flatMap(([key, name]) => [h("dt", {}, name), parts.logs[key]])))),
    h("div", { class: "gaussians-controls" },
      group("All classes, no class, point", parts.all, parts.none, parts.reset),
      titled("Shaded density", group("Shaded density", ...Object.values(parts.densities)), parts.scale, parts.apart),
      titled("Ellipses at 1 and 2 sd", group("Covariance of the ellipses", ...Object.values(parts.shares)))),
    h("div", { class: "gaussians-wide" },
      parts.caption,
      h("div", { class: "gaussians-scroll", tabindex: "0", role: "group", "aria-label": "Table of the chosen classes" }, parts.table)),
    parts.hint,
    parts.summary);
  parts.root = h("div", { class: "explore-frame" }, figure);
  return parts;
}

// A row for each chosen class, and one for all of them together.
export function fillTable({ caption, table }, { gaussians }, { classes, matched }, share) {
  const head = (...children) => h("th", { scope: "col" }, ...children);
  const row = (name, gaussian) => {
    const within = withinShare(gaussian);
    const numbers = [...gaussian.mean, ...covariance(gaussian, share)].map((value) => formatNumber(value, 3));
    const shares = [within, 1 - within].map((value) => `${formatNumber(100 * value, 1)}%`);
    const cells = [...numbers, ...shares, formatNumber(klToPrior(gaussian))];
    return h("tr", {}, h("th", { scope: "row" }, name), ...cells.map((text) => h("td", {}, text)));
  };
  const rows = classes.map((digit) => row(String(digit), gaussians[digit]));
  if (classes.length > 1) rows.push(row("together", matched));
  caption.textContent = classes.length
    ? `Chosen classes: mean, ${share} covariance, the two shares of the total variance, KL of the Gaussian to the prior in nats.`
    : "No class is chosen.";
  table.replaceChildren(
    h("thead", {}, h("tr", {},
      head("class"), head("mean ", ...sub(1)), head("mean ", ...sub(2)), head("var ", ...sub(1)), head("cov"), head("var ", ...sub(2)),
      head("within"), head("between"), head("KL"))),
    h("tbody", {}, ...rows));
}
