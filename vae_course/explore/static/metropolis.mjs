// A Metropolis chain in the plane under the prior N(0, I), step by step; pcn_chain_data.py walks the same way.
import { makeUniform, normalPair } from "./normals.mjs";

// What a sampler's proposal multiplies z by, and whether the prior stays in the ratio.
const KERNELS = {
  // z' = sqrt(1 - step^2) z + step eps keeps the prior, so the ratio is that of the likelihoods alone.
  pcn: { shrink: (step) => Math.sqrt(1 - step * step), logPrior: () => 0 },
  // z' = z + step eps is symmetric, so the ratio is that of likelihood times prior.
  random_walk: { shrink: () => 1, logPrior: (z1, z2) => -0.5 * (z1 * z1 + z2 * z2) },
};

// {z1, z2, p1, p2: proposals, accepted, length, nAccepted, shrink, step, advance()}; index i is what step i + 1 left behind.
export function makeChain(logLikelihood, { sampler, step, start, seed, most }) {
  const { shrink, logPrior } = KERNELS[sampler];
  const kept = shrink(step);
  const uniform = makeUniform(seed);
  const [z1, z2, p1, p2] = Array.from({ length: 4 }, () => new Float64Array(most));
  const chain = { start, shrink: kept, step, z1, z2, p1, p2, accepted: new Uint8Array(most), length: 0, nAccepted: 0, advance };
  let [here1, here2] = start;
  let here = logLikelihood(here1, here2) + logPrior(here1, here2);

  // One step. Three uniform numbers: two for the proposal, one for the decision.
  function advance() {
    const [eps1, eps2] = normalPair(uniform);
    const [to1, to2] = [kept * here1 + step * eps1, kept * here2 + step * eps2];
    const there = logLikelihood(to1, to2) + logPrior(to1, to2);
    const isAccepted = Math.log(uniform()) < there - here;
    if (isAccepted) [here1, here2, here] = [to1, to2, there];
    const i = chain.length;
    [p1[i], p2[i], z1[i], z2[i]] = [to1, to2, here1, here2]; // a rejected step repeats the state
    chain.accepted[i] = isAccepted ? 1 : 0;
    chain.nAccepted += chain.accepted[i];
    chain.length += 1;
  }

  return chain;
}

// The state after `length` steps; after none the start.
export function stateAfter(chain, length) {
  return length ? [chain.z1[length - 1], chain.z2[length - 1]] : [...chain.start];
}
