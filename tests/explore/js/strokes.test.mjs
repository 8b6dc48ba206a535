import assert from "node:assert/strict";
import test from "node:test";
import { centreOfMass, cutCorners, drawOver, prepareDrawing, rasterise } from "../../../vae_course/explore/static/strokes.mjs";

const sum = (values) => values.reduce((a, b) => a + b, 0);
const near = (a, b, tolerance) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b} to ${tolerance}`);
const seven = [[[0.2, 0.2], [0.7, 0.22], [0.4, 0.9]]];
const map = (strokes, f) => strokes.map((points) => points.map(f));

// First and last row and column with ink, as [top, bottom, left, right].
function inkBox(image) {
  const rows = [], columns = [];
  image.forEach((value, i) => {
    if (!value) return;
    rows.push(Math.floor(i / 28));
    columns.push(i % 28);
  });
  return [Math.min(...rows), Math.max(...rows), Math.min(...columns), Math.max(...columns)];
}

test("a line has the ink of its area: width times length and two half discs", () => {
  for (const [from, to] of [[[5, 5], [20, 5]], [[4.3, 6.1], [17.2, 21.9]], [[9, 9], [9, 9]]]) {
    const width = 3.1;
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    near(sum(rasterise([[from, to]], width, 28, { scale: 1 })), width * length + (Math.PI / 4) * width ** 2, 0.25);
  }
});

test("a line that runs twice has its ink once, and edges are grey", () => {
  const once = rasterise([[[5, 5.3], [20, 7.7]]], 2, 28, { scale: 1 });
  rasterise([[[5, 5.3], [20, 7.7], [5, 5.3]]], 2, 28, { scale: 1 }).forEach((value, i) => near(value, once[i], 1e-9));
  assert.ok(once.filter((value) => value > 0.05 && value < 0.95).length > 20);
  assert.ok(Math.max(...once) <= 1);
});

test("ink outside the image is cut off", () => {
  near(sum(rasterise([[[-50, 10], [50, 10]]], 2, 28, { scale: 1 })), 2 * 28, 0.01);
});

test("a drawing fills the box of 20 pixels and its centre of mass is in the middle", () => {
  const image = prepareDrawing(seven, 0.08);
  const [top, bottom, left, right] = inkBox(image);
  assert.equal(Math.max(bottom - top, right - left) + 1, 20);
  for (const centre of centreOfMass(image, 28)) near(centre, 14, 0.5);
  // Proportions stay: the 7 is (0.5 + 0.08) wide and (0.7 + 0.08) high.
  near(right - left + 1, (20 * 0.58) / 0.78, 1.01);
});

test("place and size on the sheet do not matter", () => {
  const image = prepareDrawing(seven, 0.08);
  assert.deepEqual(prepareDrawing(map(seven, ([x, y]) => [x + 0.25, y - 0.125]), 0.08), image);
  assert.deepEqual(prepareDrawing(map(seven, ([x, y]) => [x / 2, y / 2]), 0.04), image);
});

test("a drawing with its mass at one end stays inside, whole", () => {
  const lopsided = [[[0, 0], [1, 0]], ...Array.from({ length: 9 }, (_, i) => [[0, i / 50], [0.1, i / 50]])];
  const image = prepareDrawing(lopsided, 0.05);
  const [, , left, right] = inkBox(image);
  assert.equal(right - left + 1, 20);
});

test("a narrow 1 stands in the middle, not where the box begins", () => {
  const [, , left, right] = inkBox(prepareDrawing([[[0.3, 0.1], [0.3, 0.9]]], 0.08));
  assert.ok(left >= 12 && right <= 15, `${left} to ${right}`);
});

test("an empty sheet is paper; a dot is a dot and no blot", () => {
  assert.equal(sum(prepareDrawing([], 0.08)), 0);
  assert.equal(sum(prepareDrawing([[]], 0.08)), 0);
  const [top, bottom] = inkBox(prepareDrawing([[[0.9, 0.1]]], 0.08));
  assert.ok(bottom - top < 6);
});

test("a loaded image stays as it is, and ink goes over it", () => {
  const loaded = Uint8Array.from({ length: 784 }, (_, i) => i % 256);
  assert.deepEqual(drawOver(loaded, [], 0.08), loaded);
  const over = drawOver(loaded, [[[0, 0.5], [1, 0.5]]], 0.1);
  assert.ok(over.every((value, i) => value >= loaded[i]));
  assert.equal(over[14 * 28 + 5], 255);
  assert.deepEqual(over.slice(0, 28 * 10), loaded.slice(0, 28 * 10));
});

test("corners are cut, ends stay, and a straight line stays straight", () => {
  const stairs = [[0, 0], [1, 0], [1, 1], [2, 1], [2, 2]];
  const smooth = cutCorners(stairs);
  assert.deepEqual([smooth[0], smooth.at(-1)], [[0, 0], [2, 2]]);
  for (const [x, y] of smooth) assert.ok(Math.abs(x - y) <= 1);
  assert.ok(!smooth.some(([x, y]) => x === 1 && y === 0), "the corner is gone");
  assert.ok(cutCorners([[0, 0], [1, 1], [3, 3]]).every(([x, y]) => x === y));
  assert.deepEqual(cutCorners([[0, 0], [1, 1]]), [[0, 0], [1, 1]]);
});
