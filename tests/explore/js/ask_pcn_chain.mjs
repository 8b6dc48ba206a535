// Asked by test_pcn_chain_explorer.py: what the page computes of a payload, chain by chain.
import { readFileSync } from "node:fs";
import { effectiveSize } from "../../../vae_course/explore/static/effective_size.mjs";
import { makeGrid, makeHistogram } from "../../../vae_course/explore/static/grid_posterior.mjs";
import * as metropolis from "../../../vae_course/explore/static/metropolis.mjs";
import { describeChain, readPcnChain } from "../../../vae_course/explore/static/pcn_chain_data.mjs";
import { makeRun } from "../../../vae_course/explore/static/pcn_chain_run.mjs";

const { payload, edit, chains = [], grids = [], points = [], sizes = [], said = [] } = JSON.parse(readFileSync(0, "utf8"));
const data = readPcnChain(payload);

// The page's samplers, or these with one piece of their source replaced: [right, wrong].
async function samplers() {
  if (!edit) return metropolis;
  const folder = new URL("../../../vae_course/explore/static/", import.meta.url);
  const source = readFileSync(new URL("metropolis.mjs", folder), "utf8");
  if (source.split(edit[0]).length !== 2) throw new Error(`"${edit[0]}" must occur once in metropolis.mjs`);
  const broken = source.replace(edit[0], () => edit[1]).replace("./normals.mjs", new URL("normals.mjs", folder).href);
  return import(`data:text/javascript,${encodeURIComponent(broken)}`);
}

const { makeChain } = await samplers();

function ask({ digit, hidden, n_steps: nSteps, ...how }) {
  const chain = makeChain(data.logLikelihood(digit, hidden), { ...how, most: nSteps });
  for (let i = 0; i < nSteps; i++) chain.advance();
  return {
    z: Array.from(chain.z1, (z1, i) => [z1, chain.z2[i]]),
    proposal: Array.from(chain.p1, (p1, i) => [p1, chain.p2[i]]),
    accepted: Array.from(chain.accepted, Boolean),
    size: [chain.z1, chain.z2].map((values) => effectiveSize(values)),
  };
}

function askGrid({ digit, hidden, z = [] }) {
  const grid = makeGrid(data.logLikelihood(digit, hidden), data.limit);
  grid.work(() => true);
  const histogram = makeHistogram(grid);
  for (const [z1, z2] of z) histogram.add(z1, z2);
  const { low, high, mass, bins } = grid;
  return { low, high, mass: [...mass], bins: [...bins], total_variation: z.length ? histogram.totalVariation() : null };
}

function say({ n_steps: length, ...state }) {
  const run = makeRun(data);
  run.setImage(state.digit, state.hidden);
  run.restart(state);
  for (let i = 0; i < length; i++) run.advance();
  run.work(() => true);
  return describeChain(data, { ...state, length }, run.found());
}

console.log(JSON.stringify({
  chains: chains.map(ask),
  grids: grids.map(askGrid),
  values: points.map(({ digit, hidden, z }) => {
    const logLikelihood = data.logLikelihood(digit, hidden);
    return z.map(([z1, z2]) => logLikelihood(z1, z2));
  }),
  sizes: sizes.map((values) => effectiveSize(Float64Array.from(values))),
  said: said.map(say),
}));
