import assert from "node:assert/strict";
import test from "node:test";
import { indexAfterKey, nearestOthers } from "../../../vae_course/explore/static/stepping.mjs";

const xs = [0, 1, 0.2, -1, 3, 0, 0.5];
const ys = [0, 0.1, 0.9, 0, 0.2, -2, 0.4];

test("an arrow leads to the nearest point within 45 degrees", () => {
  assert.equal(indexAfterKey(xs, ys, 0, "ArrowRight", false), 6);
  assert.equal(indexAfterKey(xs, ys, 0, "ArrowUp", false), 2);
  assert.equal(indexAfterKey(xs, ys, 0, "ArrowLeft", false), 3);
  assert.equal(indexAfterKey(xs, ys, 0, "ArrowDown", false), 5);
});

test("a leap aims further on, home at the first point", () => {
  const line = Array.from({ length: 21 }, (_, i) => i / 10);
  const flat = line.map(() => 0);
  assert.equal(indexAfterKey(line, flat, 3, "ArrowRight", true), 7);
  assert.equal(indexAfterKey(line, flat, 10, "ArrowLeft", true), 6);
  assert.equal(indexAfterKey(line, flat, 10, "Home", false), 0);
});

test("at the edge the point stays, other keys lead nowhere", () => {
  assert.equal(indexAfterKey(xs, ys, 4, "ArrowRight", false), 4);
  assert.equal(indexAfterKey(xs, ys, 4, "ArrowRight", true), 4);
  assert.equal(indexAfterKey(xs, ys, 4, "Tab", false), null);
});

test("points on the same place cannot trap the reader", () => {
  assert.equal(indexAfterKey([0, 0, 1], [0, 0, 0], 0, "ArrowRight", false), 2);
});

test("the nearest others leave out the point itself, even among equals", () => {
  assert.deepEqual(nearestOthers(xs, ys, 0, 2), [6, 2]);
  assert.deepEqual(nearestOthers([0, 0, 0, 1], [0, 0, 0, 0], 1, 2).includes(1), false);
  assert.equal(nearestOthers([0, 0, 0, 1], [0, 0, 0, 0], 2, 2).length, 2);
});
