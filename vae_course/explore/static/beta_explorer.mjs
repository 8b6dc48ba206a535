// What beta does: one slider over trained models. Traits beta, latent_dim and seed are the state; all else follows.
import { describeBeta, readBetas } from "./beta_explorer_data.mjs";
import { drawMeans, drawRates, pointAt } from "./beta_explorer_drawing.mjs";
import { buildBetas } from "./beta_explorer_view.mjs";
import { afterQuiet, drawInk, h, onceAFrame } from "./dom.mjs";
import { follow, highlightOne, makeRender, QUIET, redrawOnChange } from "./figure.mjs";
import { mountPage } from "./page.mjs";
import { formatNumber, makePlane } from "./plane.mjs";
import { listenToPlacing } from "./pointer.mjs";
import { listenToSlider } from "./slider.mjs";
import { cssColour, onGround, readTheme } from "./theme.mjs";

const LAST_SEED = 2 ** 31 - 1;
const INSET = 26; // of the map, for its ticks

export const render = makeRender("The figure of betas", show);

function show(model, el, cleanup) {
  const data = readBetas(model.get("payload"));
  const parts = buildBetas(data);
  el.replaceChildren(parts.root);
  const chosen = { digit: null };
  let theme = readTheme(parts.root);

  const now = () => Math.max(0, data.betas.indexOf(model.get("beta")));
  const family = () => data.families[model.get("latent_dim")];
  const shown = () => family()[now()];
  const summary = () => describeBeta(data.betas[now()], shown());
  const say = afterQuiet(() => (parts.summary.textContent = summary()), QUIET, cleanup);
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };

  // A canvas as many pixels wide and high as it is on the screen; returns its context and its size in CSS pixels.
  const fit = (canvas, element, square) => {
    const scale = window.devicePixelRatio || 1;
    const width = element.clientWidth || 300;
    const height = square ? width : element.clientHeight || 220;
    [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    return { context, size: { width, height } };
  };
  const drawRow = (canvases, pictures) =>
    canvases.forEach((canvas, i) => drawInk(canvas, data.side, pictures[i], 0, theme));

  const drawCharts = (current) => {
    const map = fit(parts.mapCanvas, parts.map, true);
    const plane = makePlane(current.limit, map.size.width, INSET);
    plane.names = current.order.slice(0, 2).map(subscript);
    const colours = data.colours.map((colour) => onGround(colour, theme.ground));
    drawMeans(map.context, plane, current, { labels: data.labels, colours, ...chosen }, theme);
    parts.legend.forEach((button, digit) => button.style.setProperty("--explore-digit", cssColour(colours[digit])));
    const curve = fit(parts.curve, parts.curve, false);
    drawRates(curve.context, curve.size, family(), { betas: data.betas, now: now() }, theme);
  };

  const drawControls = (current) => {
    const [beta, dim] = [data.betas[now()], model.get("latent_dim")];
    for (const [each, button] of Object.entries(parts.dims)) button.setAttribute("aria-pressed", Number(each) === dim);
    if (parts.slider.value !== String(now())) parts.slider.value = String(now());
    parts.slider.setAttribute("aria-valuetext", `\u03b2 = ${beta}`);
    parts.beta.textContent = `\u03b2 = ${beta}`;
    parts.rate.textContent = formatNumber(current.rate, 1);
    parts.distortion.textContent = formatNumber(current.distortion, 1);
    const active = `${current.active.filter(Boolean).length} of ${dim}`;
    parts.active.textContent = active;
    const names = current.order.slice(0, 2).map((j) => `z${j + 1}`).join(" and ");
    parts.mapTitle.textContent = dim === 2 ? "Means of real digits" : "Means of real digits, the two latents of largest KL";
    parts.map.setAttribute("aria-label",
      `Means of ${data.labels.length} digits over ${names}, from \u2212${current.limit} to ${current.limit}`);
    parts.curve.setAttribute("aria-label",
      `Distortion against rate for ${data.betas.length} betas; \u03b2 = ${beta} at rate ` +
      `${formatNumber(current.rate, 1)}, distortion ${formatNumber(current.distortion, 1)} nats`);
    parts.decodedRow.setAttribute("aria-label", `The same digits, reconstructed with \u03b2 = ${beta}`);
    const seed = model.get("seed");
    const stored = dim === 2;
    parts.samplesRow.setAttribute("aria-label", `${data.nSamples} samples from the prior, decoded with \u03b2 = ${beta}`);
    parts.drawNote.textContent =
      stored ? `draw ${(seed % data.storedDraws) + 1} of ${data.storedDraws}` : `seed ${seed}`;
  };

  const drawLatents = (current) => {
    // beta 0 has KLs far beyond the others': they end at the scale's end, and their number is beside them.
    const scale = Math.max(...family().map(({ kl }, k) => (data.betas[k] > 0 ? Math.max(...kl) : 0)));
    const strips = current.traversals();
    parts.latents.forEach((row, rank) => {
      const j = current.order[rank];
      row.root.hidden = j === undefined;
      if (j === undefined) return;
      const [kl, active] = [current.kl[j], current.active[j]];
      row.name.replaceChildren(h("i", {}, "z"), h("sub", {}, String(j + 1)));
      row.value.textContent = `${formatNumber(kl)} nats${active ? "" : ", off"}`;
      row.bar.style.width = `${Math.min(100, (100 * kl) / (scale || 1))}%`;
      row.root.classList.toggle("beta-inactive", !active);
      row.stripRow.setAttribute("aria-label",
        `z${j + 1} from \u2212${data.traversed.at(-1)} to ${data.traversed.at(-1)}: ${data.traversed.length} decoded images`);
      drawRow(row.strip, strips.slice(rank * data.traversed.length));
    });
  };

  const draw = onceAFrame(() => {
    theme = readTheme(parts.root);
    const current = shown();
    drawControls(current);
    drawCharts(current);
    drawRow(parts.digits, data.exampleLabels.length ? slices(data) : []);
    drawRow(parts.decoded, current.reconstructions());
    drawRow(parts.samples, current.samples(model.get("seed")));
    drawLatents(current);
  }, cleanup);

  for (const name of ["beta", "latent_dim", "seed"]) {
    follow(model, name, () => {
      draw();
      say();
    }, cleanup);
  }
  listenToSlider(parts.slider, cleanup, () => set("beta", data.betas[Number(parts.slider.value)]), draw);
  for (const [dim, button] of Object.entries(parts.dims)) {
    cleanup.listen(button, "click", () => set("latent_dim", Number(dim)));
  }
  cleanup.listen(parts.again, "click", () => set("seed", model.get("seed") < LAST_SEED ? model.get("seed") + 1 : 0));
  listenToPlacing(parts.curve, cleanup, () => {}, (pixel) => {
    const size = { width: parts.curve.clientWidth, height: parts.curve.clientHeight };
    const k = pointAt(family(), size, pixel);
    if (k !== null) set("beta", data.betas[k]);
  });
  highlightOne(parts.legend, chosen, draw, cleanup);
  redrawOnChange(parts.root, [parts.map, parts.curve], draw, cleanup);
  parts.summary.textContent = summary();
  draw();
}

function slices({ pictures, exampleLabels, side }) {
  return Array.from(exampleLabels, (_, i) => pictures.subarray(i * side * side, (i + 1) * side * side));
}

// "z" with its number, from 1, as small digits below the line.
function subscript(j) {
  return `z${[...String(j + 1)].map((digit) => String.fromCharCode(0x2080 + Number(digit))).join("")}`;
}

export default { render };
