// The latent map. Position z is the model's trait; all else follows from it.
import { base64ToBytes, unpackGreys, unpackMatrix } from "./bytes.mjs";
import { afterQuiet, drawInk, h, onceAFrame } from "./dom.mjs";
import { follow, highlightOne, listenToKeys, makeRender, QUIET, redrawOnChange } from "./figure.mjs";
import { majority, nearest } from "./neighbours.mjs";
import { makeDecoder } from "./nn.mjs";
import { drawMap, drawMarker } from "./map_drawing.mjs";
import { mountPage } from "./page.mjs";
import { clampPoint, formatNumber, makePlane, pointAfterKey } from "./plane.mjs";
import { listenToPointer } from "./pointer.mjs";
import { cssColour, onGround, parseColour, readTheme } from "./theme.mjs";

const GRID = 15;

export const render = makeRender("The latent map", show);

// What the payload holds, unpacked and checked.
export function readPayload(payload) {
  if (payload?.kind !== "latent-map") throw new Error("its data are missing");
  const mu = unpackMatrix(payload.mu);
  const labels = base64ToBytes(payload.labels);
  if (mu.rows !== 2 || labels.length !== mu.columns) throw new Error("its points and labels do not belong together");
  return {
    side: payload.side,
    limit: payload.limit,
    k: payload.n_nearest,
    xs: mu.values.subarray(0, mu.columns),
    ys: mu.values.subarray(mu.columns),
    labels,
    labelSpots: payload.label_spots,
    pictures: unpackGreys(payload.images, labels.length * payload.side ** 2),
    colours: payload.colours.map(parseColour),
    decode: makeDecoder(payload.layers),
  };
}

function show(model, el, cleanup) {
  const data = readPayload(model.get("payload"));
  const parts = build(data);
  el.replaceChildren(parts.root);
  let theme = readTheme(parts.root);
  let plane = makePlane(data.limit, 100, 0);
  const chosen = { digit: null, grid: false, held: false };
  const backdrop = document.createElement("canvas");
  let backdropIsOld = true;
  let neighbours = [];

  const here = () => clampPoint([...(model.get("z") ?? [0, 0])], data.limit);
  const summary = () => {
    const labels = neighbours.map(({ index }) => data.labels[index]);
    return `z = (${here().map((value) => formatNumber(value)).join(", ")}). Decodes to something like a ` +
      `${majority(labels)}; nearest real digits ${labels.join(" ")}.`;
  };
  const say = afterQuiet(() => (parts.summary.textContent = summary()), QUIET, cleanup);

  const draw = onceAFrame(() => {
    const z = here();
    neighbours = nearest(data.xs, data.ys, z, data.k);
    if (backdropIsOld) {
      theme = readTheme(parts.root);
      const scale = window.devicePixelRatio || 1;
      const size = parts.map.clientWidth || 320;
      plane = makePlane(data.limit, size, 26);
      for (const canvas of [parts.canvas, backdrop]) canvas.width = canvas.height = Math.round(size * scale);
      backdrop.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
      const colours = data.colours.map((colour) => onGround(colour, theme.ground));
      drawMap(backdrop.getContext("2d"), plane, data, { theme, colours, ...chosen, gridSize: GRID });
      for (const [digit, button] of parts.legend.entries()) {
        button.style.setProperty("--explore-digit", cssColour(colours[digit]));
      }
      backdropIsOld = false;
    }
    const context = parts.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(backdrop, 0, 0);
    const scale = parts.canvas.width / plane.size;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    drawMarker(context, plane, z, neighbours.map(({ index }) => [data.xs[index], data.ys[index]]), theme, chosen.held);

    drawInk(parts.decoded, data.side, data.decode(z), 0, theme);
    parts.z1.textContent = formatNumber(z[0]);
    parts.z2.textContent = formatNumber(z[1]);
    parts.radius.textContent = `${formatNumber(Math.hypot(...z))} prior sd from the origin`;
    neighbours.forEach(({ index, distance }, rank) => {
      const label = data.labels[index];
      drawInk(parts.pictures[rank], data.side, data.pictures, index * data.side ** 2, theme);
      const colour = onGround(data.colours[label], theme.ground);
      parts.neighbourLabels[rank].style.setProperty("--explore-digit", cssColour(colour));
      parts.neighbourLabels[rank].textContent = label;
      parts.distances[rank].textContent = formatNumber(distance);
    });
  }, cleanup);

  const redraw = () => {
    backdropIsOld = true;
    draw();
  };
  const moveTo = (z) => {
    model.set("z", z);
    model.save_changes();
  };
  follow(model, "z", () => {
    draw();
    say();
  }, cleanup);

  listenToPointer(parts.map, cleanup, chosen, (x, y) => moveTo(plane.toPoint([x, y])), (held) => {
    chosen.held = held;
    parts.hint.textContent = held ? HINT_HELD : HINT_FREE;
    draw();
  });
  listenToKeys(parts.map, cleanup, ({ key, shiftKey }) => {
    const z = pointAfterKey(here(), key, shiftKey, data.limit);
    if (z) moveTo(z);
    return z !== null;
  });
  cleanup.listen(parts.reset, "click", () => moveTo([0, 0]));
  cleanup.listen(parts.grid, "click", () => {
    chosen.grid = !chosen.grid;
    parts.grid.setAttribute("aria-pressed", chosen.grid);
    redraw();
  });
  highlightOne(parts.legend, chosen, redraw, cleanup);
  redrawOnChange(parts.root, [parts.map], redraw, cleanup);
  neighbours = nearest(data.xs, data.ys, here(), data.k);
  parts.summary.textContent = summary();
  draw();
}

const HINT_FREE = "Move over the map, or drag a finger. Click to hold the point. Arrow keys step, with Shift further; Home is the origin.";
const HINT_HELD = "The point is held: click the map to let it follow again. Arrow keys still move it.";

function build({ side, k, colours }) {
  const many = (n, make) => Array.from({ length: n }, (_, i) => make(i));
  const picture = (attributes) => h("canvas", { width: side, height: side, ...attributes });
  const parts = {
    canvas: h("canvas", { "aria-hidden": "true" }),
    summary: h("p", { class: "explore-hidden", "aria-live": "polite" }),
    hint: h("p", { class: "explore-hint" }, HINT_FREE),
    decoded: picture({ class: "explore-decoded", role: "img", "aria-label": "The decoder's image at z" }),
    z1: h("output"),
    z2: h("output"),
    radius: h("p", { class: "explore-note" }),
    pictures: many(k, () => picture({ "aria-hidden": "true" })),
    neighbourLabels: many(k, () => h("b")),
    distances: many(k, () => h("small")),
    reset: h("button", { type: "button" }, "Reset"),
    grid: h("button", { type: "button", "aria-pressed": "false" }, "Decoded grid"),
    legend: colours.map((_, digit) =>
      h("button", { type: "button", "aria-pressed": "false", "aria-label": `Show only digit ${digit}` }, String(digit))),
  };
  for (const output of [parts.z1, parts.z2]) output.setAttribute("aria-live", "off"); // the summary speaks for them
  parts.map = h("div", {
    class: "explore-map", tabindex: "0", role: "application", "aria-roledescription": "two-dimensional slider",
    "aria-label": "Latent map: arrow keys move the point that is decoded, Shift moves it further, Home goes to the origin",
  }, parts.canvas);
  const figure = h("div", { class: "explore-figure", role: "group", "aria-label": "Latent map" },
    h("div", { class: "explore-left" },
      parts.map,
      h("div", { class: "explore-legend", role: "group", "aria-label": "Highlight one digit" }, ...parts.legend)),
    h("div", { class: "explore-right" },
      h("div", { class: "explore-readout" },
        parts.decoded,
        h("div", {},
          h("p", { class: "explore-title" }, "Decoded at z"),
          h("p", { class: "explore-numbers" }, h("span", {}, "z", h("sub", {}, "1"), " = ", parts.z1),
            h("span", {}, "z", h("sub", {}, "2"), " = ", parts.z2)),
          parts.radius)),
      h("div", {},
        h("p", { class: "explore-title" }, "Nearest real digits"),
        h("ol", { class: "explore-nearest" },
          ...parts.pictures.map((canvas, i) => h("li", {}, canvas, parts.neighbourLabels[i], parts.distances[i]))),
        h("p", { class: "explore-note" }, "label and distance in the map")),
      h("div", { class: "explore-buttons" }, parts.reset, parts.grid)),
    parts.hint,
    parts.summary);
  parts.root = h("div", { class: "explore-frame" }, figure);
  return parts;
}

export default { render };
