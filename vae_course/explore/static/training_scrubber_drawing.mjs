// Draws a training: the curves of the loss terms with the phases, and the map of the digits at one snapshot.
import { drawBadge, drawFrame, drawPoints, drawPrior, drawZeroLines, text } from "./map_drawing.mjs";
import { formatNumber, makePlane, roundTicks } from "./plane.mjs";
import { cssColour } from "./theme.mjs";
import { axisSteps, groupNear, keepApart, placeOf } from "./training_axis.mjs";

export const TRAINING_LEFT = 40; // as in training_scrubber.css
export const TRAINING_RIGHT = 14;
const TRAINING_TITLE = 22;
const TRAINING_FOOT = 30;
const TRAINING_INSET = 30;
const LOG_TICKS = [100, 200, 500, 10, 20, 50, 1000, 2000, 150, 300, 15, 30, 1500, 700, 70]; // the first are the last to go
const BADGE_GAP = 21; // pixels between the names of two classes

// Pixels of a place on the axis, and back.
export const xOfPlace = (width, n) => (place) => TRAINING_LEFT + (place / (n - 1)) * (width - TRAINING_LEFT - TRAINING_RIGHT);
export const placeAt = (x, width, n) => ((x - TRAINING_LEFT) / (width - TRAINING_LEFT - TRAINING_RIGHT)) * (n - 1);

// All that stays while the step changes. run: as readTraining gives it. Size in CSS pixels.
export function drawTraining(context, { width, height, run }, theme) {
  context.fillStyle = cssColour(theme.ground);
  context.fillRect(0, 0, width, height);
  const x = xOfPlace(width, run.steps.length);
  const panels = panelsOf(run, height);
  const places = run.phases.map(({ step }) => x(placeOf(run.steps, step)));
  for (const panel of panels) drawPanel(context, panel, run, { x, width, places }, theme);
  for (const group of groupNear(places, 16)) {
    const middle = (places[group[0]] + places[group.at(-1)]) / 2;
    const name = group.length > 1 ? `${group[0] + 1}\u2013${group.at(-1) + 1}` : String(group[0] + 1);
    text(context, name, Math.min(width - TRAINING_RIGHT, middle), panels[1].top - 14, theme.ink, { font: "600 12px system-ui, sans-serif" });
  }
  const marks = axisSteps(run.steps.at(-1));
  const labels = marks.map((step) => step.toLocaleString("en-US"));
  const at = marks.map((step) => x(placeOf(run.steps, step)));
  for (const i of keepApart(at, 34)) text(context, labels[i], at[i], height - TRAINING_FOOT + 9, theme.muted);
  text(context, "step", width - TRAINING_RIGHT, height - 7, theme.muted, { align: "right" });
}

// The line and the dots of the chosen snapshot, over what drawTraining drew.
export function drawChosenStep(context, { width, height, run, snapshot }, theme) {
  const x = xOfPlace(width, run.steps.length)(snapshot);
  const panels = panelsOf(run, height);
  context.fillStyle = cssColour(theme.ink);
  context.fillRect(Math.round(x) - 0.5, panels[0].top - 4, 1, panels[1].bottom - panels[0].top + 4);
  for (const { y, at } of panels) {
    for (const [radius, colour] of [[6, theme.ground], [4.5, theme.ink]]) {
      context.fillStyle = cssColour(colour);
      context.beginPath();
      context.arc(x, y(at[snapshot]), radius, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

// The NLL on a logarithmic axis, the KL from 0; each axis holds all values of its curve.
function panelsOf({ curves, nll, kl }, height) {
  const room = (height - TRAINING_FOOT) / 2;
  return [
    { title: "NLL, nats per image (logarithmic)", curve: curves.nll, at: nll, scale: Math.log },
    { title: "KL, nats per image", curve: curves.kl, at: kl, scale: (value) => value, from: 0 },
  ].map((panel, k) => {
    const [top, bottom] = [k * room + TRAINING_TITLE + 16 * k, (k + 1) * room - 8 + 8 * k];
    const least = panel.from ?? Math.min(...panel.curve.low);
    const most = Math.max(...panel.curve.high);
    const [low, high] = [least, most].map(panel.scale);
    const y = (value) => bottom - ((panel.scale(value) - low) / (high - low)) * (bottom - top);
    const round = k ? roundTicks(0, most) : LOG_TICKS.filter((value) => value >= least && value <= most);
    const ticks = keepApart(round.map(y), 13).map((i) => round[i]);
    return { ...panel, top, bottom, titleAt: k * room + 9, ticks, y };
  });
}

function drawPanel(context, { title, titleAt, curve, top, bottom, ticks, y }, run, { x, width, places }, theme) {
  text(context, title, 0, titleAt, theme.ink, { align: "left" });
  for (const value of ticks) {
    text(context, formatNumber(value, 0), TRAINING_LEFT - 6, y(value), theme.muted, { align: "right" });
    context.fillStyle = cssColour(theme.line, 0.7);
    context.fillRect(TRAINING_LEFT, Math.round(y(value)), width - TRAINING_LEFT - TRAINING_RIGHT, 1);
  }
  context.strokeStyle = cssColour(theme.muted);
  context.lineWidth = 1;
  context.setLineDash([2, 3]);
  for (const place of places) {
    context.beginPath();
    context.moveTo(Math.round(place) + 0.5, top);
    context.lineTo(Math.round(place) + 0.5, bottom);
    context.stroke();
  }
  context.setLineDash([]);
  const ends = [...run.start.slice(1), run.nSteps];
  const xs = run.start.map((start, i) => x(placeOf(run.steps, (start + ends[i] - 1) / 2)));
  context.fillStyle = cssColour(theme.accent, 0.4);
  context.beginPath();
  xs.forEach((at, i) => context.lineTo(at, y(curve.high[i])));
  for (let i = xs.length - 1; i >= 0; i--) context.lineTo(xs[i], y(curve.low[i]));
  context.fill();
  context.strokeStyle = cssColour(theme.accent);
  context.lineWidth = 1.6;
  context.lineJoin = "round";
  context.beginPath();
  xs.forEach((at, i) => context.lineTo(at, y(curve.mean[i])));
  context.stroke();
}

const subscript = (number) => String(number).replace(/\d/g, (digit) => String.fromCharCode(0x2080 + Number(digit)));
export const latentName = (latent) => `z${subscript(latent + 1)}`;

// The digits at one snapshot in the plane of two latents. digit: the one that is highlighted, or null.
export function drawDigits(context, size, { xs, ys, labels, limit, latents, digit }, theme, colours) {
  const plane = { ...makePlane(limit, size, TRAINING_INSET), ticks: [0, 1].map(() => roundTicks(-limit, limit)), names: latents.map(latentName) };
  drawFrame(context, plane, theme, () => {
    drawZeroLines(context, plane, theme);
    drawPoints(context, plane, { xs, ys, labels }, colours, (label) =>
      (digit === null || label === digit ? { alpha: 0.85, scale: digit === null ? 1.1 : 1.4 } : { alpha: 0.1, scale: 1.1 }));
    drawPrior(context, plane, theme);
    for (const { label, at } of badges(middles(xs, ys, labels), plane)) {
      if (digit === null || digit === label) drawBadge(context, ...at, String(label), theme, colours[label]);
    }
  });
}

// The median of each class, or null for a class without points.
export function middles(xs, ys, labels) {
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  return Array.from({ length: 10 }, (_, label) => {
    const own = Array.from(labels.keys()).filter((i) => labels[i] === label);
    return own.length ? [xs, ys].map((values) => median(own.map((i) => values[i]))) : null;
  });
}

// Where the classes' names stand: at their medians, moved apart where they would touch; nowhere while all are in one place.
function badges(spots, plane) {
  const found = spots.flatMap((spot, label) => (spot ? [{ label, at: plane.toPixel(spot) }] : []));
  const reach = (axis) => Math.max(...found.map(({ at }) => at[axis])) - Math.min(...found.map(({ at }) => at[axis]));
  if (Math.max(reach(0), reach(1)) < 2 * BADGE_GAP) return [];
  const moved = spread(found.map(({ at }) => at), BADGE_GAP);
  return found.map(({ label }, i) => ({ label, at: moved[i] }));
}

// Points of which none is nearer to another than `gap`, as far as some rounds of pushing lead.
export function spread(points, gap, rounds = 40) {
  const moved = points.map((point) => [...point]);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < moved.length; i++) {
      for (let j = 0; j < i; j++) {
        const [dx, dy] = [moved[i][0] - moved[j][0], moved[i][1] - moved[j][1]];
        const distance = Math.hypot(dx, dy);
        if (distance >= gap) continue;
        const [ux, uy] = distance ? [dx / distance, dy / distance] : [Math.cos(i), Math.sin(i)];
        const push = (gap - distance) / 2;
        moved[i] = [moved[i][0] + push * ux, moved[i][1] + push * uy];
        moved[j] = [moved[j][0] - push * ux, moved[j][1] - push * uy];
      }
    }
  }
  return moved;
}
