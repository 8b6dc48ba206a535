import assert from "node:assert/strict";
import test from "node:test";
import { axisSteps, groupNear, keepApart, nearestSnapshot, placeOf } from "../../../vae_course/explore/static/training_axis.mjs";

const STEPS = [0, 1, 2, 10, 100, 1000];

test("a snapshot lies at its index, and what lies outside at an end", () => {
  STEPS.forEach((step, i) => assert.equal(placeOf(STEPS, step), i));
  assert.equal(placeOf(STEPS, 5000), 5);
  assert.equal(placeOf([0, 7], 7), 1);
});

test("between two snapshots the axis is logarithmic", () => {
  const half = Math.sqrt(101 * 1001) - 1;
  assert.ok(Math.abs(placeOf(STEPS, half) - 4.5) < 1e-12);
  assert.equal(nearestSnapshot(STEPS, half - 1), 4);
  assert.equal(nearestSnapshot(STEPS, half + 1), 5);
});

test("ticks: the powers of ten come first, none beyond the end", () => {
  assert.deepEqual(axisSteps(120), [0, 10, 100, 5, 2, 50, 20]);
  assert.deepEqual(axisSteps(8), [0, 5, 2]);
});

test("what is too near to an earlier place is left out", () => {
  assert.deepEqual(keepApart([0, 100, 50, 95, 20], 30), [0, 1, 2]);
  assert.deepEqual(keepApart([], 30), []);
});

test("neighbours are grouped, and a chain of them is one group", () => {
  assert.deepEqual(groupNear([0, 10, 20, 50], 16), [[0, 1, 2], [3]]);
  assert.deepEqual(groupNear([5], 16), [[0]]);
});
