// Posterior views: the same posteriors as means, samples or ellipses. All that the reader chooses is in the model's traits.
import { afterQuiet, drawInk, h, onceAFrame } from "./dom.mjs";
import { follow, highlightOne, listenToKeys, makeRender, QUIET, redrawOnChange } from "./figure.mjs";
import { nearest } from "./neighbours.mjs";
import { mountPage } from "./page.mjs";
import { formatNumber, makePlane } from "./plane.mjs";
import { listenToPointer } from "./pointer.mjs";
import { indexAfterKey } from "./stepping.mjs";
import { cssColour, onGround, readTheme } from "./theme.mjs";
import { describeViews, drawSamples, readViews } from "./views_data.mjs";
import { drawChosenPosterior, drawViews } from "./views_drawing.mjs";

const VIEWS = ["means", "samples", "ellipses"];
const LAST_SEED = 2 ** 31 - 1;

export const render = makeRender("The posterior views", show);

function show(model, el, cleanup) {
  const data = readViews(model.get("payload"));
  const parts = build(data);
  el.replaceChildren(parts.root);
  let theme = readTheme(parts.root);
  let plane = makePlane(data.limit, 100, 0);
  const chosen = { digit: null, held: false };
  const backdrop = document.createElement("canvas");
  let backdropIsOld = true;
  let samples = { seed: null, places: data.mean };

  const state = () => ({
    view: VIEWS.includes(model.get("view")) ? model.get("view") : VIEWS[0],
    nStd: model.get("n_std") === 2 ? 2 : 1,
    seed: model.get("seed") ?? 0,
    point: Math.min(Math.max(0, model.get("point") ?? 0), data.labels.length - 1),
  });
  // Where the points are seen: an ellipse is at its mean.
  const places = () => {
    const { view, seed } = state();
    if (view !== "samples") return data.mean;
    if (samples.seed !== seed) samples = { seed, places: drawSamples(data, seed) };
    return samples.places;
  };
  const say = afterQuiet(() => (parts.summary.textContent = describeViews(data, state())), QUIET, cleanup);

  const drawBackdrop = () => {
    theme = readTheme(parts.root);
    const scale = window.devicePixelRatio || 1;
    const size = parts.map.clientWidth || 320;
    plane = makePlane(data.limit, size, 26);
    for (const canvas of [parts.canvas, backdrop]) canvas.width = canvas.height = Math.round(size * scale);
    const context = backdrop.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const colours = data.colours.map((colour) => onGround(colour, theme.ground));
    const { view, nStd, seed } = state();
    drawViews(context, plane, data, { view, nStd, places: places(), digit: chosen.digit }, theme, colours);
    for (const [digit, button] of parts.legend.entries()) {
      button.style.setProperty("--explore-digit", cssColour(colours[digit]));
    }
    parts.views.forEach((button, i) => button.setAttribute("aria-pressed", VIEWS[i] === view));
    parts.sizes.forEach((button, i) => {
      button.setAttribute("aria-pressed", i + 1 === nStd);
      button.disabled = view !== "ellipses";
    });
    parts.again.disabled = view !== "samples";
    parts.seed.textContent = `seed ${seed}`;
    backdropIsOld = false;
  };

  const draw = onceAFrame(() => {
    if (backdropIsOld) drawBackdrop();
    const context = parts.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(backdrop, 0, 0);
    const scale = parts.canvas.width / plane.size;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const { point } = state();
    drawChosenPosterior(context, plane, data, places(), point, theme);
    const label = data.labels[point];
    drawInk(parts.picture, data.side, data.pictures, point * data.side ** 2, theme);
    parts.label.textContent = label;
    parts.label.style.setProperty("--explore-digit", cssColour(onGround(data.colours[label], theme.ground)));
    [...data.mean, ...data.sd].forEach((values, i) => (parts.numbers[i].textContent = formatNumber(values[point])));
  }, cleanup);

  const redraw = () => {
    backdropIsOld = true;
    draw();
  };
  const react = { point: draw, view: redraw, n_std: redraw, seed: redraw };
  for (const [name, update] of Object.entries(react)) {
    follow(model, name, () => {
      update();
      say();
    }, cleanup);
  }
  const change = (name, value) => {
    if (model.get(name) === value) return;
    model.set(name, value);
    model.save_changes();
  };
  const choose = (x, y) => change("point", nearest(...places(), plane.toPoint([x, y]), 1)[0].index);
  listenToPointer(parts.map, cleanup, chosen, choose, (held) => {
    chosen.held = held;
    parts.hint.textContent = held ? HINT_HELD : HINT_FREE;
  });
  listenToKeys(parts.map, cleanup, ({ key, shiftKey }) => {
    const next = indexAfterKey(...places(), state().point, key, shiftKey);
    if (next !== null) change("point", next);
    return next !== null;
  });
  for (const [i, button] of parts.views.entries()) cleanup.listen(button, "click", () => change("view", VIEWS[i]));
  for (const [i, button] of parts.sizes.entries()) cleanup.listen(button, "click", () => change("n_std", i + 1));
  cleanup.listen(parts.again, "click", () => change("seed", state().seed < LAST_SEED ? state().seed + 1 : 0));
  highlightOne(parts.legend, chosen, redraw, cleanup);
  redrawOnChange(parts.root, [parts.map], redraw, cleanup);
  parts.summary.textContent = describeViews(data, state());
  draw();
}

const HINT_FREE = "Point at the map, or drag a finger; click to hold the digit. Arrow keys go to the nearest digit in their " +
  "direction, with Shift further. Ring: the chosen digit; cross and thin ellipses: its mean, 1 and 2 standard deviations.";
const HINT_HELD = "The digit is held: click the map to let it follow again. Arrow keys still move it.";

function build({ side, colours }) {
  const pressable = (text) => h("button", { type: "button", "aria-pressed": "false" }, text);
  const parts = {
    canvas: h("canvas", { "aria-hidden": "true" }),
    summary: h("p", { class: "explore-hidden", "aria-live": "polite" }),
    hint: h("p", { class: "explore-hint" }, HINT_FREE),
    picture: h("canvas", {
      width: side, height: side, class: "explore-decoded", role: "img", "aria-label": "The chosen digit's image",
    }),
    label: h("b"),
    numbers: Array.from({ length: 4 }, () => h("output", { "aria-live": "off" })), // the summary speaks for them
    views: ["Means", "Samples", "Ellipses"].map(pressable),
    sizes: ["1 sd", "2 sd"].map(pressable),
    again: h("button", { type: "button" }, "Draw again"),
    seed: h("span", { class: "explore-note" }),
    legend: colours.map((_, digit) =>
      h("button", { type: "button", "aria-pressed": "false", "aria-label": `Show only digit ${digit}` }, String(digit))),
  };
  parts.map = h("div", {
    class: "explore-map", tabindex: "0", role: "application", "aria-roledescription": "map of digits",
    "aria-label": "Posteriors in the latent space: arrow keys go to the nearest digit in their direction",
  }, parts.canvas);
  const [m1, m2, s1, s2] = parts.numbers;
  const row = (name, first, second) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, first), h("td", {}, second));
  const axis = (i) => h("th", { scope: "col" }, "z", h("sub", {}, String(i)));
  const figure = h("div", { class: "explore-figure", role: "group", "aria-label": "Posterior views" },
    h("div", { class: "explore-left" },
      h("div", { class: "explore-buttons views-switch", role: "group", "aria-label": "Draw each posterior as" }, ...parts.views),
      parts.map,
      h("div", { class: "explore-legend", role: "group", "aria-label": "Highlight one digit" }, ...parts.legend)),
    h("div", { class: "explore-right" },
      h("div", { class: "explore-readout" },
        parts.picture,
        h("div", {},
          h("p", { class: "explore-title" }, "The chosen digit: ", parts.label),
          h("table", { class: "views-numbers" },
            h("thead", {}, h("tr", {}, h("td"), axis(1), axis(2))),
            h("tbody", {}, row("mean", m1, m2), row("sd", s1, s2))))),
      h("div", { class: "explore-buttons views-tools" }, parts.again, parts.seed),
      h("div", { class: "explore-buttons", role: "group", "aria-label": "Size of the ellipses" }, ...parts.sizes)),
    parts.hint,
    parts.summary);
  parts.root = h("div", { class: "explore-frame" }, figure);
  return parts;
}

export default { render };
