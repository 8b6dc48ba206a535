import assert from "node:assert/strict";
import test from "node:test";
import { clampPoint, formatNumber, makePlane, pointAfterKey, ticks } from "../../../vae_course/explore/static/plane.mjs";

test("pixels and points are each other's inverse", () => {
  const plane = makePlane(4, 326, 26);
  assert.deepEqual(plane.toPixel([-4, 4]), [26, 0]);
  assert.deepEqual(plane.toPixel([4, -4]), [326, 300]);
  for (const z of [[0, 0], [1.25, -3.5], [-4, 4]]) {
    plane.toPoint(plane.toPixel(z)).forEach((value, i) => assert.ok(Math.abs(value - z[i]) < 1e-12));
  }
  assert.equal(plane.toLength(2), 75);
});

test("a pointer beside the map stays on it", () => {
  assert.deepEqual(makePlane(3, 300, 0).toPoint([-50, 999]), [-3, -3]);
  assert.deepEqual(clampPoint([9, -0.5], 3), [3, -0.5]);
});

test("ticks are whole, symmetric and few", () => {
  assert.deepEqual(ticks(3.5), [-3, -2, -1, 0, 1, 2, 3]);
  for (const limit of [1, 2.5, 7, 12, 40]) {
    const values = ticks(limit);
    assert.ok(values.length <= 9 && values.includes(0) && values.every((value) => Math.abs(value) <= limit));
  }
});

test("numbers have a true minus and no negative zero", () => {
  assert.equal(formatNumber(-1.204), "\u22121.20");
  assert.equal(formatNumber(-0.001), "0.00");
  assert.equal(formatNumber(0.4), "0.40");
});

test("keys step, shift steps further, home goes to the origin, the edge holds", () => {
  assert.deepEqual(pointAfterKey([0, 0], "ArrowLeft", false, 3), [-0.1, 0]);
  assert.deepEqual(pointAfterKey([0, 0], "ArrowUp", true, 3), [0, 0.5]);
  assert.deepEqual(pointAfterKey([2.95, -1], "ArrowRight", true, 3), [3, -1]);
  assert.deepEqual(pointAfterKey([2, 1], "Home", false, 3), [0, 0]);
  assert.equal(pointAfterKey([2, 1], "Tab", false, 3), null);
  let z = [0, 0];
  for (let i = 0; i < 10; i++) z = pointAfterKey(z, "ArrowRight", false, 3);
  assert.deepEqual(z, [1, 0]);
});
