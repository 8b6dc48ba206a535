// A training, scrubbed. Traits run, step, latents and axes are the state; all else follows from them.
import { drawBars } from "./bars.mjs";
import { afterQuiet, drawInk, onceAFrame } from "./dom.mjs";
import { follow, highlightOne, makeRender, QUIET, redrawOnChange } from "./figure.mjs";
import { mountPage } from "./page.mjs";
import { formatNumber } from "./plane.mjs";
import { fitCanvas } from "./sheet_drawing.mjs";
import { listenToSlider } from "./slider.mjs";
import { cssColour, onGround, readTheme } from "./theme.mjs";
import { nearestSnapshot } from "./training_axis.mjs";
import { countOutside, describeBars, describeTraining, describeWhen, readTraining, roundLimit } from "./training_scrubber_data.mjs";
import { drawChosenStep, drawDigits, drawTraining, latentName, placeAt } from "./training_scrubber_drawing.mjs";
import { buildTraining, fillRun } from "./training_scrubber_view.mjs";
import { listenToScrubbing } from "./scrubbing.mjs";

const BEAT = 300; // milliseconds a snapshot is shown while the training plays

export const render = makeRender("The training", show);

function show(model, el, cleanup) {
  const data = readTraining(model.get("payload"));
  const parts = buildTraining(data);
  el.replaceChildren(parts.root);
  const chosen = { digit: null };
  const backdrop = document.createElement("canvas"); // the curves: what stays while the step changes
  const looks = { theme: null, colours: null, key: null };
  let timer = 0;

  const keys = Object.keys(data.runs);
  const key = () => (keys.includes(model.get("run")) ? model.get("run") : keys[model.get("run")] ?? keys[0]); // or an index
  const run = () => data.runs[key()];
  const snapshot = () => nearestSnapshot(run().steps, model.get("step") ?? run().nSteps);
  const latents = () => {
    const pair = model.get("latents") ?? [];
    return pair.length === 2 && pair.every((latent) => latent < run().latentDim) ? [...pair] : run().latents;
  };
  const isPlaying = () => Boolean(model.get("playing"));
  const set = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  };
  const goTo = (index) => set({ step: run().steps[Math.min(run().steps.length - 1, Math.max(0, index))] });
  const choose = (index) => { // by hand: the training stops playing
    if (isPlaying()) set({ playing: false });
    goTo(index);
  };
  const summary = () => describeTraining(data, { run: key(), snapshot: snapshot(), latents: latents() });
  const say = afterQuiet(() => {
    if (!isPlaying()) parts.summary.textContent = summary();
  }, QUIET, cleanup);

  // ---- drawing
  const drawGround = () => {
    const theme = readTheme(parts.root);
    if (looks.key !== key()) fillRun(parts, run(), data.phaseNames);
    Object.assign(looks, { theme, key: key(), colours: data.colours.map((colour) => onGround(colour, theme.ground)) });
    parts.legend.forEach((button, digit) => button.style.setProperty("--explore-digit", cssColour(looks.colours[digit])));
    parts.originals.forEach((canvas, i) => drawInk(canvas, data.side, data.originals, i * data.side ** 2, theme));
    const { width, height } = fitCanvas(parts.curve);
    [backdrop.width, backdrop.height] = [parts.curve.width, parts.curve.height];
    const context = backdrop.getContext("2d");
    context.setTransform(backdrop.width / width, 0, 0, backdrop.width / width, 0, 0);
    drawTraining(context, { width, height, run: run() }, theme);
  };
  const draw = onceAFrame(() => {
    if (!looks.theme || looks.key !== key()) drawGround();
    const { theme, colours } = looks;
    const [here, at] = [run(), snapshot()];
    const curve = fitCanvas(parts.curve);
    curve.context.drawImage(backdrop, 0, 0, curve.width, curve.height);
    drawChosenStep(curve.context, { ...curve, run: here, snapshot: at }, theme);
    const map = fitCanvas(parts.canvas);
    const [xs, ys] = latents().map((latent) => here.positions(at, latent));
    const fitted = model.get("axes") === "fitted";
    const limit = fitted ? roundLimit(data.limits, xs, ys) : here.limit;
    drawDigits(map.context, map.width, { xs, ys, labels: data.labels, limit, latents: latents(), digit: chosen.digit }, theme, colours);
    const bars = fitCanvas(parts.bars);
    const charts = [{ title: "KL of each latent, nats", values: here.klPerLatent[at], low: 0, high: Math.ceil(Math.max(...here.klPerLatent.at(-1))) }];
    drawBars(bars.context, { ...bars, charts, chosen: null }, theme);
    const offset = at * data.originals.length;
    parts.pictures.forEach((canvas, i) => drawInk(canvas, data.side, here.pictures, offset + i * data.side ** 2, theme));
    write(here, at, countOutside(xs, ys, limit), limit);
  }, cleanup);
  const write = (here, at, outside, limit) => {
    const press = (buttons, name) => {
      for (const [value, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", value === name);
    };
    press(parts.runs, key());
    press(parts.axes, model.get("axes") ?? "same");
    for (const button of parts.phases.children) button.setAttribute("aria-pressed", button.dataset.snapshot === String(at));
    if (parts.slider.value !== String(at)) parts.slider.value = String(at);
    const when = describeWhen(here, at);
    parts.slider.setAttribute("aria-valuetext", when);
    parts.when.textContent = `${when[0].toUpperCase()}${when.slice(1)}.`;
    parts.numbers.nll.textContent = formatNumber(here.nll[at], 1);
    parts.numbers.kl.textContent = formatNumber(here.kl[at]);
    parts.selects.forEach((select, i) => (select.value = String(latents()[i])));
    const [across, up] = latents().map(latentName);
    parts.map.setAttribute("aria-label", `The digits in the plane of ${across} and ${up}, ${when}; the axes run to ${limit}`);
    parts.bars.setAttribute("aria-label", `KL of each latent in nats: ${describeBars(here, at)}`);
    parts.note.textContent = `Means of ${data.labels.length} digits that were not trained on; circles: the prior. ` +
      (outside ? `${outside} ${outside === 1 ? "lies" : "lie"} outside.` : "All lie inside.");
    parts.play.textContent = isPlaying() ? "Pause" : "Play";
    parts.back.disabled = at === 0;
    parts.on.disabled = at === here.steps.length - 1;
  };
  const redraw = () => {
    looks.theme = null;
    draw();
  };

  // ---- time
  const beat = () => {
    clearTimeout(timer);
    if (!isPlaying()) return;
    timer = setTimeout(() => {
      if (snapshot() >= run().steps.length - 1) return set({ playing: false });
      goTo(snapshot() + 1);
      beat();
    }, BEAT);
  };
  cleanup.add(() => clearTimeout(timer));

  // ---- hands
  for (const [name, button] of Object.entries(parts.runs)) {
    cleanup.listen(button, "click", () => {
      const { steps, latents: pair } = data.runs[name];
      if (name !== key()) set({ run: name, latents: [...pair], step: steps[nearestSnapshot(steps, run().steps[snapshot()])] });
    });
  }
  for (const [name, button] of Object.entries(parts.axes)) cleanup.listen(button, "click", () => set({ axes: name }));
  listenToSlider(parts.slider, cleanup, () => choose(Number(parts.slider.value)), draw);
  listenToScrubbing(parts.curve, cleanup, (x, width) => choose(Math.round(placeAt(x, width, run().steps.length))));
  cleanup.listen(parts.back, "click", () => choose(snapshot() - 1));
  cleanup.listen(parts.on, "click", () => choose(snapshot() + 1));
  cleanup.listen(parts.phases, "click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(Number(button.dataset.snapshot));
  });
  cleanup.listen(parts.play, "click", () => {
    const atEnd = snapshot() === run().steps.length - 1;
    set(isPlaying() ? { playing: false } : { ...(atEnd ? { step: run().steps[0] } : {}), playing: true });
  });
  parts.selects.forEach((select, i) => {
    cleanup.listen(select, "change", () => {
      const pair = latents();
      const wanted = Number(select.value);
      if (pair[1 - i] === wanted) pair[1 - i] = pair[i]; // the two change places
      pair[i] = wanted;
      set({ latents: pair });
    });
  });
  highlightOne(parts.legend, chosen, draw, cleanup);

  for (const [name, react] of [["run", redraw], ["step", draw], ["latents", draw], ["axes", draw]]) {
    follow(model, name, () => {
      react();
      say();
    }, cleanup);
  }
  follow(model, "playing", () => {
    beat();
    draw();
    say();
  }, cleanup);
  redrawOnChange(parts.root, [parts.curve, parts.map, parts.bars], redraw, cleanup);
  parts.summary.textContent = summary();
  draw();
  beat();
}

export default { render };
