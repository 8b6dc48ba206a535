// What the explorer of a Markov chain gets from its payload, and what it says in words.
import { base64ToBytes, unpackSparse } from "./bytes.mjs";
import { makeLikelihoods } from "./log_likelihood.mjs";
import { makeDecoder } from "./nn.mjs";
import { formatNumber } from "./plane.mjs";
import { parseColour } from "./theme.mjs";

export const SAMPLER_NAMES = { pcn: "pCN", random_walk: "random walk" };

// What the payload holds, unpacked and checked.
export function readPcnChain(payload) {
  if (payload?.kind !== "pcn-chain") throw new Error("its data are missing");
  const labels = base64ToBytes(payload.labels);
  const nPixels = payload.side ** 2;
  const pixels = Float64Array.from(unpackSparse(payload.images, labels.length * nPixels), (value) => value / 255);
  const images = Array.from(labels, (_, i) => pixels.subarray(i * nPixels, (i + 1) * nPixels));
  const visible = Object.fromEntries(payload.hidden.map((part) => [part.name, base64ToBytes(part.visible)]));
  if (Object.values(visible).some((mask) => mask.length !== nPixels)) throw new Error("its masks do not fit its images");
  const likelihoodOf = makeLikelihoods(payload.layers);
  return {
    side: payload.side,
    limit: payload.limit,
    mostSteps: payload.most_steps,
    thin: payload.thin,
    speeds: payload.speeds,
    labels,
    images,
    visible,
    colours: { accepted: parseColour(payload.colours.accepted), rejected: parseColour(payload.colours.rejected) },
    decode: makeDecoder(payload.layers),
    logLikelihood: (digit, hidden) => likelihoodOf(images[digit], visible[hidden]),
  };
}

export const formatStep = (step) => Number(step).toPrecision(2);

// The figure's state in words; pcn_chain.py says the same. found: {nAccepted, size, distance}.
export function describeChain({ labels }, { digit, hidden, sampler, step, start, length }, { nAccepted, size, distance }) {
  const image = `${labels[digit] === 8 ? "an" : "a"} ${labels[digit]}`;
  const what = hidden === "everything" ? hidden : `its ${hidden}`;
  const seen = hidden === "nothing" ? image : `${image} with ${what} hidden`;
  const head = `${SAMPLER_NAMES[sampler]} with step ${formatStep(step)}, image: ${seen}. `;
  const from = `(${start.map((value) => formatNumber(value)).join(", ")})`;
  if (!length) return `${head}No step yet; the start is ${from}.`;
  const steps = length === 1 ? "1 step" : `${length.toLocaleString("en-US")} steps`;
  const draws = Number.isNaN(size) ? "no" : Math.round(size).toLocaleString("en-US");
  const far = distance === null ? "the exact posterior is being computed." :
    `total variation ${formatNumber(distance)} from the exact posterior.`;
  return `${head}After ${steps} from ${from}: ${Math.round((100 * nAccepted) / length)} % accepted, ` +
    `${draws} effective draws, ${far}`;
}
