// Where each slider runs: over the prior's range, the same for all, or over the loaded digit's posterior.

export const POSITIONS = 120; // a handle stands at one of 0 .. POSITIONS
const POSTERIOR_SDS = 2;

// [low, high] of each of n latents. digit: {mu, std} of the loaded digit, or null: then the prior's range it is.
export function spansOf(range, digit, prior, n) {
  return Array.from({ length: n }, (_, j) =>
    range === "posterior" && digit
      ? [digit.mu[j] - POSTERIOR_SDS * digit.std[j], digit.mu[j] + POSTERIOR_SDS * digit.std[j]]
      : [...prior]);
}

// The handle's place for a value; beyond the ends it stands at the end.
export function positionOf(value, [low, high]) {
  return Math.min(POSITIONS, Math.max(0, Math.round(((value - low) / (high - low)) * POSITIONS)));
}

// The value at a place; rounded, so that -3 + 6 * 61 / 120 is 0.05 and not 0.0499999.
export function valueAt(position, [low, high]) {
  return Number((low + ((high - low) * position) / POSITIONS).toPrecision(6));
}

// -1 below the range, 1 above it, else 0. Half a place beyond an end is still the end.
export function sideOf(value, [low, high]) {
  const slack = (high - low) / POSITIONS / 2;
  return value < low - slack ? -1 : value > high + slack ? 1 : 0;
}

// n values from end to end.
export function traversalValues([low, high], n) {
  return Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));
}

// z with latent j at another value; z itself stays as it was.
export function withLatent(z, j, value) {
  return z.map((old, i) => (i === j ? value : old));
}

// Mean absolute difference of two pictures with ink from 0 to 1, in grey levels of 255.
export function meanGreyChange(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return (255 * sum) / a.length;
}
