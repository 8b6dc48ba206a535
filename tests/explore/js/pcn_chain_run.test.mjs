import assert from "node:assert/strict";
import test from "node:test";
import { BINS, FINE, makeGrid, makeHistogram } from "../../../vae_course/explore/static/grid_posterior.mjs";
import { makeChain, stateAfter } from "../../../vae_course/explore/static/metropolis.mjs";
import { makeRun, marginalsOf } from "../../../vae_course/explore/static/pcn_chain_run.mjs";
import { makeWindow, roundTicks } from "../../../vae_course/explore/static/plane.mjs";

const always = () => true;
const HOW = { sampler: "pcn", step: 0.5, start: [1, 2], seed: 3, most: 400 };
// A Gaussian likelihood around (1, -0.5): with the prior the posterior is N((0.8, -0.4), 0.2 I).
const gaussian = (z1, z2) => -2 * ((z1 - 1) ** 2 + (z2 + 0.5) ** 2);

test("a chain is repeated by its seed, starts where it is told, and repeats a state that it keeps", () => {
  const [one, again, other] = [HOW, HOW, { ...HOW, seed: 4 }].map((how) => {
    const chain = makeChain(gaussian, how);
    assert.deepEqual(stateAfter(chain, 0), [1, 2]);
    for (let i = 0; i < 400; i++) chain.advance();
    return chain;
  });
  assert.deepEqual(one.z1, again.z1);
  assert.notDeepEqual(one.z1, other.z1);
  let kept = 0;
  for (let i = 0; i < 400; i++) {
    const wanted = one.accepted[i] ? [one.p1[i], one.p2[i]] : stateAfter(one, i);
    assert.deepEqual(stateAfter(one, i + 1), wanted);
    kept += one.accepted[i];
  }
  assert.ok(kept === one.nAccepted && kept > 40 && kept < 360);
});

test("a proposal of NaN or of no likelihood is rejected", () => {
  for (const value of [NaN, -Infinity]) {
    const chain = makeChain((z1) => (z1 > 0.9 ? 0 : value), HOW);
    for (let i = 0; i < 400; i++) chain.advance();
    assert.ok(chain.z1.every((z1) => z1 > 0.9));
  }
});

test("the grid in slices is the grid at once: normalised, around the mass, with the Gaussian's moments", () => {
  const [once, slices] = [makeGrid(gaussian, 5), makeGrid(gaussian, 5)];
  assert.equal(once.work(always), true);
  let n = 0;
  let share = -1;
  do {
    let left = 1000;
    assert.ok(slices.share > share);
    share = slices.share;
    n += 1;
    if (slices.work(() => left-- > 0)) break;
  } while (n < 100);
  assert.ok(n > 5 && slices.share === 1);
  assert.deepEqual(slices.mass, once.mass);
  const sum = once.mass.reduce((a, b) => a + b);
  assert.ok(Math.abs(sum - 1) < 1e-12);
  for (const [axis, mean] of [0.8, -0.4].entries()) {
    const marginal = marginalsOf(once)[axis];
    const z = Array.from(marginal, (_, i) => once.low[axis] + ((i + 0.5) / FINE) * (once.high[axis] - once.low[axis]));
    const found = marginal.reduce((total, mass, i) => total + mass * z[i], 0);
    const variance = marginal.reduce((total, mass, i) => total + mass * (z[i] - mean) ** 2, 0);
    assert.ok(Math.abs(found - mean) < 1e-3 && Math.abs(variance - 0.2) < 1e-3);
  }
});

test("total variation: none of the posterior's own shares, all of what lies elsewhere", () => {
  const grid = makeGrid(gaussian, 5);
  grid.work(always);
  const outside = makeHistogram(grid);
  outside.add(9, 9);
  outside.add(NaN, 0);
  assert.ok(Math.abs(outside.totalVariation() - 1) < 1e-12);
  const [bin, most] = grid.bins.reduce((best, mass, i) => (mass > best[1] ? [i, mass] : best), [0, 0]);
  const one = makeHistogram(grid);
  const place = (axis, i) => grid.low[axis] + ((i + 0.5) / BINS) * (grid.high[axis] - grid.low[axis]);
  one.add(place(0, Math.floor(bin / BINS)), place(1, bin % BINS));
  assert.ok(Math.abs(one.totalVariation() - (1 - most)) < 1e-12);
});

test("steps made before the posterior is known are compared once it is", () => {
  const data = { side: 1, limit: 5, thin: 10, mostSteps: 100, decode: ([z1]) => [z1], logLikelihood: () => gaussian };
  const [late, early] = [makeRun(data), makeRun(data)];
  for (const run of [late, early]) {
    run.setImage(0, "nothing");
    run.restart(HOW);
  }
  early.work(always);
  for (const run of [late, early]) for (let i = 0; i < 50; i++) run.advance();
  assert.equal(late.found().distance, null);
  late.work(always);
  assert.deepEqual(late.distances, early.distances);
  assert.ok(late.found().distance > 0 && late.found().distance < 1);
  const states = [HOW.start[0], ...[10, 20, 30, 40, 50].map((n) => late.chain.z1[n - 1])];
  assert.ok(Math.abs(late.meanImage[0] - states.reduce((a, b) => a + b) / 6) < 1e-6, "the start and every tenth state");
  late.restart(HOW);
  assert.equal(late.chain.length, 0);
  assert.equal(late.found().distance, null);
});

test("a window has its centre in the middle, and round ticks", () => {
  const plane = makeWindow([1.2, -0.4], 0.5, 134, 34);
  assert.deepEqual(plane.toPixel([1.2, -0.4]).map(Math.round), [84, 50]);
  const back = plane.toPoint(plane.toPixel([1.5, -0.7]));
  assert.ok(Math.abs(back[0] - 1.5) + Math.abs(back[1] + 0.7) < 1e-12);
  assert.deepEqual(plane.ticks[0], [0.8, 1, 1.2, 1.4, 1.6]);
  assert.deepEqual(roundTicks(-5, 5), [-4, -2, 0, 2, 4]);
  assert.deepEqual(roundTicks(0.13, 0.27), [0.14, 0.16, 0.18, 0.2, 0.22, 0.24, 0.26]);
});
