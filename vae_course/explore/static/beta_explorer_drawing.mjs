// Draws the scatter of the means and the curve of rate and distortion on canvases.
import { drawBadge, drawFrame, drawPoints, drawPrior, drawZeroLines, text } from "./map_drawing.mjs";
import { roundTicks } from "./plane.mjs";
import { cssColour } from "./theme.mjs";

const CURVE_SIDES = { left: 38, right: 12, top: 16, bottom: 34 };
const REACH = 24; // pixels around a point in which a click means it

// The means of real digits over two latents; digit: the class that alone is bright, or null.
export function drawMeans(context, plane, { xs, ys, spots }, { labels, colours, digit }, theme) {
  drawFrame(context, plane, theme, () => {
    drawZeroLines(context, plane, theme);
    drawPoints(context, plane, { xs, ys, labels }, colours, (label) => {
      const bright = digit === null || label === digit;
      return { alpha: bright ? 0.85 : 0.1, scale: bright && digit !== null ? 1.25 : 1 };
    });
    drawPrior(context, plane, theme);
    for (const [label, spot] of Object.entries(spots)) {
      if (digit !== null && digit !== Number(label)) continue;
      drawBadge(context, ...plane.toPixel(spot), label, theme, colours[label]);
    }
  });
}

// Where each model's point lies. A rate far beyond the others', as that of beta 0, is put at the right edge: `far`.
export function layCurve(models, { width, height }) {
  const { left, right, top, bottom } = CURVE_SIDES;
  const rates = models.map(({ rate }) => rate).sort((a, b) => a - b);
  const most = rates.length > 1 && rates.at(-1) > 2 * rates.at(-2) ? rates.at(-2) : rates.at(-1);
  const [low, high] = [Math.min, Math.max].map((end) => end(...models.map(({ distortion }) => distortion)));
  const slack = 0.06 * (high - low || 1);
  const range = { x: [0, 1.2 * most || 1], y: [low - slack, high + slack] };
  const x = (rate) => left + (Math.min(rate, range.x[1]) / range.x[1]) * (width - left - right);
  const y = (distortion) =>
    top + ((range.y[1] - distortion) / (range.y[1] - range.y[0])) * (height - top - bottom);
  const points = models.map(({ rate, distortion }) => ({ x: x(rate), y: y(distortion), far: rate > range.x[1] }));
  return { points, range, x, y };
}

// models: of all betas, in their order. now: the index of the present one.
export function drawRates(context, size, models, { betas, now }, theme) {
  const { width, height } = size;
  const { left, right, top, bottom } = CURVE_SIDES;
  const { points, range, x, y } = layCurve(models, size);
  context.fillStyle = cssColour(theme.ground);
  context.fillRect(0, 0, width, height);
  for (const value of roundTicks(...range.x)) {
    if (x(value) < width - right - 8) text(context, String(value), x(value), height - bottom + 12, theme.muted);
  }
  for (const value of roundTicks(...range.y)) {
    context.fillStyle = cssColour(theme.line, 0.7);
    context.fillRect(left, Math.round(y(value)), width - left - right, 1);
    text(context, String(value), left - 5, y(value), theme.muted, { align: "right" });
  }
  text(context, "rate: KL of all latents, nats", left, height - 7, theme.ink, { align: "left" });
  context.strokeStyle = cssColour(theme.line);
  context.strokeRect(left + 0.5, top + 0.5, width - left - right, height - top - bottom);
  context.strokeStyle = cssColour(theme.accent);
  context.lineWidth = 2;
  context.beginPath();
  for (const point of points) context.lineTo(point.x, point.y);
  context.stroke();
  for (const [k, point] of points.entries()) {
    context.fillStyle = cssColour(k === now ? theme.ink : theme.accent);
    context.beginPath();
    context.arc(point.x, point.y, k === now ? 7 : 4, 0, 2 * Math.PI);
    context.fill();
  }
  for (const { k, x: at, y: up, label } of placeLabels(points, betas, now, width - right)) {
    text(context, label, at, up, k === now ? theme.ink : theme.muted, { align: "left" });
  }
}

// Labels above and right of their points, the present one's first; one that would touch another is left out.
export function placeLabels(points, betas, now, end) {
  const placed = [];
  for (const k of [now, ...points.keys()]) {
    if (placed.some((other) => other.k === k)) continue;
    const label = `${k === now ? "\u03b2 = " : ""}${betas[k]}${points[k].far ? " \u2192" : ""}`;
    const wide = 7 * label.length;
    const spot = { k, label, wide, x: Math.min(points[k].x + (k === now ? 5 : 3), end - wide - 2), y: points[k].y - 13 };
    const touches = (other) =>
      spot.x < other.x + other.wide + 3 && other.x < spot.x + wide + 3 && Math.abs(other.y - spot.y) < 13;
    if (!placed.some(touches)) placed.push(spot);
  }
  return placed;
}

// The index of the model whose point a click at x, y means, or null.
export function pointAt(models, size, [x, y]) {
  const far = layCurve(models, size).points.map((point) => Math.hypot(point.x - x, point.y - y));
  const best = far.indexOf(Math.min(...far));
  return far[best] <= REACH ? best : null;
}
