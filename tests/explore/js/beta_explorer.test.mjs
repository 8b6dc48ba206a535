import assert from "node:assert/strict";
import test from "node:test";
import { unpackMatrix } from "../../../vae_course/explore/static/bytes.mjs";
import { describeBeta, priorDraws, readBetas, widen } from "../../../vae_course/explore/static/beta_explorer_data.mjs";
import { layCurve, placeLabels, pointAt } from "../../../vae_course/explore/static/beta_explorer_drawing.mjs";
import { normalPairs } from "../../../vae_course/explore/static/normals.mjs";

const SIZE = { width: 400, height: 300 };
const MODELS = [[300, 80], [30, 81], [20, 90], [5, 140]].map(([rate, distortion]) => ({ rate, distortion }));

test("missing or foreign data are named", () => {
  for (const payload of [undefined, null, {}, { kind: "latents" }]) {
    assert.throws(() => readBetas(payload), /its data are missing/);
  }
});

test("12-bit numbers with their signs, an odd number of them", () => {
  // 1, -1, 2047, -2047, 0x123 by hand: the first number's low byte, both middle halves, the second's high byte.
  const bytes = [0x01, 0xf0, 0xff, 0xff, 0x17, 0x80, 0x23, 0x01, 0x00];
  const scale = btoa(String.fromCharCode(...new Uint8Array(new Float32Array([1]).buffer)));
  const packed = { shape: [1, 5], bits: 12, values: btoa(String.fromCharCode(...bytes)), scale };
  assert.deepEqual([...unpackMatrix(widen(packed)).values], [1, -1, 2047, -2047, 0x123]);
  assert.throws(() => widen({ ...packed, shape: [1, 7] }), /expected 7 numbers/);
});

test("draws are the pairs of the shared generator, row after row", () => {
  const { first, second } = normalPairs(5, 6);
  const flat = Array.from(first, (value, i) => [value, second[i]]).flat();
  assert.deepEqual(priorDraws(5, 4, 3), [0, 1, 2, 3].map((i) => flat.slice(3 * i, 3 * i + 3)));
  assert.deepEqual(priorDraws(5, 1, 3)[0], priorDraws(5, 4, 3)[0]);
});

test("a rate far beyond the others stands at the edge, and the others have the room", () => {
  const { points } = layCurve(MODELS, SIZE);
  assert.deepEqual(points.map(({ far }) => far), [true, false, false, false]);
  assert.ok(points[0].x > points[1].x && points[0].x <= SIZE.width);
  assert.ok(points[1].x > 0.75 * SIZE.width);
  assert.ok(points[3].y < points[2].y, "a larger distortion is drawn higher");
  assert.ok(layCurve(MODELS.slice(1), SIZE).points.every(({ far }) => !far));
});

test("a click means the nearest point, and none when it is far from all", () => {
  const { points } = layCurve(MODELS, SIZE);
  points.forEach(({ x, y }, k) => assert.equal(pointAt(MODELS, SIZE, [x + 3, y - 4]), k));
  assert.equal(pointAt(MODELS, SIZE, [SIZE.width / 2, 20]), null);
});

test("labels never touch, and the present point always has its own", () => {
  const points = Array.from({ length: 9 }, (_, i) => ({ x: 100 + 9 * i, y: 100 + i, far: i === 8 }));
  const betas = [16, 8, 4, 2, 1, 0.5, 0.25, 0.1, 0];
  for (let now = 0; now < 9; now++) {
    const placed = placeLabels(points, betas, now, 400);
    assert.equal(placed[0].label, `\u03b2 = ${betas[now]}${now === 8 ? " \u2192" : ""}`);
    for (const a of placed) {
      assert.ok(a.x + a.wide <= 400);
      for (const b of placed) {
        if (a !== b) assert.ok(a.x + a.wide <= b.x || b.x + b.wide <= a.x || Math.abs(a.y - b.y) >= 13);
      }
    }
  }
});

test("the state in words", () => {
  const model = { order: [2, 0, 1], kl: [0.5, 0, 1.234], active: [true, false, true], rate: 1.74, distortion: 96 };
  assert.equal(
    describeBeta(0.25, model),
    "\u03b2 = 0.25, 3 latents, 2 active. Held out: rate 1.7 nats, distortion 96.0 nats an image. " +
      "The largest KL is that of z3, 1.23 nats.");
  const middle = { order: [0], kl: [0.125], active: [true], rate: 12.25, distortion: 96.05 };
  assert.match(describeBeta(1, middle), /rate 12\.3 nats, distortion 96\.0 nats an image\. .* z1, 0\.13 nats\.$/);
});
