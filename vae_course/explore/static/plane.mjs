// A square piece of the plane, [-limit, limit] on both axes, on a square of pixels.

// inset: room in pixels at the left and at the bottom for ticks; size: the whole square's side.
export function makePlane(limit, size, inset) {
  const side = size - inset;
  return {
    limit, size, inset, side,
    toPixel: ([z1, z2]) => [inset + ((z1 + limit) / (2 * limit)) * side, ((limit - z2) / (2 * limit)) * side],
    toPoint: ([x, y]) => clampPoint([((x - inset) / side) * 2 * limit - limit, limit - (y / side) * 2 * limit], limit),
    toLength: (distance) => (distance / (2 * limit)) * side,
  };
}

// Another square piece of the plane, `half` to each side of its centre, with its own ticks.
export function makeWindow(centre, half, size, inset) {
  const plane = makePlane(half, size, inset);
  const back = (z) => z.map((value, i) => value + centre[i]);
  return {
    ...plane,
    ticks: centre.map((middle) => roundTicks(middle - half, middle + half)),
    toPixel: (z) => plane.toPixel(z.map((value, i) => value - centre[i])),
    toPoint: (pixel) => back(plane.toPoint(pixel)),
  };
}

// Some four to nine round numbers from low to high.
export function roundTicks(low, high) {
  const power = 10 ** Math.floor(Math.log10(high - low));
  const step = [power / 5, power / 2, power, 2 * power].find((each) => (high - low) / each <= 9);
  const values = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) values.push(Number((i * step).toPrecision(6)));
  return values;
}

export function clampPoint(z, limit) {
  return z.map((value) => Math.min(limit, Math.max(-limit, value)));
}

// Whole numbers from -limit to limit, at most nine of them.
export function ticks(limit) {
  const last = Math.floor(limit);
  const step = Math.ceil((2 * last + 1) / 9);
  const values = [];
  for (let value = -Math.floor(last / step) * step; value <= last; value += step) values.push(value);
  return values;
}

// A number for people: a true minus sign, and no minus before a zero.
export function formatNumber(value, digits = 2) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
}

const STEP = 0.1;
const LARGE_STEP = 0.5;
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// Where a key leads from z, or null for a key that leads nowhere.
export function pointAfterKey(z, key, large, limit) {
  if (key === "Home") return [0, 0];
  const direction = DIRECTIONS[key];
  if (!direction) return null;
  const step = large ? LARGE_STEP : STEP;
  // Rounded, so that ten steps to the right and ten to the left end where they began.
  return clampPoint(z.map((value, i) => Math.round((value + step * direction[i]) * 1000) / 1000), limit);
}
