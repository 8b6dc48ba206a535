// What the explorer of a training gets from its payload, and what it says in words.
import { base64ToBytes, unpackDoubles, unpackGreys, unpackSparse } from "./bytes.mjs";
import { formatNumber } from "./plane.mjs";
import { parseColour } from "./theme.mjs";
import { nearestSnapshot } from "./training_axis.mjs";

const GREYS = 16;

// What the payload holds, unpacked and checked.
export function readTraining(payload) {
  if (payload?.kind !== "training-scrubber") throw new Error("its data are missing");
  const { side, decoded } = payload;
  const labels = base64ToBytes(payload.labels);
  const originals = Float32Array.from(unpackSparse(payload.originals, decoded.length * side ** 2), (value) => value / 255);
  const runs = Object.fromEntries(payload.runs.map((run) => [run.key, readRun(run, labels.length, decoded.length * side ** 2)]));
  if (decoded.some((index) => index >= labels.length)) throw new Error("its digits and its pictures do not belong together");
  return {
    side, labels, originals, runs,
    decodedLabels: decoded.map((index) => labels[index]),
    phaseNames: payload.phase_names,
    limits: payload.limits,
    colours: payload.colours.map(parseColour),
  };
}

function readRun(run, nDigits, nPixels) {
  const n = run.steps.length;
  const curves = Object.fromEntries(Object.entries(run.curves).map(([name, packed]) => {
    const { columns, values } = unpackDoubles(packed);
    if (columns !== run.start.length) throw new Error("its curves and their steps do not belong together");
    return [name, { mean: values.subarray(0, columns), low: values.subarray(columns, 2 * columns), high: values.subarray(2 * columns) }];
  }));
  const low = unpackDoubles(run.positions.low);
  const span = unpackDoubles(run.positions.span);
  const bytes = base64ToBytes(run.positions.bytes);
  if (bytes.length !== n * run.latent_dim * nDigits) throw new Error("its positions do not fit its digits");
  // Of one latent at one snapshot, (digits,).
  const positions = (snapshot, latent) => {
    const row = snapshot * run.latent_dim + latent;
    const part = bytes.subarray(row * nDigits, (row + 1) * nDigits);
    return Float64Array.from(part, (byte) => low.values[row] + (span.values[row] * byte) / 255);
  };
  return {
    latentDim: run.latent_dim, nSteps: run.n_steps, steps: run.steps,
    nll: run.nll, kl: run.kl, klPerLatent: run.kl_per_latent,
    start: run.start, curves, positions,
    pictures: addChanges(unpackGreys(run.pictures, n * nPixels), nPixels),
    phases: run.phases.map(({ name, step }) => ({ name, step, snapshot: nearestSnapshot(run.steps, step) })),
    order: run.order, digitKl: run.digit_kl, latents: run.latents, limit: run.limit,
  };
}

// Changes modulo 16 to pictures, in place: ink 0 to 1.
export function addChanges(ink, nPixels) {
  for (let i = 0; i < ink.length; i++) {
    const before = i < nPixels ? 0 : Math.round(15 * ink[i - nPixels]);
    ink[i] = ((Math.round(15 * ink[i]) + before) % GREYS) / 15;
  }
  return ink;
}

// The first of the round limits that holds all values, or the last.
export function roundLimit(limits, ...coordinates) {
  const reach = coordinates.reduce((most, values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
  return limits.find((limit) => limit >= reach) ?? limits.at(-1);
}

// How many points a map of this half-width leaves out.
export function countOutside(xs, ys, limit) {
  return xs.reduce((count, x, i) => count + (Math.abs(x) > limit || Math.abs(ys[i]) > limit ? 1 : 0), 0);
}

export function describeWhen({ steps, nSteps }, snapshot) {
  const n = nSteps.toLocaleString("en-US");
  if (steps[snapshot] === 0) return "before the first step";
  if (snapshot === steps.length - 1) return `after the last of ${n} steps`;
  return `before step ${steps[snapshot].toLocaleString("en-US")} of ${n}`;
}

// Between which phases a snapshot lies, or at which.
export function describeWhere({ phases }, names, snapshot) {
  if (!phases.length) return "with no phases to be found";
  const called = (found) => found.map(({ name }) => names[name]);
  const at = called(phases.filter((phase) => phase.snapshot === snapshot));
  if (at.length) return `at the ${at.join(" and the ")}`;
  const past = called(phases.filter((phase) => phase.snapshot < snapshot));
  if (!past.length) return `before the ${names[phases[0].name]}`;
  if (past.length === phases.length) return `in the ${past.at(-1)}`;
  return `between the ${past.at(-1)} and the ${names[phases[past.length].name]}`;
}

export function describeBars(run, snapshot) {
  return run.klPerLatent[snapshot].map((value, j) => `z${j + 1} ${formatNumber(value)}`).join(", ");
}

// The figure's state in words; training_scrubber.py says the same.
export function describeTraining(data, { run: key, snapshot, latents: [across, up] }) {
  const run = data.runs[key];
  return `${run.latentDim} latents, ${describeWhen(run, snapshot)}, ${describeWhere(run, data.phaseNames, snapshot)}. ` +
    `On one batch, in nats per image: NLL ${formatNumber(run.nll[snapshot], 1)}, KL ${formatNumber(run.kl[snapshot])} ` +
    `(${describeBars(run, snapshot)}). The map shows z${across + 1} and z${up + 1}.`;
}
