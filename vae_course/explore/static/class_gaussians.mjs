// Class Gaussians on the latent map. Traits z, classes, density and share are the state; all else follows from them.
import { base64ToBytes, unpackMatrix } from "./bytes.mjs";
import { buildClassGaussians, fillTable } from "./class_gaussians_view.mjs";
import { afterQuiet, drawInk, onceAFrame } from "./dom.mjs";
import { follow, listenToKeys, makeRender, QUIET, redrawOnChange } from "./figure.mjs";
import { drawClassMap } from "./gaussian_drawing.mjs";
import { logDensityOf, pool, STANDARD } from "./gaussians.mjs";
import { drawMarker } from "./map_drawing.mjs";
import { logMixture, makeMixture, posteriorOfClasses, totalVariation } from "./mixture.mjs";
import { makeDecoder } from "./nn.mjs";
import { mountPage } from "./page.mjs";
import { clampPoint, formatNumber, makePlane, pointAfterKey } from "./plane.mjs";
import { listenToPointer } from "./pointer.mjs";
import { cssColour, onGround, parseColour, readTheme } from "./theme.mjs";

const HINT_FREE = "Move over the map, or drag a finger. Click to hold the point. Arrow keys step, with Shift further; Home is the origin.";
const HINT_HELD = "The point is held: click the map to let it follow again. Arrow keys still move it.";

export const render = makeRender("The class Gaussians", show);

// What the payload holds, unpacked and checked.
export function readPayload(payload) {
  if (payload?.kind !== "class-gaussians") throw new Error("its data are missing");
  const [mu, logvar] = [payload.mu, payload.logvar].map(unpackMatrix);
  const labels = base64ToBytes(payload.labels);
  if ([mu, logvar].some(({ rows, columns }) => rows !== 2 || columns !== labels.length)) {
    throw new Error("its posteriors and labels do not belong together");
  }
  const half = ({ values, columns }, i) => Float64Array.from(values.subarray(i * columns, (i + 1) * columns));
  const [xs, ys] = [half(mu, 0), half(mu, 1)];
  const n = payload.n_points;
  return {
    side: payload.side,
    limit: payload.limit,
    cells: payload.cells,
    gaussians: payload.gaussians,
    points: { xs: xs.subarray(0, n), ys: ys.subarray(0, n), labels: labels.subarray(0, n) },
    colours: payload.colours.map(parseColour),
    tints: { more: parseColour(payload.tints.more), less: parseColour(payload.tints.less) },
    mixture: makeMixture({ xs, ys, logvars: [half(logvar, 0), half(logvar, 1)], labels, limit: payload.limit, cells: payload.cells }),
    decode: makeDecoder(payload.layers),
  };
}

// What holds for a choice of classes whatever z is: matched Gaussian (null without a class), masses, total variations.
export function readChoice({ gaussians, mixture }, classes) {
  const prior = mixture.gaussianMasses(STANDARD);
  if (!classes.length) return { classes, matched: null, masses: { prior }, apart: null, drawnApart: null };
  const matched = pool(classes.map((digit) => gaussians[digit]));
  const masses = { mixture: mixture.masses(classes), gaussian: mixture.gaussianMasses(matched), prior };
  return {
    classes,
    matched,
    masses,
    apart: totalVariation(masses.mixture, masses.gaussian),
    drawnApart: totalVariation(mixture.drawnMasses(classes, matched), masses.gaussian),
  };
}

// What holds at z: {probabilities: ten, logs: {mixture, gaussian, prior}}, in nats, null without a class.
export function readPoint({ mixture }, { classes, matched }, z) {
  const logDensities = mixture.classLogDensities(z);
  return {
    probabilities: posteriorOfClasses(logDensities, mixture.counts),
    logs: {
      mixture: matched && logMixture(logDensities, mixture.counts, classes),
      gaussian: matched && logDensityOf(matched)(...z),
      prior: logDensityOf(STANDARD)(...z),
    },
  };
}

export function describeApart({ matched, apart, drawnApart }) {
  if (!matched) return "No class is chosen.";
  return `Mixture and matched Gaussian differ by ${formatNumber(apart)} in total variation ` +
    `(${formatNumber(drawnApart)} if as many means were drawn from the Gaussian).`;
}

// The figure's state in words; class_gaussians.py says the same.
export function describeState({ mixture }, choice, { probabilities, logs }, z) {
  const n = mixture.counts.reduce((a, b) => a + b, 0).toLocaleString("en-US");
  const chosen = choice.matched ? `Chosen: ${choice.classes.join(", ")}. ` : "";
  const likely = probabilities.map((p, digit) => ({ p, digit })).sort((a, b) => b.p - a.p).slice(0, 3);
  const shares = likely.filter(({ p }) => p >= 0.005).map(({ p, digit }) => `${percent(p)} ${digit}`);
  const names = Object.entries({ mixture: "mixture", gaussian: "Gaussian", prior: "prior" });
  const nats = names.filter(([key]) => logs[key] !== null).map(([key, name]) => `${name} ${formatNumber(logs[key])}`);
  return `Class Gaussians of ${n} digits. ${chosen}${describeApart(choice)} ` +
    `z = (${z.map((value) => formatNumber(value)).join(", ")}): p(class | z) is ${shares.join(", ")}; ` +
    `log density in nats: ${nats.join(", ")}.`;
}

function percent(share) {
  return `${formatNumber(100 * share, 0)}%`;
}

// Densities of the cells, and the density that is drawn strongest: the same for all layers of a choice but the peaks of
// the mixture, which lie at single digits and would leave all else pale.
function readLayer({ masses }, name, width) {
  const values = name === "difference"
    ? (masses.mixture ?? masses.prior).map((mass, i) => (masses.mixture ? mass - masses.gaussian[i] : 0))
    : masses[name] ?? masses.prior.map(() => 0);
  const peak = [masses.gaussian, masses.prior].reduce((most, all) => (all ?? []).reduce((a, b) => Math.max(a, b), most), 0);
  return { values: values.map((mass) => mass / width ** 2), strongest: (2 * peak) / width ** 2 };
}

function show(model, el, cleanup) {
  const data = readPayload(model.get("payload"));
  const parts = buildClassGaussians(data);
  el.replaceChildren(parts.root);
  let theme = readTheme(parts.root);
  let plane = makePlane(data.limit, 100, 0);
  const pointer = { held: false };
  const backdrop = document.createElement("canvas");
  let backdropIsOld = true;
  let choice = null;

  const here = () => clampPoint([...(model.get("z") ?? [0, 0])], data.limit);
  const classes = () => [...(model.get("classes") ?? [])];
  const density = () => model.get("density") ?? "mixture";
  const share = () => model.get("share") ?? "total";
  const choose = () => {
    if (choice?.classes.join() !== classes().join()) choice = readChoice(data, classes());
    return choice;
  };
  const summary = () => describeState(data, choose(), readPoint(data, choose(), here()), here());
  const say = afterQuiet(() => (parts.summary.textContent = summary()), QUIET, cleanup);

  const drawBackdrop = () => {
    theme = readTheme(parts.root);
    const scale = window.devicePixelRatio || 1;
    const size = parts.map.clientWidth || 320;
    plane = makePlane(data.limit, size, 26);
    for (const canvas of [parts.canvas, backdrop]) canvas.width = canvas.height = Math.round(size * scale);
    backdrop.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
    const colours = data.colours.map((colour) => onGround(colour, theme.ground));
    const { matched } = choose();
    const outlines = classes().map((digit) => ({ gaussian: data.gaussians[digit], label: digit, colour: colours[digit] }));
    if (classes().length > 1) outlines.unshift({ gaussian: matched, label: null, colour: theme.ink });
    const layer = readLayer(choice, density(), data.mixture.width);
    drawClassMap(backdrop.getContext("2d"), plane, data, {
      theme, colours, layer, outlines, classes: classes(), share: share(),
      tints: density() === "difference" ? data.tints : null,
    });
    for (const [digit, colour] of colours.entries()) {
      for (const tag of [parts.legend[digit], parts.bars[digit]]) tag.style.setProperty("--explore-digit", cssColour(colour));
      parts.legend[digit].setAttribute("aria-pressed", classes().includes(digit));
    }
    for (const [name, button] of Object.entries(parts.densities)) button.setAttribute("aria-pressed", name === density());
    for (const [name, button] of Object.entries(parts.shares)) button.setAttribute("aria-pressed", name === share());
    parts.apart.textContent = describeApart(choice);
    parts.scale.textContent = density() === "difference"
      ? "Blue: the mixture has more. Orange: the Gaussian has more."
      : `Shade: square root of the density, full at ${formatNumber(layer.strongest)} and above.`;
    fillTable(parts, data, choice, share());
    backdropIsOld = false;
  };
  const draw = onceAFrame(() => {
    const z = here();
    if (backdropIsOld) drawBackdrop();
    const context = parts.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(backdrop, 0, 0);
    const scale = parts.canvas.width / plane.size;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    drawMarker(context, plane, z, [], theme, pointer.held);
    drawInk(parts.decoded, data.side, data.decode(z), 0, theme);
    parts.z1.textContent = formatNumber(z[0]);
    parts.z2.textContent = formatNumber(z[1]);
    const { probabilities, logs } = readPoint(data, choose(), z);
    for (const [name, tag] of Object.entries(parts.logs)) tag.textContent = logs[name] === null ? "\u2013" : formatNumber(logs[name]);
    for (const [digit, p] of probabilities.entries()) {
      parts.bars[digit].style.setProperty("--gaussians-share", p);
      parts.percents[digit].textContent = formatNumber(100 * p, 0);
    }
  }, cleanup);

  const redraw = () => {
    backdropIsOld = true;
    draw();
  };
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  for (const [name, act] of [["z", draw], ["classes", redraw], ["density", redraw], ["share", redraw]]) {
    follow(model, name, () => {
      act();
      say();
    }, cleanup);
  }

  listenToPointer(parts.map, cleanup, pointer, (x, y) => set("z", plane.toPoint([x, y])), (held) => {
    pointer.held = held;
    parts.hint.textContent = held ? HINT_HELD : HINT_FREE;
    draw();
  });
  listenToKeys(parts.map, cleanup, ({ key, shiftKey }) => {
    const z = pointAfterKey(here(), key, shiftKey, data.limit);
    if (z) set("z", z);
    return z !== null;
  });
  cleanup.listen(parts.reset, "click", () => set("z", [0, 0]));
  cleanup.listen(parts.all, "click", () => set("classes", data.colours.map((_, digit) => digit)));
  cleanup.listen(parts.none, "click", () => set("classes", []));
  for (const [digit, button] of parts.legend.entries()) {
    cleanup.listen(button, "click", () => {
      const others = classes().filter((other) => other !== digit);
      set("classes", others.length < classes().length ? others : [...others, digit].sort((a, b) => a - b));
    });
  }
  for (const [trait, buttons] of [["density", parts.densities], ["share", parts.shares]]) {
    for (const [name, button] of Object.entries(buttons)) cleanup.listen(button, "click", () => set(trait, name));
  }
  redrawOnChange(parts.root, [parts.map], redraw, cleanup);
  parts.hint.textContent = HINT_FREE;
  parts.summary.textContent = summary();
  draw();
}

export default { render };
