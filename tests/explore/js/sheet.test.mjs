import assert from "node:assert/strict";
import test from "node:test";
import { barAt } from "../../../vae_course/explore/static/bars.mjs";
import { valueAt } from "../../../vae_course/explore/static/curve.mjs";
import { nineToZero } from "../../../vae_course/explore/static/nine_to_zero.mjs";
import { penAfterKey } from "../../../vae_course/explore/static/pen_input.mjs";
import { makeSheet } from "../../../vae_course/explore/static/sheet.mjs";

const picture = Uint8Array.from({ length: 784 }, (_, i) => (i * 7) % 256);

test("a loaded image is passed on exactly, until ink goes over it; undo goes back step by step", () => {
  const sheet = makeSheet(0.08, picture);
  assert.deepEqual(sheet.bytes, picture);
  assert.equal(sheet.canUndo, false);
  sheet.begin([0.5, 0.5]);
  sheet.extend([0.6, 0.5]);
  assert.notDeepEqual(sheet.bytes, picture);
  sheet.undo();
  assert.deepEqual(sheet.bytes, picture);
  sheet.clear();
  assert.ok(sheet.isEmpty && sheet.bytes.every((value) => value === 0));
  sheet.clear(); // clearing what is clear is no step
  sheet.undo();
  assert.deepEqual(sheet.bytes, picture);
  assert.equal(sheet.canUndo, false);
  sheet.undo();
  assert.deepEqual(sheet.bytes, picture);
});

test("undoing one stroke leaves the one before it", () => {
  const sheet = makeSheet(0.08);
  sheet.begin([0.2, 0.2]);
  sheet.extend([0.2, 0.8]);
  const first = sheet.bytes;
  sheet.begin([0.7, 0.2]);
  sheet.extend([0.7, 0.8]);
  assert.equal(sheet.lines.length, 2);
  sheet.undo();
  assert.deepEqual(sheet.bytes, first);
});

test("a stroke that was undone, or whose sheet was taken away in the middle, is not gone on with", () => {
  const sheet = makeSheet(0.08);
  sheet.begin([0.2, 0.2]);
  sheet.extend([0.2, 0.8]);
  const first = sheet.bytes;
  sheet.begin([0.7, 0.2]);
  sheet.undo();
  sheet.extend([0.9, 0.9]);
  assert.deepEqual(sheet.bytes, first);
  sheet.begin([0.7, 0.2]);
  sheet.load(picture);
  sheet.extend([0.9, 0.9]);
  assert.deepEqual(sheet.bytes, picture);
});

test("points that are almost on each other are dropped", () => {
  const sheet = makeSheet(0.08);
  sheet.begin([0.5, 0.5]);
  sheet.extend([0.5005, 0.5]);
  assert.equal(sheet.lines[0].length, 1);
});

test("a journey of the slider is one step", () => {
  const sheet = makeSheet(0.08, picture);
  for (const share of [0, 0.1, 0.9]) sheet.follow(share, nineToZero(share));
  assert.equal(sheet.state.share, 0.9);
  sheet.begin([0.1, 0.1]);
  assert.equal(sheet.state.share, null, "who draws on leaves the way");
  sheet.undo();
  sheet.undo();
  assert.deepEqual(sheet.bytes, picture);
});

test("the pen changes a drawing and not a loaded image", () => {
  const sheet = makeSheet(0.05);
  const sum = () => sheet.bytes.reduce((a, b) => a + b, 0);
  sheet.follow(0, nineToZero(0));
  const thin = sum();
  sheet.pen = 0.1;
  assert.ok(sum() > 1.3 * thin);
  sheet.load(picture);
  sheet.pen = 0.14;
  assert.deepEqual(sheet.bytes, picture);
});

test("the 9 closes its loop at the stem, the 0 closes below, and in between nothing jumps", () => {
  const gap = ([x, y], [u, v]) => Math.hypot(x - u, y - v);
  const [loop, tail] = nineToZero(0);
  assert.ok(gap(loop.at(-1), tail[0]) < 0.03 && gap(loop[0], tail[0]) < 0.03);
  assert.ok(gap(loop.at(-1), tail.at(-1)) > 0.3);
  const zero = nineToZero(1);
  assert.ok(gap(zero[0][0], zero[1][0]) < 1e-9 && gap(zero[0].at(-1), zero[1].at(-1)) < 1e-9);
  for (let i = 0; i < 40; i++) {
    const [before, after] = [nineToZero(i / 40), nineToZero((i + 1) / 40)];
    before.forEach((points, k) => points.forEach((point, j) => {
      assert.ok(gap(point, after[k][j]) < 0.02);
      assert.ok(point.every((value) => value > 0.1 && value < 0.9));
    }));
  }
});

test("keys move the pen in eight directions and not beyond the sheet", () => {
  assert.deepEqual(penAfterKey([0.5, 0.5], "ArrowLeft", false), [0.45, 0.5]);
  assert.deepEqual(penAfterKey([0.5, 0.5], "PageDown", true), [0.51, 0.51]);
  assert.deepEqual(penAfterKey([0.02, 0.99], "End", false), [0, 1]);
  assert.equal(penAfterKey([0.5, 0.5], "Tab", false), null);
});

test("bars under a pixel, and values between the steps of a curve", () => {
  const found = Array.from({ length: 300 }, (_, x) => barAt(x, 300, 20));
  assert.deepEqual([...new Set(found)].filter((i) => i !== null), Array.from({ length: 20 }, (_, i) => i));
  assert.equal(barAt(5, 300, 20), null);
  assert.equal(valueAt([1, 3, 7], 0.75), 5);
  assert.equal(valueAt([1, 3, 7], 1), 7);
});
