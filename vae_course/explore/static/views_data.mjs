// What the posterior views show: means, standard deviations, samples, pictures, and words about them.
import { base64ToBytes, unpackGreys, unpackMatrix } from "./bytes.mjs";
import { normalPairs } from "./normals.mjs";
import { formatNumber } from "./plane.mjs";
import { parseColour } from "./theme.mjs";

// What the payload holds, unpacked and checked.
export function readViews(payload) {
  if (payload?.kind !== "posterior-views") throw new Error("their data are missing");
  const [mu, std] = [unpackMatrix(payload.mu), unpackMatrix(payload.std)];
  const labels = base64ToBytes(payload.labels);
  const n = labels.length;
  for (const { rows, columns } of [mu, std]) {
    if (rows !== 2 || columns !== n) throw new Error("their numbers and labels do not belong together");
  }
  const split = ({ values }) => [values.subarray(0, n), values.subarray(n)];
  return {
    side: payload.side,
    limit: payload.limit,
    mean: split(mu),
    sd: split(std),
    labels,
    labelSpots: payload.label_spots,
    pictures: unpackGreys(payload.images, n * payload.side ** 2),
    colours: payload.colours.map(parseColour),
  };
}

// One draw from each posterior: [first coordinates, second coordinates].
export function drawSamples({ mean, sd, labels }, seed) {
  const { first, second } = normalPairs(seed, labels.length);
  return [first, second].map((noise, axis) => noise.map((value, i) => mean[axis][i] + sd[axis][i] * value));
}

// The figure's state in words; posterior_views.py says the same.
export function describeViews({ mean, sd, labels }, { view, nStd, seed, point }) {
  const how = {
    means: "as points at their means",
    samples: `as one sample each (seed ${seed})`,
    ellipses: `as ellipses of ${nStd} standard deviation${nStd > 1 ? "s" : ""}`,
  }[view];
  const pair = ([first, second]) => `(${formatNumber(first[point])}, ${formatNumber(second[point])})`;
  const which = `${labels[point] === 8 ? "an" : "a"} ${labels[point]}`;
  return `Posteriors of ${labels.length.toLocaleString("en-US")} digits, drawn ${how}. Chosen: ${which} with ` +
    `means ${pair(mean)} and standard deviations ${pair(sd)}.`;
}
