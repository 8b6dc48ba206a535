import assert from "node:assert/strict";
import test from "node:test";
import { normalPairs } from "../../../vae_course/explore/static/normals.mjs";

const N = 40000;

test("means, variances, correlation and tails are those of N(0, I)", () => {
  const { first, second } = normalPairs(7, N);
  const mean = (values) => values.reduce((a, b) => a + b, 0) / N;
  for (const values of [first, second]) {
    assert.ok(Math.abs(mean(values)) < 4 / Math.sqrt(N));
    assert.ok(Math.abs(mean(values.map((v) => v * v)) - 1) < 4 * Math.sqrt(2 / N));
    const beyond = values.filter((v) => Math.abs(v) > 1.959964).length / N;
    assert.ok(Math.abs(beyond - 0.05) < 4 * Math.sqrt((0.05 * 0.95) / N));
  }
  assert.ok(Math.abs(mean(first.map((v, i) => v * second[i]))) < 4 / Math.sqrt(N));
});

test("a seed gives the same numbers, another seed others, and a longer run begins alike", () => {
  assert.deepEqual(normalPairs(3, 20), normalPairs(3, 20));
  assert.notDeepEqual(normalPairs(3, 20), normalPairs(4, 20));
  assert.deepEqual(normalPairs(3, 20).first, normalPairs(3, 50).first.slice(0, 20));
  const seeds = Array.from({ length: 2000 }, (_, seed) => normalPairs(seed, 1).first[0]);
  const mean = seeds.reduce((a, b) => a + b, 0) / seeds.length;
  assert.ok(Math.abs(mean) < 4 / Math.sqrt(2000), "neighbouring seeds are as good as others");
});
