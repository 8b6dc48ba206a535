// Linked maps: the same points in up to four maps. The set that is shown and the chosen point are the model's traits.
import { afterQuiet, drawInk, h, onceAFrame } from "./dom.mjs";
import { follow, highlightOne, listenToKeys, makeRender, QUIET, redrawOnChange } from "./figure.mjs";
import { N_NEAREST, describeMaps, meanKept, readMaps } from "./linked_data.mjs";
import { drawChosen, drawScatter } from "./linked_drawing.mjs";
import { nearest } from "./neighbours.mjs";
import { mountPage } from "./page.mjs";
import { makePlane } from "./plane.mjs";
import { listenToPointer } from "./pointer.mjs";
import { indexAfterKey } from "./stepping.mjs";
import { cssColour, onGround, readTheme } from "./theme.mjs";

export const render = makeRender("The linked maps", show);

function show(model, el, cleanup) {
  const data = readMaps(model.get("payload"));
  const parts = build(data);
  el.replaceChildren(parts.root);
  let theme = readTheme(parts.root);
  const chosen = { digit: null, held: false };
  const backdrops = parts.panels.map(() => document.createElement("canvas"));
  let plane = makePlane(1, 100, 0);
  let backdropsAreOld = true;
  const means = new Map(); // of the maps shown so far

  const set = () => data.sets.find(({ title }) => title === model.get("shown")) ?? data.sets[0];
  const mapsShown = () => set().maps.map((name) => data.maps[name]);
  const group = () => data.groups[mapsShown()[0].source];
  const point = () => Math.min(Math.max(0, model.get("point") ?? 0), group().labels.length - 1);
  const summary = () => describeMaps(set(), group(), mapsShown(), point());
  const say = afterQuiet(() => (parts.summary.textContent = summary()), QUIET, cleanup);

  const drawBackdrops = () => {
    theme = readTheme(parts.root);
    const scale = window.devicePixelRatio || 1;
    const size = parts.panels[0].map.clientWidth || 160;
    plane = makePlane(1, size, 0);
    const colours = data.colours.map((colour) => onGround(colour, theme.ground));
    const maps = mapsShown();
    for (const [i, panel] of parts.panels.entries()) {
      panel.root.hidden = i >= maps.length;
      if (panel.root.hidden) continue;
      for (const canvas of [panel.canvas, backdrops[i]]) canvas.width = canvas.height = Math.round(size * scale);
      const context = backdrops[i].getContext("2d");
      context.setTransform(scale, 0, 0, scale, 0, 0);
      drawScatter(context, plane, maps[i], theme, colours, chosen.digit);
      panel.title.textContent = maps[i].title;
      panel.map.setAttribute("aria-label", `${maps[i].title}: arrow keys go to the nearest point in their direction`);
      if (!means.has(maps[i])) means.set(maps[i], meanKept(maps[i]).toFixed(1));
    }
    for (const [i, button] of parts.sets.entries()) button.setAttribute("aria-pressed", data.sets[i] === set());
    for (const [digit, button] of parts.legend.entries()) {
      button.style.setProperty("--explore-digit", cssColour(colours[digit]));
    }
    parts.name.textContent = group().source === "digits" ? "The chosen digit" : "The chosen draw, decoded";
    parts.labelName.textContent = group().source === "digits" ? "label " : "reads as ";
    backdropsAreOld = false;
  };

  const draw = onceAFrame(() => {
    if (backdropsAreOld) drawBackdrops();
    const index = point();
    const { labels, near, pictures } = group();
    const neighbours = [...near.subarray(N_NEAREST * index, N_NEAREST * (index + 1))];
    const colour = (label) => onGround(data.colours[label], theme.ground);
    for (const [i, map] of mapsShown().entries()) {
      const { canvas, note } = parts.panels[i];
      const context = canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.drawImage(backdrops[i], 0, 0);
      const scale = canvas.width / plane.size;
      context.setTransform(scale, 0, 0, scale, 0, 0);
      const isKept = map.isKept(index);
      drawChosen(context, plane, map, index, neighbours.map((other, k) => ({ other, kept: isKept[k] })), theme, colour);
      note.textContent = `${isKept.filter(Boolean).length} of ${N_NEAREST} kept (on average ${means.get(map)})`;
    }
    drawInk(parts.picture, data.side, pictures, index * data.side ** 2, theme);
    parts.label.textContent = labels[index];
    parts.label.style.setProperty("--explore-digit", cssColour(colour(labels[index])));
    neighbours.forEach((other, rank) => {
      drawInk(parts.pictures[rank], data.side, pictures, other * data.side ** 2, theme);
      parts.neighbourLabels[rank].textContent = labels[other];
      parts.neighbourLabels[rank].style.setProperty("--explore-digit", cssColour(colour(labels[other])));
    });
  }, cleanup);

  const redraw = () => {
    backdropsAreOld = true;
    draw();
  };
  const moved = () => {
    draw();
    say();
  };
  const switched = () => {
    redraw();
    say();
  };
  for (const [name, react] of [["point", moved], ["shown", switched]]) {
    follow(model, name, react, cleanup);
  }
  const change = (name, value) => {
    if (model.get(name) === value) return;
    model.set(name, value);
    model.save_changes();
  };
  for (const [i, { map }] of parts.panels.entries()) {
    const choose = (x, y) => {
      const { xs, ys } = mapsShown()[i];
      change("point", nearest(xs, ys, plane.toPoint([x, y]), 1)[0].index);
    };
    listenToPointer(map, cleanup, chosen, choose, (held) => {
      chosen.held = held;
      parts.hint.textContent = held ? HINT_HELD : HINT_FREE;
    });
    listenToKeys(map, cleanup, ({ key, shiftKey }) => {
      const { xs, ys } = mapsShown()[i];
      const next = indexAfterKey(xs, ys, point(), key, shiftKey);
      if (next !== null) change("point", next);
      return next !== null;
    });
  }
  for (const [i, button] of parts.sets.entries()) cleanup.listen(button, "click", () => change("shown", data.sets[i].title));
  highlightOne(parts.legend, chosen, redraw, cleanup);
  redrawOnChange(parts.root, [parts.panels[0].map], redraw, cleanup);
  parts.summary.textContent = summary();
  draw();
}

const HINT_FREE = "Point at a map, or drag a finger on it; click to hold the point. Arrow keys go to the nearest point in their " +
  "direction, with Shift further. Lines lead to the ten nearest in 20 dimensions; a full disc is also among the ten nearest " +
  "in that map, an empty one is not.";
const HINT_HELD = "The point is held: click a map to let it follow again. Arrow keys still move it.";

function build({ side, colours, sets, groups }) {
  const many = (n, make) => Array.from({ length: n }, (_, i) => make(i));
  const picture = (attributes) => h("canvas", { width: side, height: side, ...attributes });
  const n = Math.max(...sets.map(({ maps }) => maps.length));
  const onlyNoise = !("digits" in groups);
  const parts = {
    summary: h("p", { class: "explore-hidden", "aria-live": "polite" }),
    hint: h("p", { class: "explore-hint" }, HINT_FREE),
    picture: picture({ class: "explore-decoded linked-picture", role: "img", "aria-label": "The chosen point's image" }),
    name: h("p", { class: "explore-title" }),
    labelName: document.createTextNode(""),
    label: h("b"),
    pictures: many(N_NEAREST, () => picture({ "aria-hidden": "true" })),
    neighbourLabels: many(N_NEAREST, () => h("b")),
    sets: sets.map(({ title }) => h("button", { type: "button", "aria-pressed": "false" }, title)),
    legend: colours.map((_, digit) =>
      h("button", { type: "button", "aria-pressed": "false", "aria-label": `Show only digit ${digit}` }, String(digit))),
    panels: many(n, () => {
      const canvas = h("canvas", { "aria-hidden": "true" });
      const [title, note] = [h("p", { class: "explore-title" }), h("p", { class: "explore-note" })];
      const map = h("div", {
        class: "explore-map", tabindex: "0", role: "application", "aria-roledescription": "map of points",
      }, canvas);
      return { canvas, title, note, map, root: h("div", { class: "linked-panel" }, title, map, note) };
    }),
  };
  const figure = h("div", { class: "explore-figure", role: "group", "aria-label": "Linked maps" },
    h("div", { class: "explore-left" },
      h("div", { class: "explore-buttons linked-sets", role: "group", "aria-label": "Which maps" }, ...parts.sets),
      h("div", { class: "linked-panels" }, ...parts.panels.map(({ root }) => root)),
      h("div", { class: "explore-legend", role: "group", "aria-label": "Highlight one digit" }, ...parts.legend)),
    h("div", { class: "explore-right" },
      h("div", { class: "explore-readout" },
        parts.picture,
        h("div", {}, parts.name, h("p", { class: "linked-label" }, parts.labelName, parts.label))),
      h("div", {},
        h("p", { class: "explore-title" }, "Its ten nearest in 20 dimensions"),
        h("ol", { class: "explore-nearest linked-nearest" },
          ...parts.pictures.map((canvas, i) => h("li", {}, canvas, parts.neighbourLabels[i]))),
        h("p", { class: "explore-note" }, onlyNoise ? "what the classifier reads" : "the nearest first"))),
    parts.hint,
    parts.summary);
  parts.root = h("div", { class: "explore-frame" }, figure);
  return parts;
}

export default { render };
