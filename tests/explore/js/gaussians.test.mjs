import assert from "node:assert/strict";
import test from "node:test";
import {
  covariance, ellipseOf, klToPrior, logDensityOf, pool, STANDARD, withinShare,
} from "../../../vae_course/explore/static/gaussians.mjs";

const near = (a, b, by = 1e-12) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

test("an ellipse by hand: axes 3 and 1, the long one 30 degrees up", () => {
  const [c, s] = [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)];
  const { radii, angle } = ellipseOf([9 * c * c + s * s, 8 * c * s, 9 * s * s + c * c]);
  near(radii[0], 3);
  near(radii[1], 1);
  near(angle, Math.PI / 6);
});

test("an ellipse without width has none, not NaN", () => {
  near(ellipseOf([1, 1, 1]).radii[1], 0, 1e-7);
  assert.deepEqual(ellipseOf([0, 0, 0]).radii, [0, 0]);
});

test("two points far apart: pooled, what lies between them is variance between", () => {
  const at = (x) => ({ n: 3, mean: [x, 0], within: [0.5, 0, 0.25], between: [0, 0, 0] });
  const both = pool([at(-2), at(2)]);
  assert.deepEqual(both, { n: 6, mean: [0, 0], within: [0.5, 0, 0.25], between: [4, 0, 0] });
  assert.deepEqual(covariance(both), [4.5, 0, 0.25]);
  near(withinShare(both), 0.75 / 4.75);
});

test("pooling weighs by n, and in two steps as in one", () => {
  const parts = [[1, 0, 2], [5, 3, -1], [2, -1, 1]].map(([n, x, y]) => ({
    n, mean: [x, y], within: [1, 0.1 * x, 1], between: [0.5, 0.2, 0.5],
  }));
  const [once, twice] = [pool(parts), pool([pool(parts.slice(0, 2)), parts[2]])];
  for (const key of ["mean", "within", "between"]) once[key].forEach((value, i) => near(value, twice[key][i]));
  near(once.mean[0], 13 / 8);
});

test("the prior is no nats from itself; a shift of 2 costs 2 nats", () => {
  near(klToPrior(STANDARD), 0);
  near(klToPrior({ ...STANDARD, mean: [2, 0] }), 2);
});

test("log densities: the prior's closed form, and a correlated one by hand", () => {
  near(logDensityOf(STANDARD)(1, -2), -2.5 - Math.log(2 * Math.PI));
  const leaning = { n: 1, mean: [1, 0], within: [2, 1, 2], between: [0, 0, 0] };
  // inverse of [[2, 1], [1, 2]] is [[2, -1], [-1, 2]] / 3
  near(logDensityOf(leaning)(2, 1), -0.5 * (2 / 3) - Math.log(2 * Math.PI) - 0.5 * Math.log(3));
});
