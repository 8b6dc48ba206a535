import assert from "node:assert/strict";
import test from "node:test";
import {
  POSITIONS, meanGreyChange, positionOf, sideOf, spansOf, traversalValues, valueAt, withLatent,
} from "../../../vae_course/explore/static/ranges.mjs";

const DIGIT = { mu: [1, -2.5], std: [0.1, 1] };

test("the prior's range is the same for all, the posterior's is mean and two sd", () => {
  assert.deepEqual(spansOf("prior", DIGIT, [-3, 3], 2), [[-3, 3], [-3, 3]]);
  assert.deepEqual(spansOf("posterior", DIGIT, [-3, 3], 2), [[0.8, 1.2], [-4.5, -0.5]]);
  assert.deepEqual(spansOf("posterior", null, [-3, 3], 2), [[-3, 3], [-3, 3]]);
});

test("every place of a handle gives a value that leads back to it", () => {
  for (const span of [[-3, 3], [0.8, 1.2], [-4.5, -0.5], [2.1234567, 2.1334567]]) {
    for (let place = 0; place <= POSITIONS; place++) {
      const value = valueAt(place, span);
      assert.equal(positionOf(value, span), place);
      assert.equal(sideOf(value, span), 0, `${value} in ${span}`);
    }
    assert.ok(Math.abs(valueAt(0, span) - span[0]) < 1e-5);
    assert.ok(Math.abs(valueAt(POSITIONS, span) - span[1]) < 1e-5);
  }
  assert.equal(valueAt(61, [-3, 3]), 0.05);
  assert.equal(valueAt(60, [-3, 3]), 0);
});

test("beyond the ends the handle stands at the end, and that is known", () => {
  assert.deepEqual([-3.7, 3.2].map((value) => positionOf(value, [-3, 3])), [0, POSITIONS]);
  assert.deepEqual([-3.7, -3, 0, 3, 3.2].map((value) => sideOf(value, [-3, 3])), [-1, 0, 0, 0, 1]);
});

test("the same travel is far in one range and little in the other", () => {
  const [prior, posterior] = [[-3, 3], [0.8, 1.2]].map((span) => valueAt(90, span) - valueAt(60, span));
  assert.ok(Math.abs(prior - 1.5) < 1e-6);
  assert.ok(Math.abs(posterior - 0.1) < 1e-6);
});

test("a traversal moves one latent, absolutely, and leaves z alone", () => {
  assert.deepEqual(traversalValues([-3, 3], 7), [-3, -2, -1, 0, 1, 2, 3]);
  const z = [1, 2, 3];
  assert.deepEqual(withLatent(z, 1, -3), [1, -3, 3]);
  assert.deepEqual(z, [1, 2, 3]);
});

test("change in grey levels, by hand", () => {
  assert.equal(meanGreyChange([0, 1, 0.5, 0.5], [0, 1, 0.5, 0.5]), 0);
  assert.ok(Math.abs(meanGreyChange([0, 1, 0.5, 0.5], [1, 1, 0.5, 0]) - (255 * 1.5) / 4) < 1e-9);
});
