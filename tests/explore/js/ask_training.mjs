// Asked by test_training_scrubber_explorer.py: what the page makes of its payload.
import { readFileSync } from "node:fs";
import { nearestSnapshot, placeOf } from "../../../vae_course/explore/static/training_axis.mjs";
import { describeTraining, readTraining } from "../../../vae_course/explore/static/training_scrubber_data.mjs";

const { payload, steps = [], said = [], full = false } = JSON.parse(readFileSync(0, "utf8"));
const data = readTraining(payload);

function describe(run) {
  const { steps: own, latentDim, curves, nll, kl, klPerLatent, phases, start } = run;
  const positions = own.map((_, i) => Array.from({ length: latentDim }, (_, j) => [...run.positions(i, j)]));
  return {
    places: steps.map((step) => placeOf(own, step)),
    nearest: steps.map((step) => nearestSnapshot(own, step)),
    start, nll, kl, klPerLatent, phases,
    curves: Object.fromEntries(Object.entries(curves).map(([name, { mean, low, high }]) => [name, [mean, low, high].map((v) => [...v])])),
    ...(full ? { positions, pictures: [...run.pictures] } : {}),
  };
}

console.log(JSON.stringify({
  runs: Object.fromEntries(Object.entries(data.runs).map(([key, run]) => [key, describe(run)])),
  labels: [...data.labels],
  originals: [...data.originals],
  said: said.map((state) => describeTraining(data, { ...state, snapshot: nearestSnapshot(data.runs[state.run].steps, state.step) })),
}));
