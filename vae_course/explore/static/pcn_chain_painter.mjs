// Puts the state of the explorer of a Markov chain on its elements.
import { drawInk } from "./dom.mjs";
import { formatStep } from "./pcn_chain_data.mjs";
import { drawGiven, drawGround, drawStates, drawTraces, drawWalker, planeOf } from "./pcn_chain_drawing.mjs";
import { positionOfStep } from "./pcn_chain_view.mjs";
import { formatNumber } from "./plane.mjs";
import { fitCanvas } from "./sheet_drawing.mjs";
import { cssColour, onGround, readTheme } from "./theme.mjs";

const SIZE_EVERY = 300; // milliseconds between effective sizes while the chain runs: they are dear

// {paint(now, placing), refresh(), choices(), plane()}. paint: what changes with every step; placing: where the start
// would go, or null. refresh: paint everything anew next time. choices: which buttons and sliders are chosen.
export function makePainter(data, run, parts, model) {
  const ground = document.createElement("canvas"); // posterior and states: what stays while the chain walks
  const looks = { theme: null, colours: null, plane: null, drawn: 0, chain: null, grid: null, value: null, sized: 0, axis: 0 };

  function paintGround() {
    const theme = readTheme(parts.root);
    const colours = Object.fromEntries(
      Object.entries(data.colours).map(([name, colour]) => [name, onGround(colour, theme.ground)]));
    for (const [name, colour] of Object.entries(colours)) parts.root.style.setProperty(`--pcn-${name}`, cssColour(colour));
    const { width } = fitCanvas(parts.canvas);
    [ground.width, ground.height] = [parts.canvas.width, parts.canvas.height];
    const context = ground.getContext("2d");
    context.setTransform(ground.width / width, 0, 0, ground.width / width, 0, 0);
    const { grid, chain } = run;
    const view = model.get("view");
    const plane = planeOf(view, grid, data.limit, width);
    drawGround(context, plane, { grid, view }, theme);
    parts.thumbs.forEach((canvas, i) => drawInk(canvas, data.side, data.images[i], 0, theme));
    drawGiven(parts.given, data.side, data.images[model.get("digit")], data.visible[model.get("hidden")], theme);
    Object.assign(looks, { theme, colours, plane, chain, grid, value: grid.value, drawn: 0 });
    choices();
  }

  function choices() {
    const press = (buttons, chosen) => {
      for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", name === String(chosen));
    };
    press(parts.digits, model.get("digit"));
    press(parts.hidden, model.get("hidden"));
    press(parts.samplers, model.get("sampler"));
    press(parts.views, model.get("view"));
    const step = formatStep(model.get("step"));
    parts.step.value = positionOfStep(model.get("step"));
    parts.step.setAttribute("aria-valuetext", step);
    parts.stepText.textContent = step;
    const speed = model.get("speed").toLocaleString("en-US");
    parts.speed.value = Math.max(0, data.speeds.indexOf(model.get("speed")));
    parts.speed.setAttribute("aria-valuetext", `${speed} steps a second`);
    parts.speedText.textContent = `${speed} steps/s`;
  }

  function paint(now, placing) {
    const { chain, grid } = run;
    if (!looks.plane || looks.chain !== chain || looks.grid !== grid || looks.value !== grid.value) paintGround();
    const { theme, colours, plane } = looks;
    drawStates(ground.getContext("2d"), plane, chain, looks.drawn, colours.accepted);
    looks.drawn = chain.length;
    const { context, width } = fitCanvas(parts.canvas);
    context.drawImage(ground, 0, 0, width, width);
    drawWalker(context, plane, chain, placing ?? chain.start, theme, colours);
    drawInk(parts.decoded, data.side, data.decode(run.z()), 0, theme);
    drawInk(parts.mean, data.side, run.meanImage, 0, theme);
    const traces = fitCanvas(parts.traces);
    drawTraces(traces.context, { ...traces, length: chain.length, panels: panels() }, theme);
    paintNumbers(now); // words last: a canvas that is measured after them waits for a new layout
    const full = chain.length >= data.mostSteps;
    parts.run.textContent = model.get("running") ? "Pause" : "Run";
    for (const button of [parts.run, parts.one]) button.disabled = full;
    parts.note.textContent = noteOf(full);
  }

  function panels() {
    const { chain, grid, marginals, distances, reach } = run;
    const latents = [chain.z1, chain.z2].map((values, axis) => {
      const low = Math.min(grid.low[axis], reach[axis][0]);
      const high = Math.max(grid.high[axis], reach[axis][1]);
      const shade = marginals && { low: grid.low[axis], high: grid.high[axis], mass: marginals[axis] };
      return { title: `z${axis ? "\u2082" : "\u2081"}, on the shade of its exact marginal`, values, low, high, shade };
    });
    return [...latents, { title: "total variation: chain so far and posterior", values: marginals && distances, low: 0, high: 1 }];
  }

  function paintNumbers(now) {
    const { steps, accepted, size, distance } = parts.numbers;
    const { length } = run.chain;
    const found = run.found({ axes: model.get("running") ? axesDue(now) : [0, 1] });
    steps.textContent = length.toLocaleString("en-US");
    accepted.textContent = length ? `${Math.round((100 * found.nAccepted) / length)} %` : "\u2013";
    size.textContent = Number.isNaN(found.size) ? "\u2013" : Math.round(found.size).toLocaleString("en-US");
    distance.textContent = found.distance === null ? "\u2013" : formatNumber(found.distance);
  }

  // While the chain runs, one effective size at a time.
  function axesDue(now) {
    if (now - looks.sized < SIZE_EVERY) return [];
    Object.assign(looks, { sized: now, axis: 1 - looks.axis });
    return [looks.axis];
  }

  function noteOf(full) {
    if (!run.grid.mass) return `Computing the exact posterior: ${Math.floor(100 * run.grid.share)} %.`;
    if (full) return `${data.mostSteps.toLocaleString("en-US")} steps are the most. Restart the chain, or change something.`;
    const [x, y] = looks.plane.toPixel(run.z());
    const { inset, size, side } = looks.plane;
    if (x < inset || x > size || y < 0 || y > side) return "The chain is outside this view.";
    return `The chain is at (${run.z().map((value) => formatNumber(value)).join(", ")}).`;
  }

  const refresh = () => (looks.plane = null);
  return { paint, refresh, choices, plane: () => looks.plane };
}
