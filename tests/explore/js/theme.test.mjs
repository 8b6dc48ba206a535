import assert from "node:assert/strict";
import test from "node:test";
import { contrast, cssColour, mix, onGround, parseColour } from "../../../vae_course/explore/static/theme.mjs";

test("colours in the notations that pages give", () => {
  assert.deepEqual(parseColour("#4477AA"), [68, 119, 170]);
  assert.deepEqual(parseColour("rgb(1, 2, 3)"), [1, 2, 3]);
  assert.deepEqual(parseColour(" rgba(1, 2, 3, 0.5)"), [1, 2, 3]);
  assert.throws(() => parseColour("teal"), /unknown colour "teal"/);
});

test("mixing and writing", () => {
  assert.deepEqual(mix([0, 0, 0], [100, 200, 50], 0.5), [50, 100, 25]);
  assert.equal(cssColour([1.4, 2.6, 3], 0.5), "rgba(1, 3, 3, 0.5)");
});

test("contrast as WCAG counts it", () => {
  assert.ok(Math.abs(contrast([0, 0, 0], [255, 255, 255]) - 21) < 1e-9);
  assert.ok(Math.abs(contrast([119, 119, 119], [255, 255, 255]) - 4.48) < 0.01);
});

test("digits keep their colour on paper and can be seen on a dark ground", () => {
  const indigo = parseColour("#332288");
  assert.deepEqual(onGround(indigo, [255, 255, 255]), indigo);
  const night = [20, 24, 30];
  assert.ok(contrast(indigo, night) < 2);
  assert.ok(contrast(onGround(indigo, night), night) >= 3.5);
});
