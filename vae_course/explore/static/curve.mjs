// Curves over a slider's share from 0 to 1, one panel above the other, with a line where the slider stands.
import { text } from "./map_drawing.mjs";
import { formatNumber } from "./plane.mjs";
import { cssColour } from "./theme.mjs";

const CURVE_LEFT = 40;
const CURVE_RIGHT = 8;
const CURVE_TITLE = 20;

// panels: [{title, values}], values at even steps from 0 to 1. share: where the slider stands, or null.
export function drawCurves(context, { width, height, panels, share }, theme) {
  context.fillStyle = cssColour(theme.ground);
  context.fillRect(0, 0, width, height);
  const room = (height - 16) / panels.length;
  const x = (at) => CURVE_LEFT + at * (width - CURVE_LEFT - CURVE_RIGHT);
  for (const [k, { title, values }] of panels.entries()) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const [top, bottom] = [k * room + CURVE_TITLE, (k + 1) * room - 8];
    const y = (value) => bottom - ((value - low) / (high - low || 1)) * (bottom - top);
    text(context, title, 0, k * room + 8, theme.ink, { align: "left" });
    for (const value of [low, high]) {
      text(context, formatNumber(value, 1), CURVE_LEFT - 5, y(value), theme.muted, { align: "right" });
      context.fillStyle = cssColour(theme.line);
      context.fillRect(CURVE_LEFT, Math.round(y(value)), width - CURVE_LEFT - CURVE_RIGHT, 1);
    }
    context.strokeStyle = cssColour(theme.accent);
    context.lineWidth = 2;
    context.beginPath();
    for (const [i, value] of values.entries()) context.lineTo(x(i / (values.length - 1)), y(value));
    context.stroke();
    if (share === null) continue;
    context.fillStyle = cssColour(theme.ink, 0.5);
    context.fillRect(x(share) - 0.5, top, 1, bottom - top);
    context.fillStyle = cssColour(theme.ink);
    context.beginPath();
    context.arc(x(share), y(valueAt(values, share)), 4, 0, 2 * Math.PI);
    context.fill();
  }
  text(context, "clear 9", x(0), height - 7, theme.muted, { align: "left" });
  text(context, "0", x(1), height - 7, theme.muted, { align: "right" });
}

// Between two steps, on the straight line.
export function valueAt(values, share) {
  const at = Math.min(1, Math.max(0, share)) * (values.length - 1);
  const i = Math.min(values.length - 2, Math.floor(at));
  return values[i] + (values[i + 1] - values[i]) * (at - i);
}
