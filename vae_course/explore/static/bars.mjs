// Bar charts of the numbers that an encoder gives, on a canvas: one chart above the other, a bar for each latent.
import { listenToKeys } from "./figure.mjs";
import { text } from "./map_drawing.mjs";
import { formatNumber } from "./plane.mjs";
import { cssColour } from "./theme.mjs";

const BARS_LEFT = 34;
const BARS_RIGHT = 6;
const BARS_TITLE = 24;
const BARS_GAP = 12;
const WIDEST_BAR = 26;

// charts: [{title, values, low, high}], each drawn from low to high (moved outwards to hold all values).
// chosen: the latent that is read out, or null. Size in CSS pixels.
export function drawBars(context, { width, height, charts, chosen }, theme) {
  context.fillStyle = cssColour(theme.ground);
  context.fillRect(0, 0, width, height);
  const room = (height - 16) / charts.length;
  const n = charts[0].values.length;
  const step = (width - BARS_LEFT - BARS_RIGHT) / n;
  const bar = Math.min(WIDEST_BAR, 0.72 * step);
  if (chosen !== null) {
    context.fillStyle = cssColour(theme.accent, 0.16);
    context.fillRect(BARS_LEFT + chosen * step, 0, step, height);
  }
  for (const [k, { title, values, low, high }] of charts.entries()) {
    const [from, to] = [Math.min(low, ...values), Math.max(high, ...values)];
    const [top, bottom] = [k * room + BARS_TITLE, (k + 1) * room - BARS_GAP];
    const y = (value) => bottom - ((value - from) / (to - from)) * (bottom - top);
    text(context, title, 0, k * room + 9, theme.ink, { align: "left" });
    for (const value of new Set([low, 0, high])) {
      text(context, formatNumber(value, Number.isInteger(value) ? 0 : 1), BARS_LEFT - 6, y(value), theme.muted, { align: "right" });
      context.fillStyle = cssColour(value === 0 ? theme.muted : theme.line, value === 0 ? 1 : 0.7);
      context.fillRect(BARS_LEFT, Math.round(y(value)), width - BARS_LEFT - BARS_RIGHT, 1);
    }
    for (const [i, value] of [...values].entries()) {
      context.fillStyle = cssColour(i === chosen ? theme.ink : theme.accent);
      const [up, down] = [y(Math.max(0, value)), y(Math.min(0, value))];
      context.fillRect(BARS_LEFT + (i + 0.5) * step - bar / 2, up, bar, Math.max(1, down - up));
    }
  }
  const every = Math.ceil(n / 20);
  for (let i = 0; i < n; i++) {
    const shown = step > 17 ? i % every === 0 : (i + 1) % 5 === 0 || i === 0;
    if (shown) text(context, String(i + 1), BARS_LEFT + (i + 0.5) * step, height - 7, theme.muted);
  }
}

// The latent whose bar is at pixel x of a chart `width` wide, or null beside the bars.
export function barAt(x, width, n) {
  const index = Math.floor(((x - BARS_LEFT) / (width - BARS_LEFT - BARS_RIGHT)) * n);
  return index >= 0 && index < n ? index : null;
}

// choose(move): move gives the new latent from the present one. Mouse, finger and arrow keys choose.
export function listenToBars(element, cleanup, n, choose) {
  const point = (event) => {
    const box = element.getBoundingClientRect();
    const latent = barAt(event.clientX - box.left, box.width, n);
    if (latent !== null) choose(() => latent);
  };
  for (const type of ["pointermove", "pointerdown"]) cleanup.listen(element, type, point);
  listenToKeys(element, cleanup, ({ key }) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -n, End: n }[key];
    if (step) choose((latent) => latent + step);
    return Boolean(step);
  });
}
