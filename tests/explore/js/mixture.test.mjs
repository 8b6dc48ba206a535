import assert from "node:assert/strict";
import test from "node:test";
import { logMixture, makeMixture, phi, posteriorOfClasses, totalVariation } from "../../../vae_course/explore/static/mixture.mjs";

const near = (a, b, by = 1e-12) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);
const sum = (values) => values.reduce((a, b) => a + b, 0);

// Ten classes with one posterior each, but class 0 with two.
const xs = [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, -2];
const ys = [0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1];
const labels = Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
const logvars = [xs.map(() => Math.log(0.04)), xs.map(() => Math.log(0.09))];
const mixture = makeMixture({ xs, ys, logvars, labels, limit: 4, cells: 64 });

test("the normal distribution function, against known values", () => {
  near(phi(0), 0.5);
  near(phi(1.959963984540054), 0.975, 1e-14);
  near(phi(-3), 0.0013498980316300933, 1e-15);
  near(phi(6) + phi(-6), 1, 1e-15);
  assert.equal(phi(-40), 0);
  assert.equal(phi(40), 1);
});

test("cells hold the whole mass, a Gaussian on an edge is split in halves", () => {
  const masses = mixture.masses([0]);
  near(sum(masses), 1, 1e-8);
  near(sum(masses.filter((_, i) => i % 64 >= 32)), 0.25, 1e-8); // right of z1 = 0: half of the one at the origin
  near(sum(masses.filter((_, i) => i >= 32 * 64)), 0.25 + 0.5 * phi(1 / 0.3), 1e-8);
});

test("the mass beyond the map is left out", () => {
  const cut = makeMixture({ xs: xs.map(() => 4), ys: ys.map(() => 0), logvars, labels, limit: 4, cells: 64 });
  near(sum(cut.masses([3])), 0.5, 1e-8);
  const gone = makeMixture({ xs: xs.map(() => 40), ys: ys.map(() => 0), logvars, labels, limit: 4, cells: 64 });
  near(sum(gone.masses([3])), 0, 1e-12);
});

test("a Gaussian narrower than a cell keeps its mass", () => {
  const narrow = { n: 1, mean: [0.03, 0.01], within: [0.0016, 0, 0.0009], between: [0, 0, 0] };
  near(sum(mixture.gaussianMasses(narrow)), 1, 1e-6);
});

test("classes weigh by their counts, and probabilities add up to 1 even far from everything", () => {
  near(logMixture([0, 0], [2, 2], [0, 1]), 0);
  near(logMixture(mixture.classLogDensities([0, 0]), mixture.counts, [0]), mixture.classLogDensities([0, 0])[0]);
  for (const z of [[0, 0], [1, 2], [90, -70]]) near(sum(posteriorOfClasses(mixture.classLogDensities(z), mixture.counts)), 1);
  near(posteriorOfClasses([1, 1, -3000], [1, 3, 1])[1], 0.75);
});

test("total variation: 0 of the same, 1 of what never meets, what lies beyond counts once", () => {
  assert.equal(totalVariation([0.5, 0.5], [0.5, 0.5]), 0);
  assert.equal(totalVariation([1, 0], [0, 1]), 1);
  assert.equal(totalVariation([0.5, 0.5], [0, 0]), 1);
  assert.equal(totalVariation([0.5, 0.25], [0.25, 0.25]), 0.25);
});

test("drawn means are always the same, and depend on the rows only", () => {
  const gaussian = { n: 2, mean: [0, 0], within: [0.04, 0, 0.09], between: [1, 0.5, 1] };
  const one = mixture.drawnMasses([0], gaussian);
  near(sum(one), 1, 1e-8);
  assert.deepEqual(mixture.drawnMasses([0], gaussian), one);
  const [two, both] = [mixture.drawnMasses([1], gaussian), mixture.drawnMasses([0, 1], gaussian)];
  both.forEach((mass, i) => near(mass, (2 * one[i] + two[i]) / 3));
});
