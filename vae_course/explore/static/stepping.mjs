// Going from point to point of a scatter plot by keys.
import { nearest } from "./neighbours.mjs";

const LEAP = 0.4; // how far a leap aims, in the coordinates' own units
const DIRECTION_OF_KEY = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// The index that a key leads to from point `from`, or null for a key that leads nowhere. An arrow leads to the nearest
// point within 45 degrees of its direction, a leap to the point nearest to a place further on; Home to the first point.
export function indexAfterKey(xs, ys, from, key, leap) {
  if (key === "Home") return 0;
  const direction = DIRECTION_OF_KEY[key];
  if (!direction) return null;
  const reach = leap ? LEAP : 0;
  let best = from;
  let least = Infinity;
  for (let i = 0; i < xs.length; i++) {
    const [dx, dy] = [xs[i] - xs[from], ys[i] - ys[from]];
    const along = dx * direction[0] + dy * direction[1];
    const across = Math.abs(dx * direction[1] - dy * direction[0]);
    if (along <= 0 || across > along) continue;
    const distance = Math.hypot(along - reach, across);
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

// The k points nearest to point `from`, itself left out, the nearest first.
export function nearestOthers(xs, ys, from, k) {
  return nearest(xs, ys, [xs[from], ys[from]], k + 1)
    .map(({ index }) => index)
    .filter((index) => index !== from)
    .slice(0, k);
}
