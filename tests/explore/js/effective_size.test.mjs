import assert from "node:assert/strict";
import test from "node:test";
import { effectiveSize, fourier, normalQuantile, normalScores } from "../../../vae_course/explore/static/effective_size.mjs";
import { normalPairs } from "../../../vae_course/explore/static/normals.mjs";

test("the fast Fourier transform is the sum that it stands for", () => {
  const { first, second } = normalPairs(1, 16);
  const [real, imaginary] = [first.slice(), second.slice()];
  fourier(real, imaginary);
  for (let k = 0; k < 16; k++) {
    let [re, im] = [0, 0];
    for (let i = 0; i < 16; i++) {
      const angle = (-2 * Math.PI * i * k) / 16;
      re += first[i] * Math.cos(angle) - second[i] * Math.sin(angle);
      im += first[i] * Math.sin(angle) + second[i] * Math.cos(angle);
    }
    assert.ok(Math.abs(real[k] - re) + Math.abs(imaginary[k] - im) < 1e-12);
  }
});

test("quantiles of the normal distribution, near the middle, in the tails and on both sides", () => {
  const known = { 0.5: 0, 0.975: 1.959963984540054, 0.9999: 3.719016485455709, 1e-6: -4.753424308822899, 0.6: 0.2533471031357997 };
  for (const [p, z] of Object.entries(known)) assert.ok(Math.abs(normalQuantile(Number(p)) - z) < 1e-13, p);
});

test("equal values share their mean rank", () => {
  const scores = normalScores(Float64Array.from([3, 1, 1, 2]));
  assert.equal(scores[1], scores[2]);
  assert.ok(Math.abs(scores[1] - normalQuantile((1.5 - 0.375) / 4.25)) < 1e-15);
  assert.ok(scores[3] < scores[0]);
});

test("independent draws count in full, slow chains for less, frozen ones not at all", () => {
  const n = 20000;
  const { first } = normalPairs(5, n);
  assert.ok(Math.abs(effectiveSize(first) / n - 1) < 0.2);
  const slow = first.slice();
  for (let i = 1; i < n; i++) slow[i] += 0.9 * slow[i - 1]; // (1 - 0.9) / (1 + 0.9) of them count
  assert.ok(Math.abs(effectiveSize(slow) / (n / 19) - 1) < 0.3);
  assert.ok(Number.isNaN(effectiveSize(new Float64Array(100).fill(2))));
  assert.ok(Number.isNaN(effectiveSize(first.subarray(0, 7))));
  assert.ok(effectiveSize(first.subarray(0, 8)) > 0);
});
