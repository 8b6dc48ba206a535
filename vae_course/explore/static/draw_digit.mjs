// Draw a digit: the encoder at work on what the reader draws. The image is the model's trait; all else follows from it.
import { drawBars, listenToBars } from "./bars.mjs";
import { base64ToBytes, bytesToBase64 } from "./bytes.mjs";
import { drawCurves, valueAt } from "./curve.mjs";
import { afterQuiet, drawInk, onceAFrame } from "./dom.mjs";
import { follow, listenToKeys, makeRender, QUIET, redrawOnChange } from "./figure.mjs";
import { readDrawDigit, travel } from "./draw_digit_data.mjs";
import { buildDrawDigit, PENS, SLIDER_STEPS } from "./draw_digit_parts.mjs";
import { drawMap } from "./map_drawing.mjs";
import { nineToZero } from "./nine_to_zero.mjs";
import { mountPage } from "./page.mjs";
import { listenToPen, penAfterKey } from "./pen_input.mjs";
import { formatNumber, makePlane } from "./plane.mjs";
import { describePosterior } from "./posterior.mjs";
import { drawPosterior } from "./posterior_drawing.mjs";
import { makeSheet } from "./sheet.mjs";
import { drawSheet, fitCanvas } from "./sheet_drawing.mjs";
import { cssColour, onGround, readTheme } from "./theme.mjs";

const MODE_IMAGE = "An image, seen exactly as it is. Clear gives an empty sheet.";
const MODE_DRAWING = "A drawing is scaled and centred as MNIST's digits were.";

export const render = makeRender("The sheet to draw on", show);

function show(model, el, cleanup) {
  const data = readDrawDigit(model.get("payload"));
  const parts = buildDrawDigit(data);
  const sheet = makeSheet(PENS.first / 100, base64ToBytes(model.get("image")));
  let found = data.lookAt(sheet.bytes);
  el.replaceChildren(parts.root);
  let theme = readTheme(parts.root);
  let own = model.get("image"); // the image that came from here, or is shown already
  let changed = false;
  let plane = null; // null: the backdrop of the map is to be drawn anew
  let journey = null; // what the posterior does on the way from 9 to 0, with the present pen
  const pen = { at: [0.5, 0.5], down: false, shown: false };
  const chosen = { latent: 0, logvars: false };
  const backdrop = document.createElement("canvas");
  const ink = document.createElement("canvas");
  ink.width = ink.height = data.side;

  const say = afterQuiet(() => (parts.summary.textContent = describePosterior(found)), QUIET, cleanup);

  const drawMapPart = () => {
    const { context, width } = fitCanvas(parts.canvas);
    if (!plane) {
      plane = { ...makePlane(data.limit, width, 26), names: data.axisNames };
      const colours = data.colours.map((colour) => onGround(colour, theme.ground));
      [backdrop.width, backdrop.height] = [parts.canvas.width, parts.canvas.height];
      const scale = backdrop.width / width;
      backdrop.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
      drawMap(backdrop.getContext("2d"), plane, data, { theme, colours, digit: null, grid: false, gridSize: 0 });
    }
    context.drawImage(backdrop, 0, 0, width, width);
    const trail = sheet.state.share === null ? [] : journey.means;
    drawPosterior(context, plane, { ...found, trail, rings: found.neighbours.map(({ index }) => data.points[index]) }, theme);
    const outside = found.mean.some((value) => Math.abs(value) > data.limit);
    const [x, y] = found.mean.map((value) => formatNumber(value));
    parts.place.textContent = `Mean at (${x}, ${y})${outside ? ", outside this map" : ""}; ellipses at 1 and 2 sd.`;
    parts.map.setAttribute("aria-label", `${parts.mapName}: means of ${data.labels.length} real digits. ${parts.place.textContent}`);
  };

  const drawNumbers = () => {
    const { context, width, height } = fitCanvas(parts.bars);
    const { mu, std, logvar } = found;
    const spread = chosen.logvars
      ? { title: "log-variances", values: logvar, low: -6, high: 0 }
      : { title: "standard deviations (the prior's is 1)", values: std, low: 0, high: 1 };
    const charts = [{ title: "means", values: mu, low: -3, high: 3 }, spread];
    drawBars(context, { width, height, charts, chosen: chosen.latent }, theme);
    const i = chosen.latent;
    const exact = [mu[i], std[i], logvar[i]].map((value) => formatNumber(value, 4));
    parts.reading.textContent = `latent ${i + 1}: mean ${exact[0]}, sd ${exact[1]}, log-variance ${exact[2]}`;
    parts.latents.setAttribute("aria-valuenow", i + 1);
    parts.latents.setAttribute("aria-valuetext", parts.reading.textContent);
    if (!parts.table.open) return;
    parts.rows.forEach((row, j) =>
      [mu, std, logvar].forEach((values, column) => (row.children[column + 1].textContent = formatNumber(values[j], 4))));
  };

  const drawJourney = () => {
    const { context, width, height } = fitCanvas(parts.curves);
    const { share } = sheet.state;
    const panels = [{ title: "log-volume of the posterior", values: journey.logVolume }, { title: "ink, in full pixels", values: journey.ink }];
    drawCurves(context, { width, height, panels, share }, theme);
    const lowest = Math.min(...journey.logVolume);
    const at = journey.logVolume.indexOf(lowest) / SLIDER_STEPS;
    const [first, last] = [journey.logVolume[0], journey.logVolume.at(-1)].map((value) => formatNumber(value, 1));
    parts.journey.textContent =
      `With this pen the log-volume is ${first} at the clear 9 and ${last} at the 0, and lowest, ${formatNumber(lowest, 1)}, ` +
      `at ${Math.round(100 * at)} % of the way. Ink goes from ${formatNumber(journey.ink[0], 0)} to ` +
      `${formatNumber(journey.ink.at(-1), 0)} full pixels.` +
      (share === null ? "" : ` Here: log-volume ${formatNumber(valueAt(journey.logVolume, share), 1)}.`);
    parts.slider.setAttribute("aria-valuetext", `${Math.round((100 * parts.slider.value) / SLIDER_STEPS)} % of the way from 9 to 0`);
  };

  const draw = onceAFrame(() => {
    if (changed) {
      changed = false;
      const image = sheet.bytes;
      found = data.lookAt(image);
      own = bytesToBase64(image);
      if (own !== model.get("image")) {
        model.set("image", own);
        model.save_changes();
      }
      say();
    }
    journey ??= travel(data, sheet.pen, SLIDER_STEPS);
    drawInk(parts.seen, data.side, found.x, 0, theme);
    drawInk(parts.decoded, data.side, data.decode(found.mu), 0, theme);
    drawSheet(parts.paper, ink, sheet, pen, theme);
    drawMapPart();
    drawNumbers();
    drawJourney();
    found.neighbours.forEach(({ index, distance }, rank) => {
      const label = data.labels[index];
      drawInk(parts.pictures[rank], data.thumbSide, data.pictures, index * data.thumbSide ** 2, theme);
      const colour = onGround(data.colours[label], theme.ground);
      parts.neighbourLabels[rank].style.setProperty("--explore-digit", cssColour(colour));
      parts.neighbourLabels[rank].textContent = label;
      parts.distances[rank].textContent = formatNumber(distance);
    });
    parts.mode.textContent = sheet.state.image ? MODE_IMAGE : MODE_DRAWING;
    parts.undo.disabled = !sheet.canUndo;
    parts.clear.disabled = sheet.isEmpty;
  }, cleanup);

  const edit = (change) => {
    change();
    changed = true;
    draw();
  };
  const redraw = () => {
    theme = readTheme(parts.root);
    plane = null;
    for (const [i, { image }] of data.examples.entries()) {
      drawInk(parts.examples[i].firstChild, data.side, Float32Array.from(image, (value) => value / 255), 0, theme);
    }
    draw();
  };
  const received = () => {
    if (model.get("image") === own) return;
    own = model.get("image");
    lift();
    edit(() => sheet.load(base64ToBytes(own)));
  };
  follow(model, "image", received, cleanup);

  const lift = () => {
    if (pen.down) parts.penState.textContent = "Pen lifted";
    pen.down = false;
  };
  const load = (image) => {
    lift();
    edit(() => sheet.load(image));
  };
  listenToPen(parts.sheet, cleanup, {
    begin(point) {
      lift();
      pen.shown = false;
      edit(() => sheet.begin(point));
    },
    extend: (point) => edit(() => sheet.extend(point)),
  });
  const undo = () => {
    lift();
    edit(sheet.undo);
  };
  const clear = () => {
    lift();
    edit(sheet.clear);
  };
  cleanup.listen(parts.undo, "click", undo);
  cleanup.listen(parts.clear, "click", clear);
  listenToKeys(parts.sheet, cleanup, ({ key, shiftKey, repeat }) => {
    const to = penAfterKey(pen.at, key, shiftKey);
    if (to) {
      pen.at = to;
      if (pen.down) edit(() => sheet.extend(to));
    } else if (key === " ") {
      if (!repeat) {
        pen.down = !pen.down;
        if (pen.down) edit(() => sheet.begin(pen.at, true));
      }
    } else if (key === "Backspace") undo();
    else if (key === "Delete") clear();
    else return false;
    pen.shown = true;
    const [x, y] = pen.at.map((value) => Math.round(100 * value));
    parts.penState.textContent = `Pen ${pen.down ? "down" : "lifted"}, ${x} % from the left, ${y} % from the top`;
    draw();
    return true;
  });
  cleanup.listen(parts.sheet, "blur", () => {
    lift();
    pen.shown = false;
    draw();
  });
  cleanup.listen(parts.pen, "input", () => {
    sheet.pen = parts.pen.value / 100;
    journey = null;
    edit(() => {});
  });
  for (const [i, button] of parts.examples.entries()) cleanup.listen(button, "click", () => load(data.examples[i].image));
  for (const button of parts.realOnes) {
    cleanup.listen(button, "click", () => load(data.examples.find(({ label }) => label === Number(button.dataset.digit)).image));
  }
  const goTo = (step) => {
    lift();
    parts.slider.value = step;
    edit(() => sheet.follow(step / SLIDER_STEPS, nineToZero(step / SLIDER_STEPS)));
  };
  cleanup.listen(parts.slider, "input", () => goTo(Number(parts.slider.value)));
  for (const button of parts.stages) cleanup.listen(button, "click", () => goTo(Number(button.dataset.step)));
  listenToBars(parts.latents, cleanup, data.latentDim, (move) => {
    chosen.latent = Math.min(data.latentDim - 1, Math.max(0, move(chosen.latent)));
    draw();
  });
  cleanup.listen(parts.logvars, "click", () => {
    chosen.logvars = !chosen.logvars;
    parts.logvars.setAttribute("aria-pressed", chosen.logvars);
    draw();
  });
  cleanup.listen(parts.table, "toggle", draw);
  redrawOnChange(parts.root, [parts.map, parts.sheet, parts.latents], redraw, cleanup);
  parts.summary.textContent = describePosterior(found);
  redraw();
}

export default { render };
