// The axis of a training: the i-th snapshot at i, logarithmic between two of them.

// The place of a step, 0 to steps.length - 1.
export function placeOf(steps, step) {
  let i = 0;
  while (i < steps.length - 2 && steps[i + 1] <= step) i += 1;
  const [low, high] = [steps[i], steps[i + 1]].map(Math.log1p);
  return i + Math.min(1, Math.max(0, (Math.log1p(step) - low) / (high - low)));
}

export function nearestSnapshot(steps, step) {
  return Math.round(placeOf(steps, step));
}

// Round numbers up to `last`, those that must not be left out first.
export function axisSteps(last) {
  const powers = [];
  for (let step = 10; step <= last; step *= 10) powers.push(step);
  const between = [1, ...powers].flatMap((step) => [5 * step, 2 * step]).filter((step) => step <= last);
  return [0, ...powers, ...between];
}

// Those of the places (in order of importance) that keep `gap` from all that were taken before: their indices.
export function keepApart(places, gap) {
  const kept = [];
  places.forEach((place, i) => {
    if (kept.every((other) => Math.abs(places[other] - place) >= gap)) kept.push(i);
  });
  return kept;
}

// Neighbours less than `gap` apart as one group: [[0], [1, 2]] for places in rising order.
export function groupNear(places, gap) {
  const groups = [];
  places.forEach((place, i) => {
    const last = groups.at(-1);
    if (last && place - places[last.at(-1)] < gap) last.push(i);
    else groups.push([i]);
  });
  return groups;
}
