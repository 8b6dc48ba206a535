// A drawn 9 that turns into a 0: its loop opens at the stem and its tail curls, until the two ends meet below.

const STEPS = 40; // pieces a stroke

// Two strokes on a sheet whose side is 1. share: 0 is a clear 9, 1 a 0.
export function nineToZero(share) {
  return [0, 1].map((stroke) =>
    Array.from({ length: STEPS + 1 }, (_, i) => {
      const [nine, zero] = (stroke === 0 ? LOOP : TAIL).map((curve) => curve(i / STEPS));
      return nine.map((value, axis) => value + (zero[axis] - value) * share);
    }));
}

const onEllipse = (x, y, width, height, degrees) => {
  const angle = (degrees * Math.PI) / 180;
  return [x + width * Math.cos(angle), y - height * Math.sin(angle)];
};

// Both strokes begin where the 9's stem meets its loop. The loop goes over the top and down the left; the tail goes down.
const START = 25; // degrees on the 0
const ZERO = [0.5, 0.5, 0.21, 0.32];
const LOOP = [
  (u) => onEllipse(0.5, 0.34, 0.17, 0.16, 5 + 360 * u),
  (u) => onEllipse(...ZERO, START + (270 - START) * u),
];
const TAIL = [
  (u) => [0.67 - 0.06 * u - 0.04 * u * u, 0.33 + 0.5 * u],
  (u) => onEllipse(...ZERO, START - (START + 90) * u),
];
