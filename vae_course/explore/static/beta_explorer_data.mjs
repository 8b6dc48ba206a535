// The models behind the slider over beta: their numbers, and their pictures, decoded here or stored.
import { base64ToBytes, unpackGreys, unpackMatrix } from "./bytes.mjs";
import { makeDecoder } from "./nn.mjs";
import { normalPair, makeUniform } from "./normals.mjs";
import { formatNumber } from "./plane.mjs";
import { withLatent } from "./ranges.mjs";
import { parseColour } from "./theme.mjs";

// 12-bit numbers, two in three bytes, as 16-bit ones: what unpackMatrix reads.
export function widen(packed) {
  const bytes = base64ToBytes(packed.values);
  const n = packed.shape[0] * packed.shape[1];
  if (bytes.length !== 3 * Math.ceil(n / 2)) throw new Error(`expected ${n} numbers, got ${(bytes.length * 2) / 3}`);
  const whole = new Int16Array(n);
  for (let i = 0; i < n; i++) {
    const at = 3 * (i >> 1);
    const value = i % 2 ? (bytes[at + 1] >> 4) | (bytes[at + 2] << 4) : bytes[at] | ((bytes[at + 1] & 15) << 8);
    whole[i] = value > 2047 ? value - 4096 : value;
  }
  return { shape: packed.shape, values: wideToBase64(new Uint8Array(whole.buffer)), scale: packed.scale };
}

// Piece by piece: a function takes only so many arguments.
function wideToBase64(bytes) {
  const pieces = [];
  for (let i = 0; i < bytes.length; i += 8192) pieces.push(String.fromCharCode(...bytes.subarray(i, i + 8192)));
  return btoa(pieces.join(""));
}

// What the payload holds, unpacked and checked. families[10][k] is the model of betas[k] with 10 latents.
export function readBetas(payload) {
  if (payload?.kind !== "beta-explorer") throw new Error("its data are missing");
  const labels = base64ToBytes(payload.labels);
  const data = {
    side: payload.side,
    betas: payload.betas,
    nSamples: payload.n_samples,
    storedDraws: payload.stored_draws,
    traversed: payload.traversed,
    labels,
    exampleLabels: base64ToBytes(payload.example_labels),
    colours: payload.colours.map(parseColour),
  };
  data.pictures = unpackGreys(payload.images, data.exampleLabels.length * data.side ** 2);
  data.families = Object.fromEntries(Object.entries(payload.families).map(([dim, entries]) => {
    if (entries.length !== data.betas.length) throw new Error("its models and its betas do not belong together");
    return [dim, entries.map((entry) => readModel(entry, data))];
  }));
  return data;
}

function readModel(entry, data) {
  const mu = unpackMatrix(entry.mu);
  if (mu.rows !== 2 || mu.columns !== data.labels.length) throw new Error("its points and labels do not belong together");
  const { order, kl, active, rate, distortion, limit } = entry;
  return {
    order, kl, active, rate, distortion, limit,
    spots: entry.label_spots,
    xs: mu.values.subarray(0, mu.columns),
    ys: mu.values.subarray(mu.columns),
    ...(entry.pictures ? readStored(entry, data) : readLive(entry, data)),
  };
}

// Each of the three gives [picture, ...]; a picture is side x side ink, 0 to 1.
function readLive(entry, { nSamples, traversed, side }) {
  const codes = unpackMatrix(entry.codes);
  const n = entry.order.length;
  let decoder = null; // unpacked when its beta is first shown
  const decodeAll = (points) => {
    decoder ??= makeDecoder(entry.layers.map((layer) => (layer.weight.bits ? { ...layer, weight: widen(layer.weight) } : layer)));
    return points.map((z) => decoder(z).slice());
  };
  if (codes.columns !== n || entry.layers.at(-1).weight.shape[0] !== side * side) {
    throw new Error("its decoder and its latents do not belong together");
  }
  const rows = Array.from({ length: codes.rows }, (_, i) => codes.values.subarray(i * n, (i + 1) * n));
  const origin = Array(n).fill(0);
  return {
    samples: (seed) => decodeAll(priorDraws(seed, nSamples, n)),
    reconstructions: () => decodeAll(rows),
    traversals: () => decodeAll(entry.order.flatMap((j) => traversed.map((value) => withLatent(origin, j, value)))),
  };
}

function readStored(entry, { nSamples, storedDraws, traversed, exampleLabels, side }) {
  const [m, n] = [exampleLabels.length, entry.order.length * traversed.length];
  const ink = unpackGreys(entry.pictures, (m + n + storedDraws * nSamples) * side * side);
  const part = (from, count) =>
    Array.from({ length: count }, (_, i) => ink.subarray((from + i) * side * side, (from + i + 1) * side * side));
  return {
    samples: (seed) => part(m + n + (seed % storedDraws) * nSamples, nSamples),
    reconstructions: () => part(0, m),
    traversals: () => part(m, n),
  };
}

// Draws from N(0, I), the same for every beta; beta_explorer_data.py has the same.
export function priorDraws(seed, count, n) {
  const uniform = makeUniform(seed);
  const numbers = [];
  while (numbers.length < count * n) numbers.push(...normalPair(uniform));
  return Array.from({ length: count }, (_, i) => numbers.slice(i * n, (i + 1) * n));
}

// The state in words; beta_explorer.py says the same.
export function describeBeta(beta, { order, kl, active, rate, distortion }) {
  const [largest, n] = [order[0], active.filter(Boolean).length];
  return `\u03b2 = ${beta}, ${order.length} latents, ${n} active. Held out: rate ${formatNumber(rate, 1)} nats, ` +
    `distortion ${formatNumber(distortion, 1)} nats an image. The largest KL is that of z${largest + 1}, ` +
    `${formatNumber(kl[largest])} nats.`;
}
