// The latents: a slider for each. Traits z, range and digit are the state; all else follows from them.
import { base64ToBytes, unpackGreys, unpackMatrix } from "./bytes.mjs";
import { afterQuiet, drawInk, onceAFrame } from "./dom.mjs";
import { follow, makeRender, QUIET, redrawOnChange } from "./figure.mjs";
import { buildLatents, latentLabel } from "./latents_view.mjs";
import { makeDecoder } from "./nn.mjs";
import { mountPage } from "./page.mjs";
import { formatNumber } from "./plane.mjs";
import { meanGreyChange, positionOf, sideOf, spansOf, traversalValues, valueAt, withLatent } from "./ranges.mjs";
import { listenToSlider } from "./slider.mjs";
import { mix, onGround, parseColour, readTheme } from "./theme.mjs";
import { drawTrack, tallest } from "./violins.mjs";

const N_STRIP = 7;
const INSET = 7; // half a handle's width, as in latents.css
const FULL_COLOUR = 128; // grey levels of change that are drawn in full colour

export const render = makeRender("The latents", show);

// What the payload holds, unpacked and checked.
export function readPayload(payload) {
  if (payload?.kind !== "latents") throw new Error("its data are missing");
  const density = unpackMatrix(payload.density);
  const [mu, std] = [payload.mu, payload.std].map(unpackMatrix);
  const labels = base64ToBytes(payload.labels);
  const n = payload.order.length;
  if (density.rows !== n || [mu, std].some((m) => m.rows !== labels.length || m.columns !== n)) {
    throw new Error("its digits and its latents do not belong together");
  }
  const rowOf = (matrix, i) => Array.from(matrix.values.subarray(i * matrix.columns, (i + 1) * matrix.columns));
  return {
    n,
    side: payload.side,
    prior: payload.prior_range,
    order: payload.order,
    kl: payload.kl,
    active: payload.active,
    limit: payload.limit,
    peak: tallest(density.values),
    densities: Array.from({ length: n }, (_, j) => rowOf(density, j)),
    labels,
    digits: Array.from(labels, (_, i) => ({ mu: rowOf(mu, i), std: rowOf(std, i) })),
    pictures: unpackGreys(payload.images, labels.length * payload.side ** 2),
    colours: { more: parseColour(payload.colours.more), less: parseColour(payload.colours.less) },
    decode: makeDecoder(payload.layers),
  };
}

// What the sliders' range is, in words and numbers.
export function describeRange(range, digit, spans) {
  if (range !== "posterior" || !digit) {
    return `the prior range, ${spans[0].map((value) => formatNumber(value, 0)).join(" to ")}`;
  }
  const widths = spans.map(([low, high]) => high - low);
  return `the posterior range, the digit's mean \u00b1 2 sd, ` +
    `${formatNumber(Math.min(...widths))} to ${formatNumber(Math.max(...widths))} wide`;
}

export function describeState(label, rangeText, change) {
  const loaded = label === null ? "No digit loaded." : `Loaded digit: a ${label}.`;
  const from = label === null ? "the one at z = 0" : "the digit's reconstruction";
  return `${loaded} Sliders over ${rangeText}. The picture differs from ${from} by ${change} grey levels on average.`;
}

function show(model, el, cleanup) {
  const data = readPayload(model.get("payload"));
  const parts = buildLatents({ ...data, nStrip: N_STRIP });
  el.replaceChildren(parts.root);
  let theme = readTheme(parts.root);
  let tracksAreOld = true;
  let focused = data.order[0];

  const z = () => [...(model.get("z") ?? data.order.map(() => 0))];
  const digit = () => data.digits[model.get("digit")] ?? null;
  const label = () => data.labels[model.get("digit")] ?? null;
  const spans = () => spansOf(model.get("range"), digit(), data.prior, data.n);
  const start = () => digit()?.mu ?? data.order.map(() => 0);
  const set = (state) => {
    for (const [name, value] of Object.entries(state)) model.set(name, value);
    model.save_changes();
  };
  const say = afterQuiet(() => (parts.summary.textContent = summary()), QUIET, cleanup);
  const summary = () => {
    const reference = Float32Array.from(data.decode(start()));
    const change = formatNumber(meanGreyChange(data.decode(z()), reference), 1);
    return describeState(label(), describeRange(model.get("range"), digit(), spans()), change);
  };

  const drawTracks = () => {
    theme = readTheme(parts.root);
    const scale = window.devicePixelRatio || 1;
    const ranges = spans();
    for (const { latent, canvas } of parts.rows) {
      const track = { width: canvas.clientWidth || 200, height: canvas.clientHeight || 34, inset: INSET };
      canvas.width = Math.round(track.width * scale);
      canvas.height = Math.round(track.height * scale);
      const context = canvas.getContext("2d");
      context.setTransform(scale, 0, 0, scale, 0, 0);
      drawTrack(context, track, {
        span: ranges[latent], density: data.densities[latent], limit: data.limit, peak: data.peak,
        digit: digit() && { mu: digit().mu[latent], std: digit().std[latent] }, active: data.active[latent],
      }, theme);
    }
    parts.thumbs.forEach((canvas, i) => drawInk(canvas, data.side, data.pictures, i * data.side ** 2, theme));
    for (const [name, colour] of Object.entries(data.colours)) {
      parts.root.style.setProperty(`--latents-${name}`, `rgb(${onGround(colour, theme.ground).map(Math.round)})`);
    }
    tracksAreOld = false;
  };

  const draw = onceAFrame(() => {
    if (tracksAreOld) drawTracks();
    const [here, ranges] = [z(), spans()];
    const zoomed = model.get("range") === "posterior" && digit() !== null;
    for (const row of parts.rows) drawRow(row, here[row.latent], ranges[row.latent], zoomed, row.latent === focused);
    parts.ranges.prior.setAttribute("aria-pressed", !zoomed);
    parts.ranges.posterior.setAttribute("aria-pressed", zoomed);
    parts.ranges.posterior.disabled = digit() === null;
    parts.examples.forEach((button, i) => button.setAttribute("aria-pressed", i === model.get("digit")));
    const rangeText = describeRange(model.get("range"), digit(), ranges);
    parts.rangeNote.textContent = `Sliders run over ${rangeText}.` +
      (digit() === null ? " Load a digit for its posterior range." : "");

    const reference = Float32Array.from(data.decode(start()));
    const image = data.decode(here);
    drawInk(parts.decoded, data.side, image, 0, theme);
    drawDifference(parts.difference, data, image, reference, theme);
    parts.change.textContent = formatNumber(meanGreyChange(image, reference), 1);
    parts.reference.textContent = label() === null ? "the picture at z = 0" : "the digit's reconstruction";
    drawStrip(parts, data, here, focused, ranges[focused], zoomed, theme);
  }, cleanup);

  const redraw = () => {
    tracksAreOld = true;
    draw();
  };
  for (const [name, react] of [["z", draw], ["range", redraw], ["digit", redraw]]) {
    follow(model, name, () => {
      react();
      say();
    }, cleanup);
  }

  for (const { latent, input } of parts.rows) {
    cleanup.listen(input, "focus", () => {
      focused = latent;
      draw();
    });
    listenToSlider(input, cleanup, () => {
      focused = latent; // a finger moves a slider without giving it the focus in some browsers
      set({ z: withLatent(z(), latent, valueAt(Number(input.value), spans()[latent])) });
    }, draw);
  }
  parts.examples.forEach((button, i) => {
    cleanup.listen(button, "click", () => set({ digit: i, z: [...data.digits[i].mu] }));
  });
  cleanup.listen(parts.ranges.prior, "click", () => set({ range: "prior" }));
  cleanup.listen(parts.ranges.posterior, "click", () => {
    // Values outside go to the nearest end: all that the sliders can reach lies in the range that is shown.
    const ranges = spansOf("posterior", digit(), data.prior, data.n);
    set({ range: "posterior", z: z().map((value, j) => Math.min(ranges[j][1], Math.max(ranges[j][0], value))) });
  });
  cleanup.listen(parts.reset, "click", () => set({ digit: -1, range: "prior", z: data.order.map(() => 0) }));
  cleanup.listen(parts.resetOne, "click", () => set({ z: withLatent(z(), focused, start()[focused]) }));
  redrawOnChange(parts.root, [parts.list], redraw, cleanup);
  parts.summary.textContent = summary();
  draw();
}

function drawRow({ root, input, value: shown, span: ends }, value, span, zoomed, focused) {
  const position = String(positionOf(value, span));
  if (input.value !== position) input.value = position;
  const side = sideOf(value, span);
  const text = formatNumber(value, zoomed ? 3 : 2);
  shown.textContent = `${side < 0 ? "\u25c2 " : ""}${text}${side > 0 ? " \u25b8" : ""}`;
  const [low, high] = span.map((end) => formatNumber(end));
  ends.textContent = zoomed ? `${low} to ${high}` : "";
  const beyond = side ? ", beyond the slider's end" : "";
  input.setAttribute("aria-valuetext", `${text}${beyond}${zoomed ? `, in ${low} to ${high}` : ""}`);
  root.classList.toggle("latents-focused", focused);
}

// Signed: towards one colour where ink was added, towards the other where it was taken away.
function drawDifference(canvas, { side, colours }, image, reference, theme) {
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(side, side);
  const [more, less] = [colours.more, colours.less].map((colour) => onGround(colour, theme.ground));
  for (let i = 0; i < side * side; i++) {
    const change = image[i] - reference[i];
    const colour = mix(theme.ground, change > 0 ? more : less, Math.min(1, (Math.abs(change) * 255) / FULL_COLOUR));
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = Math.round(colour[c]);
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

// The latent in focus, decoded over its present range; all other latents stay.
function drawStrip(parts, { decode, side }, z, latent, span, zoomed, theme) {
  const values = traversalValues(span, N_STRIP);
  const [low, high] = span.map((end) => formatNumber(end, zoomed ? 2 : 0));
  values.forEach((value, i) => {
    drawInk(parts.strip[i], side, decode(withLatent(z, latent, value)), 0, theme);
    parts.stripValues[i].textContent = formatNumber(value, zoomed ? 2 : 0);
  });
  parts.stripTitle.replaceChildren(...latentLabel(latent), ` from ${low} to ${high}`);
  parts.resetOne.replaceChildren("Reset ", ...latentLabel(latent));
  parts.stripRow.setAttribute("aria-label", `z${latent + 1} from ${low} to ${high}: ${N_STRIP} decoded images`);
}

export default { render };
