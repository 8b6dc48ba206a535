// A chain with all that is said of it: the exact posterior beside it, their distance, the mean image. No elements here.
import { effectiveSize } from "./effective_size.mjs";
import { makeGrid, makeHistogram } from "./grid_posterior.mjs";
import { makeChain, stateAfter } from "./metropolis.mjs";

export function makeRun(data) {
  const meanImage = new Float32Array(data.side ** 2);
  const run = { chain: null, grid: null, marginals: null, distances: null, reach: null, meanImage, setImage, restart, advance, work, found, z };
  let [logLikelihood, histogram, kernel, nPictures, sizes] = [null, null, null, 0, []];

  function setImage(digit, hidden) {
    logLikelihood = data.logLikelihood(digit, hidden);
    run.grid = makeGrid(logLikelihood, data.limit);
    run.marginals = null;
    histogram = null;
  }

  // Back to the start; how: {sampler, step, start, seed}.
  function restart(how) {
    kernel = how;
    run.chain = makeChain(logLikelihood, { ...kernel, most: data.mostSteps });
    run.distances = new Float64Array(data.mostSteps);
    if (run.grid.mass) histogram = makeHistogram(run.grid);
    run.reach = kernel.start.map((value) => [value, value]); // the least and the largest z1 and z2 so far
    sizes = [0, 1].map(() => ({ at: -1, size: NaN }));
    nPictures = 0;
    meanImage.fill(0);
    addPicture();
  }

  function z() {
    return stateAfter(run.chain, run.chain.length);
  }

  function advance() {
    run.chain.advance();
    compare(run.chain.length - 1);
    run.reach = z().map((value, axis) => [Math.min(run.reach[axis][0], value), Math.max(run.reach[axis][1], value)]);
    if (run.chain.length % data.thin === 0) addPicture();
  }

  function compare(i) {
    if (!histogram) return;
    histogram.add(run.chain.z1[i], run.chain.z2[i]);
    run.distances[i] = histogram.totalVariation();
  }

  function addPicture() {
    const image = data.decode(z());
    nPictures += 1;
    for (let i = 0; i < image.length; i++) meanImage[i] += (image[i] - meanImage[i]) / nPictures;
  }

  // Computes the exact posterior while there is time; true as soon as it is whole. The steps made so far are compared then.
  function work(isTime) {
    if (run.grid.mass) return true;
    if (!run.grid.work(isTime)) return false;
    run.marginals = marginalsOf(run.grid);
    histogram = makeHistogram(run.grid);
    for (let i = 0; i < run.chain.length; i++) compare(i);
    return true;
  }

  // {nAccepted, size, distance}: distance is null until the posterior is known; size is NaN if it is so in z1 or z2.
  // axes: whose effective sizes, which are dear, are to be those of now; the others may be of an earlier step.
  function found({ axes = [0, 1] } = {}) {
    const { length, nAccepted, z1, z2 } = run.chain;
    for (const axis of axes) {
      if (sizes[axis].at === length) continue;
      sizes[axis] = { at: length, size: effectiveSize((axis ? z2 : z1).subarray(0, length)) };
    }
    const size = Math.min(...sizes.map((each) => each.size));
    return { nAccepted, size, distance: histogram && length ? run.distances[length - 1] : null };
  }

  return run;
}

// The posterior's mass in each column of cells, by z1, and in each row, by z2; sums to 1.
export function marginalsOf({ n, mass }) {
  const both = [new Float64Array(n), new Float64Array(n)];
  for (let at = 0; at < mass.length; at++) {
    both[0][Math.floor(at / n)] += mass[at];
    both[1][at % n] += mass[at];
  }
  return both;
}
