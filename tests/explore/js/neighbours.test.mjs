import assert from "node:assert/strict";
import test from "node:test";
import { majority, nearest } from "../../../vae_course/explore/static/neighbours.mjs";

test("the nearest come first, and agree with sorting all", () => {
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const xs = Array.from({ length: 200 }, random);
  const ys = Array.from({ length: 200 }, random);
  const all = xs.map((x, index) => ({ index, distance: Math.hypot(x - 0.3, ys[index] - 0.6) }));
  all.sort((a, b) => a.distance - b.distance);
  assert.deepEqual(nearest(xs, ys, [0.3, 0.6], 5), all.slice(0, 5));
});

test("equal distances keep their order; fewer points than k give all", () => {
  assert.deepEqual(nearest([1, -1, 0], [0, 0, 1], [0, 0], 2).map(({ index }) => index), [0, 1]);
  assert.equal(nearest([1], [1], [0, 0], 5).length, 1);
});

test("the commonest label, and the first one of a tie", () => {
  assert.equal(majority([3, 5, 5, 3, 5]), 5);
  assert.equal(majority([8, 3, 3, 8, 1]), 8);
});
